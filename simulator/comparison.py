"""Four rules on the same days: each row says what the alarms of one rule are worth in one network.

naive: at the close. grace: the same at the deadline. judged: the core without questions. asking: the core that asks
before it alarms. The first three live the same days; the fourth lives them once more, with the same luck.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from simulator.calendar import GRACE_MIN
from simulator.fleet import START, Fleet
from simulator.world import JudgingCore, World
from simulator.worth import Worth, judged_alarms, naive_alarms, worth

NAIVE, GRACE, JUDGED, ASKING = "naive", "grace", "judged", "asking"
RULES: Final = (NAIVE, GRACE, JUDGED, ASKING)
MakeCore = Callable[[Fleet], JudgingCore]


class Days(NamedTuple):
    """The days that the rules live.

    people: the number of homes.
    days: the number of days.
    firmware: of all devices, one of FIRMWARES.
    ask_min: when devices are asked, minutes after the close.
    """

    people: int
    days: int
    firmware: str
    ask_min: tuple[int, ...]


def compare(days: Days, network: str, seed: int, core: MakeCore, rules: Sequence[str] = RULES) -> dict[str, Worth]:
    """The figures of each rule over the days of one seed."""
    found: dict[str, Worth] = {}
    if set(rules) - {ASKING}:
        fleet = _fleet(days, network, seed)
        lived = World(fleet, core(fleet)).live()
        alarms = {NAIVE: naive_alarms(lived, fleet), GRACE: naive_alarms(lived, fleet, GRACE_MIN),
                  JUDGED: judged_alarms(lived.alerts)}
        found = {rule: worth(lived, fleet, alarms[rule]) for rule in rules if rule != ASKING}
    if ASKING in rules:
        fleet = _fleet(days, network, seed)
        lived = World(fleet, core(fleet), days.ask_min).live()
        found[ASKING] = worth(lived, fleet, judged_alarms(lived.alerts))
    return found


def compare_seeds(days: Days, network: str, seeds: Sequence[int], core: MakeCore,
                  rules: Sequence[str] = RULES) -> dict[str, Worth]:
    """The sums over the days of several seeds."""
    sums: dict[str, Worth] = {}
    for seed in seeds:
        for rule, figures in compare(days, network, seed, core, rules).items():
            sums[rule] = sums[rule].plus(figures) if rule in sums else figures
    return sums


def _fleet(days: Days, network: str, seed: int) -> Fleet:
    return Fleet(days.people, days.days, START, seed, network=network, firmware=days.firmware)
