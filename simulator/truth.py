"""What is true, told by the one who made it up: what had to be known and when, and about whom no alert was due."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from models.times import format_time, format_window, parse_time
from simulator.network import Delivery


@dataclass(frozen=True, slots=True)
class Due:
    """An alert had to come. window: 2026-11-24:morning, or None; knowable_at: epoch seconds."""

    subject: int
    kind: str
    window: str | None
    knowable_at: int


@dataclass(frozen=True, slots=True)
class Fine:
    """An SMS that says awake or out for a window was accepted before the deadline."""

    subject: int
    window: str
    accepted_at: int


@dataclass(frozen=True, slots=True)
class Truth:
    """possible: (subject, kind) of emergencies that did happen, known or not; dues are what had to be told."""

    dues: tuple[Due, ...]
    fine: tuple[Fine, ...]
    possible: frozenset[tuple[int, str]]

    def lines(self) -> Iterable[dict[str, Any]]:
        for due in self.dues:
            yield {"truth": "due", **asdict(due), "knowable_at": format_time(due.knowable_at)}
        for fine in self.fine:
            yield {"truth": "fine", **asdict(fine), "accepted_at": format_time(fine.accepted_at)}
        for subject, kind in sorted(self.possible):
            yield {"truth": "emergency", "subject": subject, "kind": kind}


def read_truth(lines: Iterable[Mapping[str, Any]]) -> Truth:
    """What `lines` wrote. Raises ValueError where a line is of another kind."""
    dues, fine, possible = [], [], set()
    for line in lines:
        match line.get("truth"):
            case "due":
                dues.append(Due(line["subject"], line["kind"], line["window"],
                                parse_time(line["knowable_at"], "knowable_at")))
            case "fine":
                fine.append(Fine(line["subject"], line["window"], parse_time(line["accepted_at"], "accepted_at")))
            case "emergency":
                possible.add((line["subject"], line["kind"]))
            case _:
                raise ValueError(f"no line of a truth: {line}")
    return Truth(tuple(dues), tuple(fine), frozenset(possible))


def truth_of(deliveries: list[Delivery], windows: Mapping[tuple[int, int], int],
             emergencies: frozenset[tuple[int, str]]) -> Truth:
    """deliveries: in order of time; windows: (subject, window) that is to be judged -> deadline, nobody excused."""
    dues: list[Due] = []
    fine: dict[tuple[int, int], Fine] = {}
    asleep: dict[tuple[int, int], int] = {}
    up: dict[int, int] = {}  # subject -> the latest window known to be fine
    repaired: set[tuple[int, int]] = set()  # known from memory to have been asleep: no alert follows from that
    told: set[tuple[int, str]] = set()
    for delivery in deliveries:
        sms = delivery.sent
        if sms is None:
            continue
        if sms.alarm is not None:
            kind, moment = sms.alarm
            if (sms.subject, kind) not in told and (sms.flagged or delivery.at - moment < 86_400):
                told.add((sms.subject, kind))
                dues.append(Due(sms.subject, kind, None, delivery.at))
        if sms.window is not None:
            place = (sms.subject, sms.window)
            deadline = windows.get(place)
            if sms.says in ("awake", "out"):
                up[sms.subject] = max(up.get(sms.subject, -1), sms.window)
                if deadline is not None and delivery.at < deadline and place not in fine:
                    fine[place] = Fine(sms.subject, format_window(sms.window), delivery.at)
            elif (deadline is not None and sms.window > up.get(sms.subject, -1)
                  and place not in asleep and place not in repaired):
                asleep[place] = delivery.at
                dues.append(Due(sms.subject, "not_awake", format_window(sms.window), delivery.at))
        for window, code in sms.memory:
            if code == 2:
                repaired.add((sms.subject, window))
            elif code in (1, 3):
                up[sms.subject] = max(up.get(sms.subject, -1), window)
    for place, deadline in windows.items():
        subject, window = place
        if place not in fine and asleep.get(place, deadline + 1) > deadline:
            dues.append(Due(subject, "no_report", format_window(window), deadline))
    return Truth(tuple(dues), tuple(fine.values()), emergencies)
