"""States of version 1 can still be read: arrays by position behind the version, enumerations as their positions.

No code writes them any more. A state of version 1 stays in backups, and in the changelog until a newer state of the
person replaces it.
"""

from typing import Any, Final

from msgspec import msgpack

from models.contract.alerts import Alert, Kind, Likely, Phase, Severity, alert_id
from models.contract.incidents import Incident
from models.judgement.gateway import GatewayTime
from models.judgement.person import Newest, Override, Person, ReplayWindow, ReportedEmergency, Results, Slot
from models.judgement.results import with_octet
from models.profile import (
    AttributeSpec,
    DailyWindow,
    EscalationStep,
    Excuse,
    Profile,
    RegisteredDevice,
    Schedule,
    Span,
    Thresholds,
)

_KINDS, _SEVERITIES, _LIKELY, _PHASES = tuple(Kind), tuple(Severity), tuple(Likely), tuple(Phase)
_decode: Final = msgpack.Decoder().decode


def unpack_person(packed: bytes, subject: int) -> Person:
    (_, profile, judged_from, former_time, kept_spans, slots, results, alerts, closed, emergencies, commands, overrides,
     newest, device_time, activity) = _decode(packed)
    return Person(
        profile=_profile(profile, subject),
        judged_from=judged_from,
        former_time=former_time,
        kept_spans={window: Span(*span) for window, span in kept_spans.items()},
        alerts={alert_id(subject, alert.kind, alert.reference): alert for alert in map(_alert, alerts)},
        slots={number: Slot({epoch: ReplayWindow(*window) for epoch, window in replay.items()},
                            judged and tuple(judged), weak)
               for number, (replay, judged, weak) in slots.items()},
        results=_results(results),
        closed=tuple(map(_alert, closed)),
        emergencies=tuple(ReportedEmergency(_KINDS[kind], *rest) for kind, *rest in emergencies),
        commands=tuple(commands[i:i + 8] for i in range(0, len(commands), 8)),
        overrides=tuple(Override(*override) for override in overrides),
        newest=newest and Newest(*newest),
        device_time=device_time,
        activity=activity)


def _results(octets: dict[int, int]) -> Results:
    """In version 1 each window had its octet under its number."""
    results = Results()
    for window, octet in octets.items():
        results = with_octet(results, window, octet)
    return results


def _profile(fields: list[Any], subject: int) -> Profile:
    (site, gateway, tz, since, retired, morning, afternoon, grace_min, devices, excused, escalation, thresholds,
     attributes) = fields
    return Profile(
        subject=subject,
        site=site,
        gateway=gateway,
        retired=retired,
        schedule=Schedule(tz, morning and DailyWindow(*morning), afternoon and DailyWindow(*afternoon), grace_min,
                          since),
        devices=tuple(RegisteredDevice(*device) for device in devices),
        excused=tuple(Excuse(*excuse) for excuse in excused),
        escalation=tuple(EscalationStep(*step) for step in escalation),
        thresholds=Thresholds(*thresholds),
        attributes={number: AttributeSpec(*spec) for number, spec in attributes.items()})


def _alert(fields: list[Any]) -> Alert:
    (kind, reference, severity, likely, evidence, window, slot, phase, revision, opened_at, start, escalations, by, at,
     assignee, cleared_at) = fields
    return Alert(_KINDS[kind], reference, _SEVERITIES[severity], _LIKELY[likely], tuple(evidence), window, slot,
                 _PHASES[phase], revision, opened_at, start, tuple(escalations), by, at, assignee, cleared_at)


def unpack_times(packed: bytes) -> tuple[int | None, int | None, dict[str, GatewayTime]]:
    _, clock, latest, gateways = _decode(packed)
    return clock, latest, {name: GatewayTime(*three) for name, three in gateways.items()}


def unpack_incidents(packed: bytes) -> list[Incident]:
    _, *incidents = _decode(packed)
    return [Incident(gateway, deadline, last_tick, opened_at, people, tuple((s, w) for s, w in silent), revision)
            for gateway, deadline, last_tick, opened_at, people, silent, revision in incidents]
