"""The JSON API of the history: how a person is doing, whose mornings drift, which devices will fail, a site's figures.

Answers come from the database, each by an index, and have an ETag. Long answers come in pages: `next` of one page is
the `cursor` of the following page. For a table, the header `Link` names the next page.
"""

import asyncio
import math
from collections.abc import Awaitable
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from models.contract.alerts import Kind, Severity
from models.figures import LATER_MIN
from models.json_object import JsonObject
from models.times import EARLIEST, LATEST, format_time
from stores.errors import StoreError
from stores.pages import CursorError
from stores.questions import Questions
from web.access import RefusedError, signed_in
from web.answers import CSV, Format, answer, counted, refusals
from web.api import AlertFields
from web.history import PATIENCE_S
from web.pages import Subject
from web.words import DATABASE_AWAY, N_

NO_PERSON: Final = N_("No person has this number.")
BAD_CURSOR: Final = N_("This API did not give this cursor.")
LONGEST_DAYS: Final = 1100
TOO_LONG: Final = N_("Please choose at most three years, and a first day that is not after the last day.")

router = APIRouter(prefix="/api/v1", dependencies=[Depends(signed_in)], responses=refusals(401, 422, 503))
Found = TypeVar("Found")
SiteName = Annotated[str, Path(max_length=100)]
Cursor = Annotated[str | None, Query(max_length=400, description="`next` of the previous page")]
_CSV: Final[dict[int | str, JsonObject]] = {200: {"content": {CSV.split(";", maxsplit=1)[0]: {}}}}


class WakeUp(BaseModel):
    woke: str | None = Field(description="median of the newest 28 mornings, local time", examples=["06:41"])
    woke_before: str | None = Field(description="median of the 28 mornings before these")
    later_min: int | None = Field(description="`woke` minus `woke_before`, in minutes; negative: earlier than before")
    of_mornings: int = Field(description="number of mornings in `woke`, at most 28")


class Morning(BaseModel):
    date: str
    woke: str


class WakeUps(WakeUp):
    subject: int
    mornings: list[Morning] = Field(description="at most 84 mornings, the newest first")


class Drift(WakeUp):
    subject: int


class PastAlert(AlertFields):
    """An alert of any time, or an outage of a gateway."""

    subject: int | None = Field(description="null for an outage")
    site: str | None = Field(description="null for an outage, which concerns every site")
    gateway: str | None = Field(description="for an outage: the gateway that is out")
    lane: int | None = Field(description="for an outage: the partition that judged it")
    reason: str | None = Field(description="the reason why the alert was cleared; null: it was not")


class Trend(BaseModel):
    battery_pct: int | None
    signal_dbm: int | None
    battery_a_week: float | None = Field(
        description="change a week by least squares, over the newest 21 days since this device is in its slot")
    signal_a_week: float | None
    days_left: int | None = Field(description="days until the battery is empty; null: the level does not fall")


class Device(Trend):
    slot: int
    heard: JsonObject | None
    attrs: list[JsonObject] = Field(description="k: name, v: value, u: unit, t: time")


class FailingDevice(Trend):
    subject: int
    slot: int
    heard_at: str


class PersonState(BaseModel):
    subject: int
    site: str | None
    profile: JsonObject | None = Field(description="the record of the topic `registry`, without keys")
    contact: dict[str, str] | None
    heard: JsonObject | None = Field(description="the last report that arrived: time of receipt, id and site")
    report: JsonObject | None = Field(description="the newest report by the device's clock")
    windows: JsonObject = Field(description="the newest result of the morning and of the afternoon")
    wake_up: WakeUp
    alerts: list[PastAlert] = Field(description="the open alerts")
    devices: list[Device]


class Week(BaseModel):
    week: str = Field(examples=["2026-W48"])
    reports: int = Field(description="reports made in this week (UTC)")
    late: int | None = Field(
        description="number of these reports that took more than ten minutes, or were too old to count")
    last: str | None = Field(description="time at which the last of these reports was received")
    battery_min: int | None
    signal_min: int | None
    woke: str | None = Field(description="median wake-up time of the week, local time")
    results: dict[str, str] = Field(description="results by window, of the week in the person's local time")


class Weeks(BaseModel):
    items: list[Week]
    next: str | None


class PastAlerts(BaseModel):
    items: list[PastAlert]
    next: str | None


class Period(BaseModel):
    period: str = Field(examples=["2026-11-24", "2026-W48", "2026-11"])
    site: str
    days: int = Field(description="number of days with figures")
    checkins: dict[str, dict[str, int]] = Field(description="number of windows, by half and result")
    alerts: dict[str, int] = Field(description="number of opened alerts, by kind")
    woke: str | None = Field(description="median wake-up time of the people; for several days the median of the days")
    sms: int = Field(description="number of reports that name a window")
    sms_late: int = Field(
        description="number of these reports that took more than ten minutes, or were too old to count")
    late_share: float | None


async def asked(found: Awaitable[Found]) -> Found:
    """An answer of the database. Raises RefusedError if it does not come in time, or if the cursor is not ours."""
    try:
        return await asyncio.wait_for(found, PATIENCE_S)
    except CursorError:
        raise RefusedError(422, BAD_CURSOR) from None
    except (StoreError, TimeoutError):
        raise RefusedError(503, DATABASE_AWAY) from None


def questions_of(request: Request) -> Questions:
    found: Questions = request.app.state.questions
    return found


Asked = Annotated[Questions, Depends(questions_of)]


@router.get("/people/{subject}", response_model=PersonState, responses=refusals(404))
async def person(request: Request, questions: Asked, subject: Subject) -> Response:
    """Return the present state of a person."""
    found = await asked(questions.state(subject))
    if found is None:
        raise RefusedError(404, NO_PERSON)
    return answer(request, found)


@router.get("/people/{subject}/weeks", response_model=Weeks, responses=_CSV | refusals(404))
async def weeks(request: Request, questions: Asked, subject: Subject, cursor: Cursor = None,
                limit: Annotated[int, Query(ge=1, le=200)] = 12, form: Format = "json") -> Response:
    """List a person's weeks, the newest first, including weeks without reports. CSV counts the results by half."""
    page = await asked(questions.weeks(subject, cursor, limit))
    if page is None:
        raise RefusedError(404, NO_PERSON)
    return answer(request, {"items": page.rows, "next": page.cursor}, counted(page.rows), form)


@router.get("/people/{subject}/wake-up", response_model=WakeUps, responses=_CSV | refusals(404))
async def wake_up(request: Request, questions: Asked, subject: Subject, form: Format = "json") -> Response:
    """Return the time at which a person gets up, and how it changes."""
    found = await asked(questions.wake_up(subject))
    if found is None:
        raise RefusedError(404, NO_PERSON)
    return answer(request, found, found["mornings"], form)


@router.get("/sites/{site:path}/later-mornings", response_model=list[Drift], responses=_CSV)
async def later(request: Request, questions: Asked, site: SiteName,
                at_least_min: Annotated[int, Query(ge=1, le=720)] = LATER_MIN, form: Format = "json") -> Response:
    """List people who get up later than in the four weeks before, the largest drift first."""
    rows = await asked(questions.later(site, at_least_min))
    return answer(request, rows, rows, form)


@router.get("/sites/{site:path}/failing-devices", response_model=list[FailingDevice], responses=_CSV)
async def failing(request: Request, questions: Asked, site: SiteName, form: Format = "json") -> Response:
    """List devices that will fail next, by battery and signal, the worst first."""
    rows = await asked(questions.failing(site))
    return answer(request, rows, rows, form)


@router.get("/sites/{site:path}/figures", response_model=list[Period], responses=_CSV)
async def figures(request: Request, questions: Asked, site: SiteName, first: date, last: date,
                  by: Literal["day", "week", "month"] = "day", form: Format = "json") -> Response:
    """Return a site's check-ins, alerts, wake-up time and late SMS by day, week or month."""
    if not 0 <= (last - first).days <= LONGEST_DAYS:
        raise RefusedError(422, TOO_LONG)
    rows = await asked(questions.figures(site, first, last, by))
    return answer(request, rows, rows, form)


@router.get("/past-alerts", response_model=PastAlerts, responses=_CSV)
async def past_alerts(request: Request, questions: Asked, site: Annotated[str | None, Query(max_length=100)] = None,
                      subject: Annotated[int | None, Query(ge=0, le=0xFFFFFFFF)] = None, kind: Kind | None = None,
                      severity: Severity | None = None, active: bool | None = None, since: datetime | None = None,
                      until: datetime | None = None, cursor: Cursor = None,
                      limit: Annotated[int, Query(ge=1, le=1000)] = 100, form: Format = "json") -> Response:
    """List alerts of any time, the newest first, that opened at `since` or later and before `until`.

    A time without an offset is UTC. Name the kind to list outages of gateways: they belong to no site, and appear once
    for each partition.
    """
    where = {"site": site, "subject": subject, "kind": kind, "severity": severity, "active": active}
    page = await asked(questions.alerts(where, _text(since), _text(until), cursor, limit))
    return answer(request, {"items": page.rows, "next": page.cursor}, page.rows, form)


def _text(time: datetime | None) -> str | None:
    if time is None:
        return None
    # Openings are whole seconds, so a limit that is rounded up selects the same openings as one with a fraction.
    seconds = math.ceil((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    return format_time(min(max(seconds, EARLIEST), LATEST))  # no alert is before or after these
