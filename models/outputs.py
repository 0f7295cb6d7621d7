"""Effects as records of the topics `alerts`, `reports` and `quarantine`: the contract other programs read.

Alerts are CloudEvents 1.0 in structured mode. The same effect always gives the same octets.
"""

from base64 import b64encode
from typing import Any, Final

import orjson

from models.alerts import Change, Kind, Likely, Reason, Severity
from models.documents import Output
from models.effects import AlertRevised, CheckedIn, Effect, IncidentRevised, Reported
from models.errors import Rejected
from models.inputs import InputRecord
from models.payload import FLAG_NAMES
from models.records import LONGEST
from models.report import StatusReport
from models.times import format_time, format_window
from models.why import why, why_outage

_NAMES_OF_FLAGS: Final = tuple(tuple(name for bit, name in enumerate(FLAG_NAMES) if flags >> bit & 1)
                               for flags in range(256))
CLOUDEVENT: Final = (("content-type", b"application/cloudevents+json"),)


def encode(effect: Effect, record: InputRecord, at: int | None) -> Output:
    """One effect as a record. record, at: what a refused command was, and when."""
    match effect:
        case Reported():
            return Output("reports", b"%d" % effect.subject, orjson.dumps(_report(effect)))
        case CheckedIn():
            return Output("reports", b"%d" % effect.subject, orjson.dumps(_checkin(effect)))
        case AlertRevised():
            return Output("alerts", b"%d" % effect.subject, orjson.dumps(_alert(effect)), headers=CLOUDEVENT)
        case IncidentRevised():
            gateway = effect.incident.gateway.encode()
            return Output("alerts", gateway, orjson.dumps(_incident(effect)), headers=CLOUDEVENT)
        case _:
            return quarantined(record, effect, at)


def quarantined(record: InputRecord, rejected: Rejected, at: int | None) -> Output:
    """A record that cannot be processed, whole, with its origin and the reason; it can be driven again.

    What is longer than any record of the contract would not fit: it stands at its origin only.
    """
    return Output("quarantine", short(record.key), orjson.dumps({
        "reason": rejected.reason,
        "detail": rejected.detail,
        "origin": {"topic": record.topic, "partition": record.partition, "offset": record.offset},
        "at": None if at is None else format_time(at),
        "original": _original(short(record.value)),
    }))


def short(octets: bytes | None) -> bytes | None:
    """These octets; None where there are too many of them to be written again."""
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
    key = f"{effect.subject}:{alert.kind}:{alert.reference}"
    return _event(key, alert.revision, f"/anbu/{effect.site}", str(effect.subject), effect.change, at, {
        "kind": alert.kind,
        "severity": alert.severity,
        "active": alert.active,
        "acknowledged_by": alert.acknowledged_by,
        "assignee": alert.assignee,
        "site": effect.site,
        "window": None if alert.window is None else format_window(alert.window),
        "opened_at": format_time(alert.opened_at),
        "changed_at": at,
        "cause": {"likely": alert.likely, "evidence": alert.evidence},
        "why": why(effect),
        "by": effect.by,
        "text": effect.text,
        "escalated_to": effect.escalated_to,
        "reason": effect.reason,
    })


def _incident(effect: IncidentRevised) -> dict[str, Any]:
    incident, at = effect.incident, format_time(effect.at)
    cleared = effect.change is Change.CLEARED
    return _event(incident.id, incident.revision, "/anbu", incident.gateway, effect.change, at, {
        "kind": Kind.GATEWAY_OUTAGE,
        "severity": Severity.CRITICAL,
        "active": not cleared,
        "acknowledged_by": None,
        "assignee": None,
        "site": None,
        "window": None,
        "opened_at": format_time(incident.opened_at),
        "changed_at": at,
        "cause": {"likely": Likely.GATEWAY, "evidence": [incident.evidence]},
        "why": why_outage(effect),
        "by": None,
        "text": None,
        "escalated_to": None,
        "reason": Reason.OUTAGE_OVER if cleared else None,
        "lane": effect.lane,
    })


def _checkin(effect: CheckedIn) -> dict[str, Any]:
    window = format_window(effect.window)
    return {"type": "checkin", "id": f"{window}#{effect.revision}", "subject": effect.subject, "site": effect.site,
            "window": window, "result": effect.result, "previous": effect.previous, "repaired": effect.repaired,
            "at": format_time(effect.at)}


def _report(effect: Reported) -> dict[str, Any]:
    payload = effect.payload
    sms = {"id": effect.sms_id, "gateway": effect.sms_gateway}
    if not isinstance(payload, StatusReport):
        return {
            "type": "report", "id": effect.reference, "subject": effect.subject, "site": effect.site,
            "device_time": None, "window": None, "result": None, "battery_pct": None, "signal_dbm": None,
            "temp_c": None, "humidity_pct": None, "idle_min": None, "first_activity": None, "activity": None,
            "flags": [], "attrs": [{"k": one.name, "v": one.value, "u": one.unit} for one in payload.attributes],
            "received_at": format_time(effect.received_at), "late": effect.late, "sms": sms}
    flags = _NAMES_OF_FLAGS[payload.flags]
    if payload.out_of_range:
        flags = (*flags, "range")
    if effect.clock_wrong:
        flags = (*flags, "clock")
    first = payload.first_activity_min
    return {
        "type": "report", "id": effect.reference, "subject": effect.subject, "site": effect.site,
        "device_time": None if payload.device_time is None else format_time(payload.device_time),
        "window": None if effect.window is None else format_window(effect.window),
        "result": effect.result,
        "battery_pct": payload.battery_pct,
        "signal_dbm": payload.signal_dbm,
        "temp_c": payload.temp_c,
        "humidity_pct": payload.humidity_pct,
        "idle_min": payload.idle_min,
        "first_activity": None if first is None else f"{first // 60:02d}:{first % 60:02d}",
        "activity": payload.activity,
        "flags": flags,
        "attrs": [],
        "received_at": format_time(effect.received_at), "late": effect.late, "sms": sms}
