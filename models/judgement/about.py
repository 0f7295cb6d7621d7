"""Facts that follow from the state of a person: calendar, today, whether a day is excused, current epoch."""

from models.contract.alerts import Alert, Kind, alert_id
from models.judgement.person import Person
from models.judgement.results import is_fine, windows_of
from models.judgement.windows import Calendar
from models.zones import local_day


def calendar(person: Person, first_tick: int | None = None) -> Calendar:
    """The windows of the person.

    first_tick: the first time of the gateway, for a person registered before it; None: no time yet.
    """
    judged_from = person.judged_from
    return Calendar(person.profile.schedule, person.kept_spans, first_tick if judged_from is None else judged_from)


def judged_until(person: Person, of_gateway: int | None) -> int | None:
    """The time up to which the person is judged. of_gateway: that of the gateway; None: it has no time yet."""
    return of_gateway if person.former_time is None else person.former_time


def today(person: Person, at: int) -> int:
    return local_day(person.profile.schedule.tz, at)


def excused(person: Person, day: int) -> bool:
    """Whether a local date is excused: the last command prevails over earlier commands and over the registry."""
    for override in person.overrides:
        if override.first <= day <= override.last:
            return override.excused
    return any(excuse.first <= day <= excuse.last for excuse in person.profile.excused)


def current_epoch(person: Person, slot: int) -> int | None:
    """The current epoch of a device slot: the highest accepted epoch, but at least the lowest listed one.

    None: the registry lists no device for the slot.
    """
    lowest: int | None = None
    for device in person.profile.devices:
        if device.slot == slot and (lowest is None or device.epoch < lowest):
            lowest = device.epoch
    state = person.slots.get(slot)
    return lowest if lowest is None or state is None else max(lowest, *state.replay)


def awake_after(person: Person, window: int) -> bool:
    """Whether a later window is awake or out: then no alert opens for this window (rule 8)."""
    return any(later > window and is_fine(octet) for later, octet in windows_of(person.results))


def has_alert(person: Person, kind: Kind, reference: str) -> bool:
    """Whether an alert is active, or was cleared less than two days ago."""
    return (alert_id(person.subject, kind, reference) in person.alerts
            or any(alert.kind is kind and alert.reference == reference for alert in person.closed))


def find_alert(person: Person, kind: Kind, slot: int | None = None) -> Alert | None:
    """The active alert of a kind, and of a slot if one is given; None: there is none."""
    for alert in person.alerts.values():
        if alert.kind is kind and (slot is None or alert.slot == slot):
            return alert
    return None
