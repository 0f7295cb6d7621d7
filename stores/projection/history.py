"""Only fields that the contract names get into the database: pure functions turn records into changes of documents.

There is a function for each kind of record. A device's key, or a name that an operator put into a registry record, does
not get into the database. No field of a record can displace a field of Anbu. Map keys are event ids with `-` for `.`.
A refused command changes nothing, so it leaves nothing in the database.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from models.contract.alerts import Kind
from models.contract.command import CommandType, IncidentCommand, read_command
from models.contract.effects import Result
from models.contract.inputs import Record
from models.contract.records import parse_object, subject_of, subject_of_key, text_of
from models.contract.registry import parse_profile
from models.errors import ContractError
from models.figures import CLOCK_AHEAD_S, CLOCK_BEHIND_S, LATE_SMS_S
from models.times import DAY, EARLIEST_DAY, LATEST_DAY, format_date, format_time, parse_date, parse_time
from models.window import Window
from stores.projection.collections import ALERTS, BUCKETS, CHECKINS, DEVICES, INCIDENTS, PEOPLE, STATES
from stores.projection.document import Document
from stores.projection.operations import DocumentChange, Entry
from stores.projection.weeks import week_of

_PROFILE: Final = ("site", "gateway", "tz", "since", "retired", "windows", "grace_min", "excused", "escalation",
                   "thresholds", "attributes", "ask_min", "remind")
_ALERT: Final = ("alert", "revision", "change", "kind", "severity", "active", "acknowledged_by", "assignee", "site",
                 "window", "opened_at", "changed_at", "cause", "why", "by", "text", "escalated_to", "reason",
                 "command", "outcome")
_REVISION: Final = ("change", "severity", "site", "by", "text", "why", "reason", "escalated_to", "command", "outcome")
_CHECKIN: Final = ("site", "result", "previous", "repaired", "at")
_REPORT: Final = ("id", "site", "device_time", "received_at", "late", "window", "result", "battery_pct", "signal_dbm",
                  "temp_c", "humidity_pct", "idle_min", "first_activity", "activity", "flags", "answers", "attrs",
                  "sms")
_STATUS: Final = ("id", "site", "device_time", "received_at", "window", "result", "battery_pct", "signal_dbm", "temp_c",
                  "humidity_pct", "idle_min", "first_activity", "flags")
_UNITS: Final = {"battery_pct": "%", "signal_dbm": "dBm", "temp_c": "°C", "humidity_pct": "%"}


def changes_of(record: Record) -> list[DocumentChange]:
    """Return the changes of a record of alerts, reports, registry or commands. Raises ContractError."""
    if record.topic == "registry" and record.value is None:
        return of_registry(subject_of_key(record.key), None, record.offset)
    document = parse_object(record.value or b"")
    try:
        match record.topic:
            case "alerts":
                return of_alert(document)
            case "registry":
                return of_registry(parse_profile(document).subject, document, record.offset)
            case "commands":
                return of_command(document, record.offset)
        match document["type"]:
            case "report":
                return of_report(document)
            case "checkin":
                return of_checkin(document)
            case "progress" | "refused":
                return []
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ContractError(str(error)) from error
    raise ContractError("type")


def subject_of_record(record: Record) -> int | None:
    """Return the subject of a registry record or command, as `watch` reads it: from the value, or a tombstone's key."""
    try:
        return subject_of_key(record.key) if record.value is None else subject_of(parse_object(record.value))
    except ContractError:
        return None


def of_alert(event: Document) -> list[DocumentChange]:
    """Changes of a revision of an alert or incident: the current state, and the revision by its number."""
    data, subject = event["data"], text_of(event, "subject")
    alert, revision, kind = text_of(data, "alert"), _whole(data, "revision"), Kind(data["kind"])
    for name in ("opened_at", "changed_at"):
        parse_time(data[name], name)
    if data["window"] is not None:
        _half_of(data["window"])
    changed = parse_time(data["changed_at"], "changed_at")
    state = {name: data.get(name) for name in _ALERT} | {"dated": None if data["active"] else _date(changed)}
    entries = {f"revisions.{revision}": Entry({"at": data["changed_at"], **_of(data, _REVISION)})}
    if kind is Kind.GATEWAY_OUTAGE:
        lane = _whole(data, "lane")
        fixed = {"gateway": subject, "lane": lane}
        return [DocumentChange(
            collection=INCIDENTS, id=f"{lane}/{alert}", fixed=fixed, version=revision, state=state, entries=entries,
            happened=changed,
        )]
    text_of(data, "site")
    return [DocumentChange(
        collection=ALERTS, id=alert, fixed={"subject": int(subject)}, version=revision, state=state, entries=entries,
        happened=changed,
    )]


def of_checkin(checkin: Document) -> list[DocumentChange]:
    """Changes of a check-in: the result of the window by revision, and the person's newest morning or afternoon."""
    subject, window, result = subject_of(checkin), checkin["window"], Result(checkin["result"])
    day, half = _half_of(window)
    text_of(checkin, "site")
    revision = int(checkin["id"].rsplit("#", 1)[1])
    state = {**_of(checkin, _CHECKIN), "result": result.value}
    newest = Entry({"window": window, "revision": revision, **state}, [parse_date(day, "window"), revision])
    dated = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return [
        DocumentChange(
            collection=CHECKINS, id=f"{subject}/{window}",
            fixed={"subject": subject, "window": window, "day": day, "half": half, "dated": dated}, version=revision,
            state=state, entries={f"revisions.{revision}": Entry(state)}, happened=int(dated.timestamp()),
        ),
        DocumentChange(STATES, str(subject), {"subject": subject}, entries={f"windows.{half}": newest}),
    ]


def of_report(report: Document) -> list[DocumentChange]:
    """Changes of a report: its week, and the newest state of person and device. A late report changes only its week."""
    subject = subject_of(report)
    reference = text_of(report, "id")
    slot, epoch, counter = (int(part) for part in reference.partition("@")[0].split("."))
    received = parse_time(report["received_at"], "received_at")
    clock = None if report["device_time"] is None else parse_time(report["device_time"], "device_time")
    sms = _of(report.get("sms") or {}, ("id", "gateway"))
    # Among reports of one id, one that is not late wins, else the first; two of one second have a fixed order.
    right = [int(not report["late"]), -received, str(sms["id"] or "")]
    text_of(report, "site")
    for name in ("battery_pct", "signal_dbm"):  # figures are computed from these
        if report[name] is not None:
            _whole(report, name)
    late = bool(report["late"])
    half = None if report["window"] is None else _half_of(report["window"])
    counts = {"place": half and f"{half[0]}/{report['site']}",
              "late": late or (clock is not None and received - clock > LATE_SMS_S),  # a late SMS, see docs/glossary.md
              "woke": None if late or half is None else report["first_activity"]}
    kept = {**_of(report, _REPORT), "sms": sms, "counts": counts}
    monday = _week(clock, received)
    entries = {f"reports.{reference.replace('.', '-')}": Entry(kept, right)}
    if half is not None:
        # Whichever body of an id wins, the figures of every day and site that a body names are computed again.
        place = f"{half[0]}/{report['site']}"
        entries[f"seen.{key_of(place)}{'~late' if late else ''}"] = Entry({"place": place, "late": late})
    changes = [DocumentChange(BUCKETS, *_bucket(subject, monday), entries=entries,
                              happened=int(monday.timestamp()) + 7 * DAY)]
    if late:
        return changes
    told = received if clock is None else min(clock, received)
    heard = {"at": report["received_at"], "report": report["id"], "site": report["site"]}
    state: dict[str, Entry] = {"heard": Entry(heard, [received, epoch, counter, slot])}
    if half is not None and report["first_activity"] is not None:
        minute = _minute(report["first_activity"])
        state[f"mornings.{half[0]}"] = Entry({"minute": minute}, [-minute])
    if report["activity"] is not None:  # a status report; other reports have only attributes
        state["report"] = Entry(_of(report, _STATUS), [told, received, epoch, counter, slot])
    # The counter of a device may fall back (rule 23), and its clock may be wrong; then the arrival counts.
    version: list[Any] = [epoch, received if "clock" in report["flags"] else told, counter]
    device = {"heard": Entry(heard, version)} | _measured(report, version, format_time(told))
    day = datetime.fromtimestamp(told, UTC).date()
    trend = {"battery": _point(day, report["battery_pct"]), "signal": _point(day, report["signal_dbm"])}
    device[f"trend.{day.isoformat()}"] = Entry(trend, version)
    return [*changes, DocumentChange(STATES, str(subject), {"subject": subject}, entries=state),
            DocumentChange(DEVICES, f"{subject}/{slot}", {"subject": subject, "slot": slot}, entries=device)]


def of_registry(subject: int, profile: Document | None, offset: int) -> list[DocumentChange]:
    """Changes of a registry record: the operational profile, never its keys. The version is the record's offset.

    profile: None for a tombstone.
    """
    sites: dict[str, Entry] = {}
    if profile is None:
        state: Document = {"gone": True, "site": None, "profile": None}
    else:
        sites[f"sites.{key_of(profile['site'])}"] = Entry({"site": profile["site"]})
        kept: Document = {"subject": subject, **{name: profile[name] for name in _PROFILE if name in profile}}
        kept["devices"] = [_of(one, ("slot", "epoch")) for one in profile.get("devices") or []]
        state = {"gone": False, "site": profile["site"], "profile": kept}
    return [DocumentChange(
        collection=PEOPLE, id=str(subject), fixed={"subject": subject}, version=offset, state=state, entries=sites,
    )]


def of_command(document: Document, offset: int) -> list[DocumentChange]:
    """Changes of a command: excuses, by their offset. Commands on alerts come back as revisions of the alerts."""
    command = read_command(document)
    if isinstance(command, IncidentCommand) or command.type not in (CommandType.EXCUSE, CommandType.UNEXCUSE):
        return []
    excuse = Entry(_of(document, ("id", "type", "from", "to", "by", "at", "text")))
    return [DocumentChange(PEOPLE, str(command.subject), {"subject": command.subject},
                           entries={f"excuses.{offset}": excuse})]


def _of(document: Document, names: tuple[str, ...]) -> Document:
    return {name: document.get(name) for name in names}


def _whole(document: Document, field: str) -> int:
    value = document[field]
    if type(value) is not int:
        raise ContractError(field)
    return value


def _point(day: date, value: int | None) -> Document | None:
    """Return a point of a line by least squares, with its products: only sums are left to compute."""
    if value is None:
        return None
    x = day.toordinal()
    return {"x": x, "y": value, "xx": x * x, "xy": x * value}


def _half_of(window: str) -> tuple[str, str]:
    """Return the date and the half of a window such as 2026-11-24:morning. Raises ContractError."""
    found = Window.parse(window)
    if not EARLIEST_DAY <= found.day < LATEST_DAY:  # as for times: the days before and after must be dates too
        raise ContractError("window")
    return format_date(found.day), found.half


def _week(clock: int | None, received: int) -> datetime:
    """Return the Monday, at midnight UTC, of the week in which a report was made.

    The device's clock decides if it can be right. So a frame that is sent again weeks later gets into the same week.
    """
    believed = clock is not None and received - CLOCK_BEHIND_S <= clock <= received + CLOCK_AHEAD_S
    made = clock if clock is not None and believed else received
    day = _date(made - made % DAY)
    return day - timedelta(days=day.weekday())


def _bucket(subject: int, monday: datetime) -> tuple[str, Document]:
    period = week_of(monday)
    return f"{subject}/{period}", {"subject": subject, "period": period, "dated": monday + timedelta(days=7)}


def _date(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _minute(first_activity: str) -> int:
    """Return the minute of the day, from a text such as 06:41. Raises ContractError."""
    hours, colon, minutes = first_activity.partition(":")
    if not colon:
        raise ContractError("first_activity")
    return int(hours) * 60 + int(minutes)


def _measured(report: Document, version: list[Any], at: str) -> dict[str, Entry]:
    """Return the attributes of a device that a report has, by name. Unknown attributes stay unchanged."""
    known = [{"k": name, "v": report[name], "u": unit} for name, unit in _UNITS.items() if report[name] is not None]
    known += [_of(one, ("k", "v", "u")) for one in report["attrs"]]
    return {f"measured.{key_of(one['k'])}": Entry({**one, "t": at}, version) for one in known}


@lru_cache(maxsize=1024)
def key_of(name: str) -> str:
    """Return the name of a field for an attribute's name, which may be any text."""
    return quote(name, safe="").replace(".", "%2E") or "%"
