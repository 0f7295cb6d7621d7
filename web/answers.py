"""The JSON API answers in the requested form: JSON or CSV, with an ETag, and 304 if nothing is new.

If there are more pages, the header `Link` names the next page (RFC 8288): a table has no place for it. A spreadsheet
opens the CSV as it is: UTF-8 with a byte order mark, and no cell that a spreadsheet would run as a formula (OWASP,
CSV Injection).
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from models.json_object import JsonObject, JsonView
from models.window import HALVES

CSV: Final = "text/csv; charset=utf-8"
JSON: Final = "application/json"
Format = Annotated[str, Query(alias="format", pattern="^(json|csv)$", description="json, or csv for a spreadsheet")]
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n",
                   "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the first four in full width, as wide as a Korean letter


class Refusal(BaseModel):
    """The reason why a request is refused."""

    detail: str = Field(examples=["limit: Input should be less than or equal to 200"])


def refusals(*statuses: int) -> dict[int | str, JsonObject]:
    """The responses of a path of the API for these statuses, for the description of the path."""
    return {status: {"model": Refusal} for status in statuses}


def answer(request: Request, value: Any, rows: Sequence[JsonView] | None = None, form: str = "json",
           ) -> Response:
    """The answer to a request; 304 if the caller has it already.

    value: the content of a JSON answer.
    rows: the rows of a CSV answer; None: there is no CSV answer.
    """
    as_csv = form == "csv" and rows is not None
    octets = csv_of(rows or ()) if as_csv else orjson.dumps(value)
    tag = f'"{hashlib.sha256(octets).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "authorization, cookie"}
    if isinstance(value, Mapping) and (cursor := value.get("next")) is not None:
        asked = [(name, one) for name, one in request.query_params.multi_items() if name != "cursor"]
        headers["link"] = f'<?{urlencode([*asked, ("cursor", cursor)])}>; rel="next"'
    if as_csv:
        headers["content-disposition"] = 'attachment; filename="anbu.csv"'
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(octets, media_type=CSV if as_csv else JSON, headers=headers)


def csv_of(rows: Iterable[JsonView]) -> bytes:
    """CSV with one line for each row. A nested value has one column for each leaf (`checkins.morning.awake`); a list is
    one cell."""
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(_cell, columns))
    writer.writerows([_cell(row.get(name)) for name in columns] for row in flat)
    return text.getvalue().encode("utf-8-sig")


def counted(weeks: Iterable[JsonView]) -> list[JsonObject]:
    """A person's weeks, with their results counted by half and result: a column for each window would leave most cells
    empty."""
    return [{**week, "results": {half: dict(sorted(Counter(
        result for window, result in week["results"].items() if window.endswith(half)).items())) for half in HALVES}}
        for week in weeks]


def _flat(row: JsonView, prefix: str = "") -> JsonObject:
    found: JsonObject = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            found[prefix + name] = " ".join(map(str, value))
        else:
            found[prefix + name] = value
    return found


def _cell(value: Any) -> Any:
    """The content of a cell. A text that begins like a formula gets an apostrophe, which marks it as text for a
    spreadsheet."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
