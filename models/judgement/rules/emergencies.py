"""SOS, fire, gas and fall: rules 11 and 12. An emergency is told once, and is not lost if its SMS is lost."""

from typing import Final

from models.contract.alerts import EMERGENCIES, Change, Kind, Likely, Phase, Severity
from models.judgement import about
from models.judgement.person import ReportedEmergency
from models.judgement.rules.clocks import Origin, ReportClock
from models.judgement.rules.turn import Turn
from models.report import FALL, FIRE, GAS, SOS, StatusReport
from models.times import DAY

NEAR: Final = 15 * 60
REPEATED_AFTER: Final = 5 * 60
REMEMBERED: Final = 16
_ANY: Final = SOS | FIRE | GAS | FALL
_FLAGS: Final = {Kind.SOS: SOS, Kind.FIRE: FIRE, Kind.GAS: GAS, Kind.FALL: FALL}


def flags(turn: Turn, report: StatusReport, clock: ReportClock, origin: Origin) -> None:
    """Rule 11: a flag tells an emergency, unless its own report or one that is not older told it before."""
    if not report.flags & _ANY:
        return
    for kind in EMERGENCIES:
        if report.flags & _FLAGS[kind] and not _was_told(turn, kind, clock, origin):
            evidence = ("late",) if turn.now - clock.device_time > DAY else ()
            _report(turn, kind, clock.device_time, evidence, clock, origin)


def _was_told(turn: Turn, kind: Kind, clock: ReportClock, origin: Origin) -> bool:
    for known in turn.person.emergencies:
        if known.kind is not kind or known.slot != origin.slot:
            continue
        position, near = (known.epoch, known.counter), abs(known.moment - clock.device_time) <= NEAR
        if origin.fell_back is None and position == origin.position:
            return True
        if near and (origin.fell_back is not None or position > origin.position):
            return True
    return False


def memory(turn: Turn, report: StatusReport, clock: ReportClock, origin: Origin) -> None:
    """Rule 12: the alarm memory tells an emergency whose SMS was lost."""
    if not 1 <= report.alarm <= len(EMERGENCIES):
        return
    kind, moment = EMERGENCIES[report.alarm - 1], clock.device_time - report.alarm_age_min * 60
    if turn.now - moment >= DAY:
        return
    for known in turn.person.emergencies:
        near = DAY if clock.wrong or known.clock_wrong else NEAR
        if known.kind is kind and known.slot == origin.slot and abs(known.moment - moment) <= near:
            return
    _report(turn, kind, moment, ("remembered alarm",), clock, origin)


def _report(turn: Turn, kind: Kind, moment: int, evidence: tuple[str, ...], clock: ReportClock, origin: Origin) -> None:
    emergency = ReportedEmergency(kind, origin.slot, moment, *origin.position, clock.wrong)
    turn.person.emergencies = (*turn.person.emergencies, emergency)[-REMEMBERED:]
    alert = about.find_alert(turn.person, kind)
    if alert is None:
        turn.open(kind, origin.reference, Severity.CRITICAL, Likely.PERSON, evidence, slot=origin.slot)
        return
    if (alert.phase is Phase.ACKNOWLEDGED and alert.acknowledged_at is not None
            and turn.now - alert.acknowledged_at >= REPEATED_AFTER):
        turn.change(alert, Change.REPEATED)
