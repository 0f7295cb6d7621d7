"""When two lists of outputs say the same: the comparison rules of tests/vectors/README.md.

Order counts within one alert, one window, one report of a (topic, key), and within `quarantine`; null and absent are
equal; extra fields are allowed; the words of `why` and `detail` are free, `evidence` only where no rule fixes it.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

Line = dict[str, Any]
_EVIDENCE_FIXED = {"no_report", "not_awake", "sos", "fire", "gas", "fall"}


def thread(line: Line) -> tuple[Any, ...]:
    """Lines of one thread are in order."""
    value = line["value"]
    match line["topic"]:
        case "quarantine":
            return ("quarantine",)
        case "alerts":
            return ("alerts", line["key"], value["data"]["alert"])
        case _ if value["type"] == "checkin":
            return ("checkin", line["key"], value["window"])
        case _:
            return ("report", line["key"], value["id"])


def normal(line: Line) -> Line:
    """A line without what is free to differ; the free sentences must be there all the same."""
    value = dict(line["value"])
    key = line["key"]
    if line["topic"] == "alerts":
        data = dict(value["data"])
        assert set(data["why"]) >= {"ko", "en"}
        assert all(data["why"].values())
        del data["why"]
        data.pop("lane", None)
        if data["kind"] not in _EVIDENCE_FIXED:
            data["cause"] = {"likely": data["cause"]["likely"]}
        value["data"] = data
    elif value.get("type") == "refused":
        value.pop("lane", None)
    elif line["topic"] == "quarantine":
        value.pop("detail", None)
        if value["reason"] == "malformed":
            value.pop("at", None)
            key = None
    return {"topic": line["topic"], "key": key, "value": _without_nulls(value)}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return value


def by_thread(lines: Iterable[Line]) -> dict[tuple[Any, ...], list[Line]]:
    threads: dict[tuple[Any, ...], list[Line]] = defaultdict(list)
    for line in lines:
        threads[thread(line)].append(normal(line))
    return dict(threads)


def differences(expected: Iterable[Line], got: Iterable[Line]) -> list[str]:
    """What differs, thread by thread, in lines for a person; empty where the two say the same."""
    wanted, found = by_thread(expected), by_thread(got)
    return [f"{'/'.join(map(str, name))}\n  expected {wanted.get(name)}\n  got      {found.get(name)}"
            for name in sorted(wanted.keys() | found.keys(), key=str) if wanted.get(name) != found.get(name)]
