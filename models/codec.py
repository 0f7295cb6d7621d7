"""The state as octets: compact, versioned, and the same octets for the same state.

MessagePack arrays by position, the version first; enumerations as their position, so members are only ever appended.
A reader of version n + 1 reads version n: a new version adds its reader to `_READERS` and keeps the older ones.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from sys import intern
from typing import Any, Final, NamedTuple

import msgpack
from msgspec.structs import astuple

from models.alerts import Alert, Kind, Likely, Phase, Severity
from models.effects import Result
from models.incidents import Incident
from models.person import Judged, Newest, Override, Person, ReplayWindow, Slot, Told
from models.profile import (
    AttributeSpec,
    DailyWindow,
    Device,
    EscalationStep,
    Excuse,
    Profile,
    Schedule,
    Thresholds,
)
from models.windows import Span

VERSION: Final = 1
_KINDS, _SEVERITIES, _LIKELY, _PHASES = tuple(Kind), tuple(Severity), tuple(Likely), tuple(Phase)
_RESULTS: Final = tuple(Result)


class UnknownVersion(ValueError):
    """The state was written by a newer program."""


def _unpack(packed: bytes) -> tuple[int, list[Any]]:
    version, *fields = msgpack.unpackb(packed, strict_map_key=False)
    return version, fields


def _reader(readers: Mapping[int, Callable[..., Any]], version: int) -> Callable[..., Any]:
    reader = readers.get(version)
    if reader is None:
        raise UnknownVersion(f"the state has version {version}, this program reads {max(readers)}: deploy a newer one")
    return reader


# A person


def pack_person(person: Person) -> bytes:
    packed: bytes = msgpack.packb([
        VERSION,
        _pack_profile(person.profile),
        person.started,
        person.moved,
        {window: tuple(span) for window, span in person.frozen.items()},
        {n: [{e: [w.highest, _octets(w.seen)] for e, w in slot.replay.items()}, slot.judged, slot.weak]
         for n, slot in person.slots.items()},
        {window: judged.revision << 3 | _RESULTS.index(judged.result) for window, judged in person.results.items()},
        [_pack_alert(alert) for alert in person.alerts.values()],
        [_pack_alert(alert) for alert in person.closed.values()],
        [(_KINDS.index(told.kind), *astuple(told)[1:]) for told in person.told],
        b"".join(person.commands),
        [astuple(override) for override in person.overrides],
        person.newest and astuple(person.newest),
        person.device_time,
        person.activity,
    ])
    return packed


def unpack_person(packed: bytes, subject: int) -> Person:
    """Raises UnknownVersion where a newer program wrote it."""
    version, fields = _unpack(packed)
    person: Person = _reader(_READERS, version)(fields, subject)
    return person


def _read_1(fields: list[Any], subject: int) -> Person:
    (profile, started, moved, frozen, slots, results, alerts, closed, told, commands, overrides, newest, device_time,
     activity) = fields
    opened = [_unpack_alert(alert) for alert in alerts]
    return Person(
        _unpack_profile(profile, subject),
        started,
        moved,
        {window: Span(*span) for window, span in frozen.items()},
        {n: Slot({e: ReplayWindow(highest, int.from_bytes(seen)) for e, (highest, seen) in replay.items()},
                 judged and tuple(judged), weak)
         for n, (replay, judged, weak) in slots.items()},
        {window: _judged(both) for window, both in results.items()},
        {f"{subject}:{alert.kind}:{alert.reference}": alert for alert in opened},
        {(alert.kind, alert.slot or 0): alert for alert in map(_unpack_alert, closed)},
        tuple(Told(_KINDS[kind], *rest) for kind, *rest in told),
        tuple(commands[i:i + 8] for i in range(0, len(commands), 8)),
        tuple(Override(*override) for override in overrides),
        newest and Newest(*newest),
        device_time,
        activity,
    )


@lru_cache(maxsize=1024)
def _judged(both: int) -> Judged:
    """Few of the many that there could be occur, again and again: one object for each."""
    return Judged(_RESULTS[both & 7], both >> 3)


@lru_cache(maxsize=1024, typed=True)  # 15 and 15.0 are equal, but not the same octets
def _thresholds(*five: float) -> Thresholds:
    return Thresholds(*five)


@lru_cache(maxsize=1024)
def _daily(opens: int, closes: int) -> DailyWindow:
    return DailyWindow(opens, closes)


@lru_cache(maxsize=1024)
def _escalation(*steps: tuple[int, str]) -> tuple[EscalationStep, ...]:
    return tuple(EscalationStep(after_min, intern(to)) for after_min, to in steps)


_READERS: Final[dict[int, Callable[[list[Any], int], Person]]] = {1: _read_1}


class Glance(NamedTuple):
    """Of a packed person what the lane's index asks: enough for most, at a part of the price of the whole.

    plain: nothing but the schedule decides when the next deadline is, and no alert is open; otherwise ask the person.
    """

    gateway: str
    retired: bool
    plain: bool
    schedule: Schedule
    started: int | None


def glance(packed: bytes) -> Glance:
    """Raises UnknownVersion where a newer program wrote it."""
    version, fields = _unpack(packed)
    found: Glance = _reader(_GLANCES, version)(fields)
    return found


def _glance_1(fields: list[Any]) -> Glance:
    profile, started, moved, frozen, _, _, alerts, *_ = fields
    _, gateway, tz, since, retired, morning, afternoon, grace_min, *_ = profile
    schedule = Schedule(intern(tz), morning and _daily(*morning), afternoon and _daily(*afternoon), grace_min, since)
    return Glance(intern(gateway), retired, moved is None and not frozen and not alerts, schedule, started)


_GLANCES: Final[dict[int, Callable[[list[Any]], Glance]]] = {1: _glance_1}


def _octets(seen: int) -> bytes:
    return seen.to_bytes((seen.bit_length() + 7) // 8)


def _pack_profile(profile: Profile) -> list[Any]:
    schedule = profile.schedule
    return [profile.site, profile.gateway, schedule.tz, schedule.since, profile.retired,
            schedule.morning and astuple(schedule.morning), schedule.afternoon and astuple(schedule.afternoon),
            schedule.grace_min, *(list(map(astuple, each)) for each in (profile.devices, profile.excused,
                                                                        profile.escalation)),
            astuple(profile.thresholds), {number: astuple(spec) for number, spec in profile.attributes.items()}]


def _unpack_profile(fields: list[Any], subject: int) -> Profile:
    (site, gateway, tz, since, retired, morning, afternoon, grace_min, devices, excused, escalation, thresholds,
     attributes) = fields
    return Profile(
        subject, intern(site), intern(gateway), retired,
        Schedule(intern(tz), morning and _daily(*morning), afternoon and _daily(*afternoon), grace_min, since),
        tuple(Device(*device) for device in devices),
        tuple(Excuse(*excuse) for excuse in excused),
        _escalation(*map(tuple, escalation)),
        _thresholds(*thresholds),
        {number: AttributeSpec(*spec) for number, spec in attributes.items()},
    )


def _pack_alert(alert: Alert) -> list[Any]:
    return [_KINDS.index(alert.kind), alert.reference, _SEVERITIES.index(alert.severity), _LIKELY.index(alert.likely),
            alert.evidence, alert.window, alert.slot, _PHASES.index(alert.phase), alert.revision, alert.opened_at,
            alert.started, alert.told, alert.acknowledged_by, alert.acknowledged_at, alert.assignee, alert.cleared_at]


def _unpack_alert(fields: list[Any]) -> Alert:
    (kind, reference, severity, likely, evidence, window, slot, phase, revision, opened_at, started, told, by, at,
     assignee, cleared_at) = fields
    return Alert(_KINDS[kind], reference, _SEVERITIES[severity], _LIKELY[likely], tuple(evidence), window, slot,
                 _PHASES[phase], revision, opened_at, started, tuple(told), by, at, assignee, cleared_at)


# The lane itself

Times = dict[str, tuple[int | None, int | None, int | None]]


def pack_times(clock: int | None, latest: int | None, gateways: Times) -> bytes:
    packed: bytes = msgpack.packb([VERSION, clock, latest, gateways])
    return packed


def unpack_times(packed: bytes) -> tuple[int | None, int | None, Times]:
    version, fields = _unpack(packed)
    clock, latest, gateways = _reader({1: list}, version)(fields)
    return clock, latest, {name: tuple(three) for name, three in gateways.items()}


def pack_incidents(incidents: list[Incident]) -> bytes:
    packed: bytes = msgpack.packb([VERSION, *([one.gateway, one.deadline, one.last_tick, one.opened_at, one.people,
                                               one.silent, one.revision] for one in incidents)])
    return packed


def unpack_incidents(packed: bytes) -> list[Incident]:
    version, fields = _unpack(packed)
    incidents = _reader({1: list}, version)(fields)
    return [Incident(gateway, deadline, last_tick, opened_at, people, tuple((s, w) for s, w in silent), revision)
            for gateway, deadline, last_tick, opened_at, people, silent, revision in incidents]
