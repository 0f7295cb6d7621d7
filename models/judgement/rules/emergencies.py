"""SOS, fire, gas and fall: rules 11 and 12. An emergency is told once, and is not lost if its SMS is lost."""

from typing import Final

from models.contract.alerts import EMERGENCIES, Change, Kind, Likely, Phase, Severity, report_reference
from models.judgement import about
from models.judgement.person import ReportedEmergency
from models.judgement.rules.turn import Turn
from models.report import FALL, FIRE, GAS, SOS, StatusReport
from models.times import DAY

NEAR: Final = 15 * 60
REPEATED_AFTER: Final = 5 * 60
REMEMBERED: Final = 16
_ANY: Final = SOS | FIRE | GAS | FALL
_FLAGS: Final = {Kind.SOS: SOS, Kind.FIRE: FIRE, Kind.GAS: GAS, Kind.FALL: FALL}


def flags(turn: Turn, report: StatusReport, slot: int, epoch: int, counter: int, device_time: int) -> None:
    """Rule 11: a flag tells an emergency, unless its own report or a newer one told it before."""
    if not report.flags & _ANY:
        return
    for kind in EMERGENCIES:
        if not report.flags & _FLAGS[kind]:
            continue
        if any(known.kind is kind and known.slot == slot
               and ((known.epoch, known.counter) == (epoch, counter)
                    or ((known.epoch, known.counter) > (epoch, counter) and abs(known.moment - device_time) <= NEAR))
               for known in turn.person.emergencies):
            continue
        evidence = ("late",) if turn.now - device_time > DAY else ()
        _report(turn, ReportedEmergency(kind, slot, device_time, epoch, counter), evidence)


def memory(turn: Turn, report: StatusReport, slot: int, epoch: int, counter: int, device_time: int) -> None:
    """Rule 12: the alarm memory tells an emergency whose SMS was lost."""
    if not 1 <= report.alarm <= len(EMERGENCIES):
        return
    kind, moment = EMERGENCIES[report.alarm - 1], device_time - report.alarm_age_min * 60
    if turn.now - moment >= DAY:
        return
    if any(known.kind is kind and known.slot == slot and abs(known.moment - moment) <= NEAR
           for known in turn.person.emergencies):
        return
    _report(turn, ReportedEmergency(kind, slot, moment, epoch, counter), ("remembered alarm",))


def _report(turn: Turn, emergency: ReportedEmergency, evidence: tuple[str, ...]) -> None:
    turn.person.emergencies = (*turn.person.emergencies, emergency)[-REMEMBERED:]
    alert = about.find_alert(turn.person, emergency.kind)
    if alert is None:
        reference = report_reference(emergency.slot, emergency.epoch, emergency.counter)
        turn.open(emergency.kind, reference, Severity.CRITICAL, Likely.PERSON, evidence, slot=emergency.slot)
        return
    if (alert.phase is Phase.ACKNOWLEDGED and alert.acknowledged_at is not None
            and turn.now - alert.acknowledged_at >= REPEATED_AFTER):
        turn.change(alert, Change.REPEATED)
