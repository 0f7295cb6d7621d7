"""Which channels are notified of a revision, when, and which deliveries stop: a pure fold over an alert's revisions.

| change                                  | goes to                                                        |
| --------------------------------------- | -------------------------------------------------------------- |
| opened reopened repeated raised         | the channels of the site's rules                               |
| escalated                               | the channels of the rules with this `escalated_to`             |
| reminded unacknowledged                 | the channels of the site's rules, and the former channels      |
| acknowledged assigned commented cleared | the alert's former channels that follow up on this change      |
| held                                    | none; nor does an `unacknowledged` before the release          |
| released                                | the channels of the site's rules; none if acknowledged by then |

An acknowledgement or a clearing stops all queued deliveries of the alert. Any other revision stops only the queued
deliveries for the channels that it goes to itself. A revision that is not sent (it goes nowhere, or is too old) stops
nothing. The former channels include those of the people to whom the alert was escalated.

Each lane judges an incident alone. The channels are notified of the first opening, of each command once, although every
lane repeats it, and of the clearing after which the incident is open in no lane.

A revision that is folded again, also after newer ones, gives the same deliveries again. They are then there already.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from models.contract.alerts import Change, Severity
from models.notifications.notice import Notice
from models.notifications.routes import Chosen, Routes

TOO_OLD_S: Final = 6 * 3600
STRUGGLING: Final = 3                  # attempts; from this number on the page says that a channel does not work
NEWS: Final = frozenset({Change.OPENED, Change.REOPENED, Change.REPEATED, Change.RAISED, Change.RELEASED,
                         Change.ESCALATED, Change.REMINDED, Change.UNACKNOWLEDGED})
AGAIN: Final = frozenset({Change.REMINDED, Change.UNACKNOWLEDGED})  # they concern everyone who was notified before
FOLLOW_UPS: Final = frozenset({Change.ACKNOWLEDGED, Change.ASSIGNED, Change.COMMENTED, Change.CLEARED})
STOPS: Final = frozenset({Change.ACKNOWLEDGED, Change.CLEARED})
_RELEASES: Final = frozenset({Change.RELEASED, Change.CLEARED})
_FIRST_WAIT_S: Final = 2.0
_LONGEST_WAIT_S: Final = 300.0
_LONGEST_WAIT_URGENT_S: Final = 30.0
LONGEST_ASKED_S: Final = 900.0


class DeliveryStatus(StrEnum):
    """The status of a delivery. The last four are receipts: only the operator changes them, by a retry."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class InLane(NamedTuple):
    """The newest revision of an incident in one lane."""

    revision: int
    active: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """The decisions on one alert so far.

    The order of a revision is its number; for an incident, its place in `announced`.

    channels: by channel, the order of the newest revision that goes there.
    stopped: the order of the newest acknowledgement or clearing.
    lanes: for an incident, the newest revision in each lane.
    announced: for an incident, the (lane, revision) of which channels are notified, in order; the first has order 1.
    commands: for an incident, the ids of the commands of which channels are notified.
    held: the order of the revision by which the alert was held; 0: it was not.
    released: the order of the newest revision after which the alert is held no longer.
    """

    channels: Mapping[str, int] = field(default_factory=dict)
    stopped: int = 0
    lanes: Mapping[int, InLane] = field(default_factory=dict)
    announced: tuple[tuple[int, int], ...] = ()
    commands: tuple[str, ...] = ()
    held: int = 0
    released: int = 0


class Delivery(NamedTuple):
    """One revision for one channel.

    order: see `Thread`.
    due: not sent before this time, epoch seconds.
    fallback: no route names the person to whom the alert is escalated.
    """

    channel: str
    order: int
    status: DeliveryStatus
    due: int
    fallback: bool = False


class Stop(NamedTuple):
    """Queued deliveries with an order below `below` are not sent any more. channel: None: of every channel."""

    channel: str | None
    below: int


class Decision(NamedTuple):
    thread: Thread
    deliveries: tuple[Delivery, ...] = ()
    stops: tuple[Stop, ...] = ()


def decide(thread: Thread, notice: Notice, routes: Routes, now: int) -> Decision:
    """The decision on one revision. now: epoch seconds."""
    if notice.lane is not None:
        thread = _over_lanes(thread, notice.lane, InLane(notice.revision, notice.active), notice.command)
        if (notice.lane, notice.revision) not in thread.announced:
            return Decision(thread)
        order = thread.announced.index((notice.lane, notice.revision)) + 1
    else:
        order = notice.revision
    thread = _holding(thread, notice.change, order)
    stopping = notice.change in STOPS
    chosen = _chosen(thread, notice, routes)
    due = max(now, _quiet_until(notice, routes, now))
    deliveries = tuple(Delivery(channel, order, _status(thread, notice, channel, order, now), due, chosen.fallback)
                       for channel in chosen.channels)
    going = [one.channel for one in deliveries if one.status is not DeliveryStatus.EXPIRED]
    channels = {**thread.channels, **{one: max(order, thread.channels.get(one, 0)) for one in going}}
    stops = (Stop(None, order),) if stopping else tuple(Stop(one, order) for one in going)
    return Decision(replace(thread, channels=channels, stopped=max(thread.stopped, order if stopping else 0)),
                    deliveries, stops)


def decide_all(thread: Thread, notices: Iterable[Notice], routes: Routes, now: int) -> list[tuple[Notice, Decision]]:
    """The decisions on a batch of revisions of one alert, in their order."""
    decided = []
    for notice in notices:
        decision = decide(thread, notice, routes, now)
        thread = decision.thread
        decided.append((notice, decision))
    return decided


def settled(decided: Iterable[tuple[Notice, Decision]]) -> list[tuple[Notice, Delivery]]:
    """The deliveries of a batch. A delivery that a later revision of the batch stops is `superseded` already."""
    found: list[tuple[Notice, Delivery]] = []
    for notice, decision in decided:
        for stop in decision.stops:
            found = [(one, delivery._replace(status=DeliveryStatus.SUPERSEDED) if _stops(stop, delivery) else delivery)
                     for one, delivery in found]
        found += [(notice, delivery) for delivery in decision.deliveries]
    return found


def _stops(stop: Stop, one: Delivery) -> bool:
    return one.status is DeliveryStatus.QUEUED and one.order < stop.below and stop.channel in (None, one.channel)


def _holding(thread: Thread, change: str, order: int) -> Thread:
    """An alert is held from its first revision on, and never again."""
    if change == Change.HELD:
        return replace(thread, held=max(thread.held, order))
    return replace(thread, released=max(thread.released, order)) if change in _RELEASES else thread


def _over_lanes(thread: Thread, lane: int, said: InLane, command: str | None) -> Thread:
    there = thread.lanes.get(lane)
    if there is not None and there.revision >= said.revision:
        return thread
    lanes = {**thread.lanes, lane: said}
    first_opening = said.active and not thread.announced and command is None
    last_clearing = bool(thread.announced) and not any(one.active for one in lanes.values())
    # A lane that repeats a command after the last clearing reports nothing that the channels could use.
    first_of_command = (command is not None and command not in thread.commands and bool(thread.announced)
                        and any(one.active for one in lanes.values()))
    if not (first_opening or last_clearing or first_of_command):
        return replace(thread, lanes=lanes)
    commands = thread.commands if command is None else (*thread.commands, command)
    return replace(thread, lanes=lanes, announced=(*thread.announced, (lane, said.revision)), commands=commands)


def _chosen(thread: Thread, notice: Notice, routes: Routes) -> Chosen:
    if notice.change in FOLLOW_UPS:
        return Chosen(tuple(one for one in thread.channels if notice.change in routes.follow_ups.get(one, ())))
    if notice.change not in NEWS or (notice.change == Change.RELEASED and notice.acknowledged):
        return Chosen(())  # an alert acknowledged while it was held is no news
    if notice.change in AGAIN and thread.held > thread.released:
        return Chosen(())
    if notice.subject is None:
        return routes.of_incident(notice.gateway)
    to = notice.escalated_to if notice.change == Change.ESCALATED else None
    chosen = routes.of_alert(notice.site, notice.kind, notice.severity, to)
    if notice.change not in AGAIN:
        return chosen
    former = (one for one in thread.channels if one in routes.follow_ups)  # a channel may have left the routes file
    return Chosen(tuple(dict.fromkeys((*chosen.channels, *former))))


def _quiet_until(notice: Notice, routes: Routes, now: int) -> int:
    if notice.severity != Severity.MAINTENANCE:
        return now
    return routes.site(notice.site).quiet_until(now) or now


def _status(thread: Thread, notice: Notice, channel: str, order: int, now: int) -> DeliveryStatus:
    if now - notice.changed_at > TOO_OLD_S:
        return DeliveryStatus.EXPIRED
    return DeliveryStatus.SUPERSEDED if outdated(thread, channel, order) else DeliveryStatus.QUEUED


def outdated(thread: Thread, channel: str, order: int) -> bool:
    """Whether a newer revision goes to the channel, or an acknowledgement or a clearing has come since."""
    return max(thread.channels.get(channel, 0), thread.stopped) > order


class Try(NamedTuple):
    """A delivery that is about to be sent.

    attempts: the number of attempts so far.
    until: the last time at which it may be sent, epoch seconds; see `until`.
    notified: the channel was, or may have been, notified of the alert before.
    stopped: the reason why it was stopped while a process that is gone was sending it; None: it was not stopped.
    """

    change: str
    attempts: int
    until: int
    notified: bool
    stopped: str | None = None


def before_sending(one: Try, now: float) -> tuple[DeliveryStatus, str]:
    """SENDING; or the receipt that the delivery gets instead, and the reason.

    A channel that was not notified of an alert is not notified that the alert is acknowledged or over.
    """
    if one.stopped is not None:
        return DeliveryStatus.SUPERSEDED, one.stopped
    if now > one.until:
        if one.attempts:
            return DeliveryStatus.FAILED, "could not be delivered for six hours"
        return DeliveryStatus.EXPIRED, "older than six hours"
    if one.change in STOPS and not one.notified:
        return DeliveryStatus.SUPERSEDED, "this channel was not notified of the alert"
    return DeliveryStatus.SENDING, ""


def until(changed_at: int, due: int) -> int:
    """When a delivery gets too old to be sent: six hours after the change, or after the end of the quiet hours."""
    return max(changed_at, due) + TOO_OLD_S


def wait_s(attempts: int, dice: float, asked_s: float | None = None, *, urgent: bool = False) -> float:
    """Seconds to the next attempt.

    The longest wait doubles from 2 s to 5 min; the actual wait is at least half of it. It is never less than the other
    side asked for, up to a quarter of an hour: a person who has not woken up cannot wait longer. An urgent delivery
    waits half a minute at most, whatever the other side asked for: somebody may lie there.

    attempts: the number of attempts so far, 1 or more.
    dice: in [0, 1), random, so that the channels do not retry at the same moment.
    asked_s: the wait that the other side asked for, seconds.
    urgent: the delivery is urgent (`gathering`).
    """
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * float(1 << min(attempts - 1, 20)))
    wait = max(longest * (0.5 + dice / 2), min(asked_s or 0.0, LONGEST_ASKED_S))
    return min(wait, _LONGEST_WAIT_URGENT_S) if urgent else wait
