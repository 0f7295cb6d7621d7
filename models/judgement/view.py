"""A person's live state for the operator: JSON values, without keys."""

from typing import Any

from models.judgement.person import Person
from models.judgement.results import result_of, windows_of
from models.times import format_date, format_time
from models.window import Window


def _time(at: int | None) -> str | None:
    return None if at is None else format_time(at)


def view(person: Person) -> dict[str, Any]:
    profile = person.profile
    return {
        "subject": profile.subject, "site": profile.site, "gateway": profile.gateway, "tz": profile.schedule.tz,
        "since": format_time(profile.schedule.since), "retired": profile.retired,
        "devices": [{"slot": device.slot, "epoch": device.epoch} for device in profile.devices],
        "excused": [{"from": format_date(excuse.first), "to": format_date(excuse.last)} for excuse in profile.excused],
        "overrides": [{"from": format_date(one.first), "to": format_date(one.last), "excused": one.excused}
                      for one in person.overrides],
        "results": {str(Window(window)): result_of(octet) for window, octet in windows_of(person.results)},
        "alerts": [
            {"alert": key, "kind": alert.kind, "severity": alert.severity, "phase": alert.phase,
             "revision": alert.revision, "opened_at": format_time(alert.opened_at),
             "acknowledged_by": alert.acknowledged_by, "assignee": alert.assignee}
            for key, alert in person.alerts.items()
        ],
        "slots": {str(number): {str(epoch): replay.highest for epoch, replay in slot.replay.items()}
                  for number, slot in sorted(person.slots.items())},
        "device_time": _time(person.device_time), "activity": _time(person.activity),
    }
