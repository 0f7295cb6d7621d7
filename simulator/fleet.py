"""The same arguments give the same octets: a fleet of homes, with what each device sends, what arrives, and the truth.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property
from random import Random
from typing import Final

from models.json_object import JsonObject
from models.times import DAY, format_clock, format_date, format_time
from models.wire.frame import HOME_SLOT, SEND_SLOT
from models.wire.keys import wrap
from simulator.calendar import AFTERNOON, CLOSE_MIN, GRACE_MIN, MORNING, OPEN_MIN, RunCalendar
from simulator.device import EPOCH, HomeUnit
from simulator.firmware import FIRMWARES
from simulator.homes import Home, people
from simulator.knowable import Knowable
from simulator.life import Life
from simulator.network import Network, Sent, SmsDelivery
from simulator.networks import NETWORKS
from simulator.truth import SmsTruth, Truth

SCENARIOS: Final = ("usual", "outage", "storm")
GATEWAY: Final = "seoul-1"
START: Final = date(2026, 11, 24)  # the first day of a run, if none is given
HELD_FROM, HELD_UNTIL, HELD_ARRIVE = 390, 600, 605  # minutes of the first day


class Fleet:
    """A number of homes over a number of local days from `start` on.

    scenario: usual, outage (the network holds all SMS of the first morning back from 06:30 to 10:00), or storm (all
        homes report in the same two minutes).
    network: one of NETWORKS.
    firmware: of all home units, one of FIRMWARES.
    """

    def __init__(self, subjects: int = 400, days: int = 1, start: date = date(2026, 11, 24), seed: int = 1,
                 scenario: str = "usual", network: str = "demo", firmware: str = "listening") -> None:
        self._name = f"{seed}/{scenario}/{subjects}/{days}/{start}"
        self._dice = Random(self._name)
        self.calendar = RunCalendar(start, days)
        self._firmware = FIRMWARES[firmware]
        self.network = Network(NETWORKS[network], self._name, self._firmware)
        self.scenario = scenario
        self.begin, self.end = self.calendar.begin, self.calendar.end
        self._kek = Random(f"{seed}/kek").randbytes(32)  # not from the days: a worker needs it before they are known
        self.homes = people(subjects, days, self._dice)

    def keks(self) -> dict[str, str]:
        """The key-encryption keys, in the form of ANBU_KEK_FILE."""
        return {"k1": b64encode(self._kek).decode()}

    def people(self) -> list[JsonObject]:
        """Names, telephone numbers and addresses, for the page."""
        return [{"subject": home.subject, "name": home.name, "telephone": home.telephone, "address": home.address}
                for home in self.homes]

    def registry(self, ask_min: Sequence[int] = ()) -> list[JsonObject]:
        """The operational profiles. ask_min: the minutes after the close at which a device is asked."""
        asking = {"ask_min": list(ask_min)} if ask_min else {}
        return [self._profile(home) | asking for home in self.homes]

    def commands(self) -> list[JsonObject]:
        """Excuses in order of time. A caseworker enters each the evening before, or in the first minute of the run."""
        commands = []
        for number, home in enumerate(self.homes):
            if home.excused is not None and home.excused_by_command:
                first, last = home.excused
                at = max(self.begin + 60, self.begin + first * DAY - 6 * 3600)
                commands.append({"id": f"excuse-{number}", "type": "excuse", "subject": home.subject, "by": "kim",
                                 "at": format_time(at), "text": "병원", "from": self._date(first),
                                 "to": self._date(last)})
        return sorted(commands, key=lambda command: command["at"])

    def deliveries(self) -> list[SmsDelivery]:
        """All SMS that reach the gateway before the end, in order of time."""
        return self._lived[1]

    def truth(self) -> Truth:
        """The alerts that had to come, and the windows about which no alert was due."""
        return self.truth_of(*self._lived)

    def truth_of(self, sent: Iterable[Sent], deliveries: Sequence[SmsDelivery]) -> Truth:
        """The truth of other deliveries than the planned ones. deliveries: in order of time."""
        knowable = Knowable(self.homes, self.calendar)
        knowable.follow(deliveries)
        if self.scenario == "outage":
            knowable.outage(GATEWAY)
        arrived: dict[tuple[int, int], list[int]] = {}
        for one in deliveries:
            if one.sent is not None:
                arrived.setdefault((one.sent.subject, one.sent.counter), []).append(one.at)
        sms = tuple(SmsTruth(one.subject, one.counter, one.at, one.deadline,
                             tuple(arrived.get((one.subject, one.counter), ()))) for one in sent)
        return knowable.truth(sms)

    @cached_property
    def units(self) -> list[HomeUnit]:
        """The home units. A unit counts what it sends, so a fleet lives once."""
        is_storm = self.scenario == "storm"
        return [HomeUnit(home, Life(home, self.calendar, self._dice, self._firmware, storm=is_storm), self.calendar,
                         self._keys(home)[HOME_SLOT], self._firmware) for home in self.homes]

    @cached_property
    def _lived(self) -> tuple[list[Sent], list[SmsDelivery]]:
        """The SMS that were sent, and the deliveries before the end."""
        sent = [sms for unit in self.units for sms in unit.reports()]
        arrived = [self.held_back(one) for sms in sent for one in self.network.carry(sms)]
        return sent, sorted((one for one in arrived if one.at < self.end), key=lambda one: (one.at, one.id))

    def held_back(self, delivery: SmsDelivery) -> SmsDelivery:
        """A delivery at the time at which the scenario lets it reach the gateway."""
        at, calendar = delivery.at, self.calendar
        if self.scenario == "outage" and calendar.at(0, HELD_FROM) <= at < calendar.at(0, HELD_UNTIL):
            at = calendar.at(0, HELD_ARRIVE)
        if any(at == calendar.deadline(calendar.window(calendar.day_of(at), half)) for half in (MORNING, AFTERNOON)):
            at += 1  # the truth does not define whether the second of a deadline is before it
        return delivery._replace(at=at)

    def _date(self, day: int) -> str:
        return format_date(self.calendar.day0 + day)

    def _keys(self, home: Home) -> dict[int, bytes]:
        """Device keys by slot."""
        dice = Random(f"{self._name}/{home.subject}")
        return {HOME_SLOT: dice.randbytes(16), SEND_SLOT: dice.randbytes(16)}

    def _profile(self, home: Home) -> JsonObject:
        dice = Random(f"{self._name}/{home.subject}/nonces")
        devices = [{"slot": slot, "epoch": EPOCH, "kek": "k1", "key": b64encode(
            wrap(self._kek, dice.randbytes(12), key, home.subject, slot, EPOCH)).decode()}
            for slot, key in self._keys(home).items()]
        devices[HOME_SLOT]["msisdn"] = home.sender
        excused = []
        if home.excused is not None and not home.excused_by_command:
            excused = [{"from": self._date(home.excused[0]), "to": self._date(home.excused[1]), "reason": "travel"}]
        windows = {name: {"open": format_clock(OPEN_MIN[half]), "close": format_clock(CLOSE_MIN[half])}
                   for name, half in (("morning", MORNING), ("afternoon", AFTERNOON))}
        return {
            "subject": home.subject, "site": home.site, "gateway": GATEWAY, "tz": "Asia/Seoul",
            "since": format_time(self.begin - DAY), "windows": windows, "grace_min": GRACE_MIN, "devices": devices,
            "excused": excused, "escalation": [{"after_min": 10, "to": "backup"}, {"after_min": 30, "to": "lead"}],
        }
