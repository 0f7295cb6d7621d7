"""`anbu prove`: the worth of the alarms of four rules, on the same simulated days, in networks as bad as measured."""

import sys
from collections.abc import Iterable
from typing import Final

import click
import orjson

from models.contract.documents import Output
from models.contract.inputs import Record
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.wire.keys import KeyRing, parse_keks
from simulator.comparison import ASKING, JUDGED, NAIVE, RULES, Days, compare_seeds
from simulator.firmware import FIRMWARES
from simulator.fleet import Fleet
from simulator.networks import NETWORKS
from simulator.worth import Worth

FAILED: Final = 1
LONGEST_WAIT_S: Final = 60 * 60  # from the close of a window to its alarm
RARITY: Final = 10  # in life silence is rarer than in the fleet
_COLUMNS: Final = (("network", 13), ("rule", 7), ("missed", 6), ("sos", 4), ("wait", 5), ("alarms", 7), ("false", 7),
                   ("up", 7), ("fewer %", 8), ("ppv", 5), ("ppv/10", 6), ("asked", 6), ("sms", 6))


class FoldedCore:
    """One lane of the real judgement, for the simulator's loop."""

    def __init__(self, fleet: Fleet) -> None:
        self._lane, self._fold = LaneState(0), Fold(KeyRing(parse_keks(orjson.dumps(fleet.keks()))))
        self._offset = -1

    def __call__(self, topic: str, key: bytes | None, value: bytes) -> list[Output]:
        self._offset += 1
        return self._fold(self._lane, Record(topic, 0, self._offset, key, value))


def parse_ask_min(text: str) -> tuple[int, ...]:
    """The minutes of a list such as `0,15,26`. Raises ValueError."""
    minutes = tuple(int(one) for one in text.split(",")) if text else ()
    if list(minutes) != sorted(set(minutes)) or len(minutes) > 7 or any(one < 0 for one in minutes):
        raise ValueError("at most seven minutes, rising, such as 0,15,26")
    return minutes


def _figures(network: str, rule: str, worth: Worth, naive: Worth | None) -> dict[str, object]:
    """A row as JSON. Rates are per 100 people and day; a month has 30 days; null: no such figure."""
    return {
        "network": network, "rule": rule, "person_days": worth.person_days, "missed": worth.missed,
        "missed_emergencies": worth.missed_emergencies, "longest_wait_min": worth.longest_wait_s / 60,
        "alarms": worth.per_100_days(worth.true + worth.false), "false": worth.per_100_days(worth.false),
        "false_up": worth.per_100_days(worth.false_up), "ppv": worth.ppv(), "ppv_rare": worth.ppv(RARITY),
        "fewer_than_naive": None if naive is None else worth.fewer_than(naive),
        "questions_a_month": worth.a_month(worth.questions), "sms_a_month": worth.a_month(worth.sms)}


def _row(network: str, rule: str, worth: Worth, naive: Worth | None) -> list[str]:
    fewer = None if naive is None or rule == NAIVE else worth.fewer_than(naive)
    return [network, rule, str(worth.missed), str(worth.missed_emergencies), f"{worth.longest_wait_s / 60:.0f}",
            f"{worth.per_100_days(worth.true + worth.false):.2f}", f"{worth.per_100_days(worth.false):.2f}",
            f"{worth.per_100_days(worth.false_up):.2f}", "" if fewer is None else f"{100 * fewer:.1f}",
            *("" if ppv is None else f"{ppv:.2f}" for ppv in (worth.ppv(), worth.ppv(RARITY))),
            f"{worth.a_month(worth.questions):.1f}", f"{worth.a_month(worth.sms):.0f}"]


def _line(cells: Iterable[str]) -> str:
    """Words on the left, figures on the right."""
    return " ".join(cell.ljust(width) if number < 2 else cell.rjust(width)
                    for number, (cell, (_, width)) in enumerate(zip(cells, _COLUMNS, strict=True)))


@click.command()
@click.option("--people", default=400, show_default=True, type=click.IntRange(1, 10_000), help="Number of homes.")
@click.option("--days", default=14, show_default=True, type=click.IntRange(1, 366), help="Number of days.")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1, 1000), help="Runs of each network.")
@click.option("--network", "networks", multiple=True, type=click.Choice(list(NETWORKS)),
              help="How SMS are lost and delayed; may be repeated. Default: all.")
@click.option("--rule", "rules", multiple=True, type=click.Choice(RULES), help="May be repeated. Default: all.")
@click.option("--firmware", default="listening", show_default=True, type=click.Choice(list(FIRMWARES)),
              help="What the devices do.")
@click.option("--ask-min", default="0,15,26", show_default=True, metavar="LIST",
              help="Minutes after the close at which the rule `asking` asks.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each row.")
def prove(*, people: int, days: int, seeds: int, networks: tuple[str, ...], rules: tuple[str, ...], firmware: str,
          ask_min: str, as_json: bool) -> None:
    """Measure what an alarm is worth, on simulated days in a closed loop with the judgement.

    Status 1 if the judgement misses a person or an emergency, or an alarm comes more than 60 minutes after the close.

    \b
    naive    alarms at the close about everybody of whom no report says awake or out
    grace    the same at the deadline
    judged   Anbu, without questions
    asking   Anbu, which asks the device before it alarms

    \b
    missed   silent or not awake people without an alarm 10 minutes after the deadline
    sos      emergencies that could be known, without an alert 10 minutes later
    wait     the longest time from the close to a true alarm, minutes
    alarms   alarms on a day per 100 people
    false    of these, alarms about people who are awake or out
    up       of these, alarms about people who were up when it rang
    fewer %  false alarms that the naive rule has, and this rule has not
    ppv      the share of alarms that are true
    ppv/10   the same if people were silent or not awake a tenth as often
    asked    questions to a device, a person and month
    sms      SMS from a device, a person and month
    """
    try:
        asked = parse_ask_min(ask_min)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--ask-min") from None
    if not as_json:
        click.echo(_line(name for name, _ in _COLUMNS))
    failed = False
    for network in networks or NETWORKS:
        found = compare_seeds(Days(people, days, firmware, asked), network, range(1, seeds + 1), FoldedCore,
                              rules or RULES)
        for rule, worth in found.items():
            naive = found.get(NAIVE)
            click.echo(orjson.dumps(_figures(network, rule, worth, naive)) if as_json
                       else _line(_row(network, rule, worth, naive)))
            failed |= rule in {JUDGED, ASKING} and bool(
                worth.missed or worth.missed_emergencies or worth.longest_wait_s > LONGEST_WAIT_S)
    sys.exit(FAILED if failed else 0)
