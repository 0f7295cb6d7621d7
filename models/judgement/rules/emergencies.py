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
        if any(told.kind is kind and told.slot == slot
               and ((told.epoch, told.counter) == (epoch, counter)
                    or ((told.epoch, told.counter) > (epoch, counter) and abs(told.moment - device_time) <= NEAR))
               for told in turn.person.told):
            continue
        evidence = ("late",) if turn.now - device_time > DAY else ()
        _tell(turn, ReportedEmergency(kind, slot, device_time, epoch, counter), evidence)


def memory(turn: Turn, report: StatusReport, slot: int, epoch: int, counter: int, device_time: int) -> None:
    """Rule 12: the alarm memory tells an emergency whose SMS was lost."""
    if not 1 <= report.alarm <= len(EMERGENCIES):
        return
    kind, moment = EMERGENCIES[report.alarm - 1], device_time - report.alarm_age_min * 60
    if turn.now - moment >= DAY:
        return
    if any(told.kind is kind and told.slot == slot and abs(told.moment - moment) <= NEAR for told in turn.person.told):
        return
    _tell(turn, ReportedEmergency(kind, slot, moment, epoch, counter), ("remembered alarm",))


def _tell(turn: Turn, told: ReportedEmergency, evidence: tuple[str, ...]) -> None:
    turn.person.told = (*turn.person.told, told)[-REMEMBERED:]
    alert = about.find_alert(turn.person, told.kind)
    if alert is None:
        turn.open(told.kind, report_reference(told.slot, told.epoch, told.counter), Severity.CRITICAL, Likely.PERSON,
                  evidence, slot=told.slot)
        return
    if (alert.phase is Phase.ACKNOWLEDGED and alert.acknowledged_at is not None
            and turn.now - alert.acknowledged_at >= REPEATED_AFTER):
        turn.change(alert, Change.REPEATED)
