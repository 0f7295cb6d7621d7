"""The score compares the simulator's truth with the alerts that a subscriber of `alerts` received, not with our state.

* Missed: a due alert that did not come within 10 minutes after it could be known. The times are those of the data, so a
  restart delays nothing.
* Overdue (`late` in the output of `anbu score`): a missed alert that came after all.
* False: an alert that is not true, or not yet knowable. Above all: an alert on a person whose SMS that says awake or
  out was accepted before the deadline.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from models.json_object import JsonView
from models.times import parse_time
from simulator.truth import ExpectedAlert, Truth

SOON_S: Final = 10 * 60
OUTAGE: Final = "gateway_outage"
_TELLING: Final = ("opened", "held", "reopened", "repeated")
_HOME_UNIT: Final = "0"  # slot of the devices of the fleet

Place = tuple[str, str, str | None]  # subject, kind, window


@dataclass(slots=True)
class Score:
    """The score of a run.

    dues: the number of alerts that were due.
    missed: dues without an alert in time.
    overdue: missed dues whose alert came after all.
    false: ids of false alerts.
    """

    dues: int = 0
    missed: list[ExpectedAlert] = field(default_factory=list)
    overdue: list[ExpectedAlert] = field(default_factory=list)
    false: list[str] = field(default_factory=list)

    @property
    def perfect(self) -> bool:
        return not self.missed and not self.false


def score(truth: Truth, alerts: Iterable[JsonView]) -> Score:
    """The score of a run. Raises KeyError, ContractError.

    alerts: CloudEvents of topic `alerts`, in any order, repeats included.
    """
    true_from: dict[Place, int] = {(str(one.subject), one.kind, None): one.happened_at for one in truth.emergencies}
    for due in truth.dues:
        place = _place(due)
        true_from[place] = min(true_from.get(place, due.knowable_at), due.knowable_at)
    told: dict[Place, list[int]] = defaultdict(list)
    false: dict[str, None] = {}
    for alert in alerts:
        data = alert["data"]
        if data["change"] not in _TELLING:
            continue
        place, at = (alert["subject"], data["kind"], data["window"]), parse_time(alert["time"], "time")
        told[place].append(at)
        if at < true_from.get(place, at + 1) and not _is_of_no_home(data):
            false[data["alert"]] = None
    result = Score(len(truth.dues), false=list(false))
    for due in truth.dues:
        times = [at for at in told[_place(due)] if at >= due.knowable_at]
        if not any(at <= due.knowable_at + SOON_S for at in times):
            result.missed.append(due)
            if times:
                result.overdue.append(due)
    return result


def _place(due: ExpectedAlert) -> Place:
    return str(due.subject), due.kind, due.window


def _is_of_no_home(data: JsonView) -> bool:
    """Whether an alert concerns no home: it is an outage of the gateway, which a few people at the same moment may look
    like, or it comes from a device outside the fleet, as a user of `anbu send` makes it."""
    if data["kind"] == OUTAGE:
        return True
    reference = data["alert"].split(":")[2]  # a date, or SLOT.EPOCH.COUNTER
    return "." in reference and reference.split(".")[0] != _HOME_UNIT
