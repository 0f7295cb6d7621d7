"""Effects as records of the topics `alerts`, `reports`, `asks` and `quarantine`: the contract that other programs read.

Alerts are CloudEvents 1.0 in structured mode. The same effect always gives the same octets.
"""

from base64 import b64encode
from typing import Any, Final

import msgspec
import orjson

from models.contract.alerts import Change, ClearReason, Kind, Likely, Severity, alert_id
from models.contract.asks import Ask
from models.contract.command import Command
from models.contract.documents import CheckInDocument, Output, SmsDocument, StatusDocument
from models.contract.effects import (
    AlertRevised,
    CheckedIn,
    CommandRefused,
    Effect,
    IncidentRevised,
    Reported,
    SentOn,
)
from models.contract.inputs import InputRecord
from models.contract.records import LONGEST
from models.contract.why import why, why_outage
from models.errors import Rejected
from models.report import FLAG_NAMES, AttributeReport, StatusReport
from models.times import format_clock, format_time
from models.window import Window

_NAMES_OF_FLAGS: Final = tuple(tuple(name for bit, name in enumerate(FLAG_NAMES) if flags >> bit & 1)
                               for flags in range(256))
_written: Final = msgspec.json.Encoder().encode  # the same octets as orjson, except for floats from 1e16 on
FORWARDED: Final = "anbu-forwarded"  # the header of a record that another lane has sent on
CLOUDEVENT: Final = (("content-type", b"application/cloudevents+json"),)


def encode(effect: Effect, record: InputRecord, at: int | None) -> Output:
    """One effect as a record. record, at: the rejected record and its time, for a quarantine record."""
    match effect:
        case Reported():
            report = effect.payload
            return Output("reports", b"%d" % effect.subject, _written(_status(effect, report)) if isinstance(
                report, StatusReport) else orjson.dumps(_attributes(effect, report)))
        case CheckedIn():
            return Output("reports", b"%d" % effect.subject, _written(_check_in(effect)))
        case AlertRevised():
            return Output("alerts", b"%d" % effect.subject, orjson.dumps(_alert(effect)), headers=CLOUDEVENT)
        case IncidentRevised():
            gateway = effect.incident.gateway.encode()
            return Output("alerts", gateway, orjson.dumps(_incident(effect)), headers=CLOUDEVENT)
        case CommandRefused():
            refused = effect.command
            key: bytes | None = b"%d" % refused.subject if isinstance(refused, Command) else refused.gateway.encode()
            return Output("reports", key, orjson.dumps(_refused(effect)))
        case Ask():
            return write_ask(effect)
        case SentOn():
            # A compacted topic takes no record without a key, and a key that is too long is not written again.
            key = record.key if short(record.key) == record.key else b"%d" % effect.subject
            return Output(record.topic, key, record.value, effect.partition, ((FORWARDED, b"1"),))
        case _:
            return quarantined(record, effect, at)


def quarantined(record: InputRecord, rejected: Rejected, at: int | None) -> Output:
    """The quarantine record of a record that cannot be processed: the whole record, its origin and the reason.

    The original can be written into its lane again (`anbu quarantine`). A key or value that is longer than LONGEST
    would not fit; it stands at the origin only.
    """
    return Output("quarantine", short(record.key), orjson.dumps({
        "reason": rejected.reason,
        "detail": rejected.detail,
        "origin": {"topic": record.topic, "partition": record.partition, "offset": record.offset},
        "at": None if at is None else format_time(at),
        "original": _original(short(record.value)),
    }))


def short(octets: bytes | None) -> bytes | None:
    """These octets; None: there are more than LONGEST, too many to be written again."""
    return octets if octets is None or len(octets) <= LONGEST else None


def _original(value: bytes | None) -> object:
    if value is None:
        return None
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return {"raw": b64encode(value).decode()}
    return orjson.Fragment(value)


def _event(alert: str, revision: int, source: str, subject: str, change: Change, at: str,
           data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{alert}/{revision}",
        "source": source,
        "type": f"kr.anbu.alert.{change}",
        "subject": subject,
        "time": at,
        "datacontenttype": "application/json",
        "data": {"alert": alert, "revision": revision, "change": change, **data},
    }


def _alert(effect: AlertRevised) -> dict[str, Any]:
    alert, at = effect.alert, format_time(effect.at)
    key = alert_id(effect.subject, alert.kind, alert.reference)
    return _event(key, alert.revision, f"/anbu/{effect.site}", str(effect.subject), effect.change, at, {
        "kind": alert.kind,
        "severity": alert.severity,
        "active": alert.active,
        "acknowledged_by": alert.acknowledged_by,
        "assignee": alert.assignee,
        "site": effect.site,
        "window": None if alert.window is None else str(Window(alert.window)),
        "opened_at": format_time(alert.opened_at),
        "changed_at": at,
        "cause": {"likely": alert.likely, "evidence": alert.evidence, "last_heard_at": _time(alert.last_heard_at)},
        "why": why(effect),
        "by": effect.by,
        "text": effect.text,
        "escalated_to": effect.escalated_to,
        "reason": effect.reason,
        "command": effect.command,
        "outcome": effect.outcome,
    })


def _incident(effect: IncidentRevised) -> dict[str, Any]:
    incident, at, command = effect.incident, format_time(effect.at), effect.command
    cleared = effect.change is Change.CLEARED
    return _event(incident.id, incident.revision, "/anbu", incident.gateway, effect.change, at, {
        "kind": Kind.GATEWAY_OUTAGE,
        "severity": Severity.CRITICAL,
        "active": not cleared,
        "acknowledged_by": incident.acknowledged_by,
        "assignee": incident.assignee,
        "site": None,
        "window": None,
        "opened_at": format_time(incident.opened_at),
        "changed_at": at,
        "cause": {"likely": Likely.GATEWAY, "evidence": incident.evidence, "last_heard_at": None},
        "why": why_outage(effect),
        "by": None if command is None else command.by,
        "text": None if command is None else command.text,
        "escalated_to": None,
        "reason": ClearReason.OUTAGE_OVER if cleared else None,
        "command": None if command is None else command.id,
        "outcome": None if command is None else command.outcome,
        "lane": effect.lane,
    })


def _time(at: int | None) -> str | None:
    return None if at is None else format_time(at)


def _refused(effect: CommandRefused) -> dict[str, Any]:
    command = effect.command
    said = {"type": "refused", "id": command.id, "command": command.type, "alert": command.alert,
            "reason": effect.reason, "by": command.by, "at": format_time(command.at)}
    if isinstance(command, Command):
        return {**said, "subject": command.subject}
    return {**said, "subject": None, "gateway": command.gateway, "lane": effect.lane}


def write_ask(ask: Ask) -> Output:
    """A question to a device, as a record of the topic `asks`. The judgement and a caseworker write the same."""
    return Output("asks", b"%d" % ask.subject, orjson.dumps({
        "type": "ask", "id": ask.id, "subject": ask.subject, "site": ask.site, "gateway": ask.gateway,
        "slot": ask.slot, "window": str(Window(ask.window)), "number": ask.number, "to": ask.to, "text": ask.text,
        "at": format_time(ask.at), "until": format_time(ask.until)}))


def _check_in(effect: CheckedIn) -> CheckInDocument:
    window = str(Window(effect.window))
    return CheckInDocument(f"{window}#{effect.revision}", effect.subject, effect.site, window, effect.result,
                           effect.previous, effect.repaired, format_time(effect.at))


def _status(effect: Reported, report: StatusReport) -> StatusDocument:
    flags, first = _NAMES_OF_FLAGS[report.flags], report.first_activity_min
    if report.out_of_range:
        flags = (*flags, "range")
    if effect.clock_wrong:
        flags = (*flags, "clock")
    return StatusDocument(
        effect.reference, effect.subject, effect.site,
        _time(report.device_time),
        None if effect.window is None else str(Window(effect.window)),
        effect.result, report.battery_pct, report.signal_dbm, report.temp_c, report.humidity_pct, report.idle_min,
        None if first is None else format_clock(first),
        report.activity, flags, (), format_time(effect.received_at), effect.late,
        SmsDocument(effect.sms_id, effect.sms_gateway), report.answers)


def _attributes(effect: Reported, report: AttributeReport) -> dict[str, Any]:
    return {
        "type": "report", "id": effect.reference, "subject": effect.subject, "site": effect.site,
        "device_time": None, "window": None, "result": None, "battery_pct": None, "signal_dbm": None,
        "temp_c": None, "humidity_pct": None, "idle_min": None, "first_activity": None, "activity": None,
        "flags": [], "answers": None,
        "attrs": [{"k": one.name, "v": one.value, "u": one.unit} for one in report.attributes],
        "received_at": format_time(effect.received_at), "late": effect.late,
        "sms": {"id": effect.sms_id, "gateway": effect.sms_gateway}}
