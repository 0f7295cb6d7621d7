"""A network is a row of data, and the fate of a message follows from the seed and the message alone.

The rows give the shares of messages that a network loses and delays, to the gateway and to the device alike. The
demo's network is far worse than real networks, so that each fault shows within a day. Other rows follow measurements:

* carrier-2007: loss of Meng et al., INFOCOM 2007, nation-wide traces; delays of the same group.
* etsi-2006: ETSI EMTEL at ITU-T 2006: 98 % delivered, in 6 to 8 s.
* modern: ANACOM: 99.3 to 99.7 % delivered, in 7 to 9 s; ARCEP: 98 % within 30 s.
* gentle: the best of the targets of ITU-T.
* bursty: modern, with gaps of coverage and some devices at bad places; an assumption.
* sticky: demo, where half of all half days give all messages of a device one fate; the bound of a pessimist.
"""

from typing import Final, NamedTuple

from models.times import DAY
from simulator.calendar import SEOUL_S
from simulator.luck import between, luck

_MIN: Final = 60
_HOUR: Final = 3600


class Delay(NamedTuple):
    """Messages that take long.

    share: of all messages.
    low_s, high_s: shortest and longest time, seconds; the logarithm of the time is uniform between them.
    """

    share: float
    low_s: float
    high_s: float


class CoverageGap(NamedTuple):
    """Times without coverage: the network refuses messages from a device, and keeps messages to the device.

    homes: the number of homes that have the gap together; 1: each device has gaps of its own; more: a radio cell.
    length_s: the length of a gap, seconds.
    every_s: the length of a period, seconds; each period has one gap.
    """

    homes: int
    length_s: int
    every_s: int


class NetworkProfile(NamedTuple):
    """A network. Shares are of all messages.

    usual: shortest and longest time of the usual message, seconds.
    lost: the share that never arrives.
    delayed: the share that arrives 5 minutes to 6 hours after the deadline of its window.
    delays: other messages that take long.
    gaps: times without coverage.
    weak: the share of devices that lose `weak_lost` instead of `lost`.
    sticky: the share of half days in which all messages of a device have one fate.
    doubled, forged: the shares of SMS that come twice, or with a forged SMS beside them; to the gateway alone.
    """

    usual: tuple[float, float]
    lost: float
    delayed: float = 0.0
    delays: tuple[Delay, ...] = ()
    gaps: tuple[CoverageGap, ...] = ()
    weak: float = 0.0
    weak_lost: float = 0.0
    sticky: float = 0.0
    doubled: float = 0.0
    forged: float = 0.0


class AirMessage(NamedTuple):
    """An SMS to the gateway or to a device. Times are epoch seconds.

    name: the same for the same message in every run, whatever rules of judgement the run compares.
    subject: the number of the person whose device it is.
    deadline: the deadline of the window in question; None: no window.
    """

    name: str
    subject: int
    at: int
    deadline: int | None
    to_device: bool = False


class Fate(NamedTuple):
    """The end of a message.

    arrives_at: epoch seconds; None: it never arrives.
    refused: the network did not take it, and the sender knows.
    """

    arrives_at: int | None
    refused: bool = False


_DELAYED_S: Final = (5 * _MIN, 360 * _MIN)
_DEMO: Final = NetworkProfile((2, 20), lost=0.03, delayed=0.07, delays=(Delay(0.06, 2 * _MIN, 20 * _MIN),),
                              doubled=0.07, forged=0.01)
_TAIL: Final = (1.5 * _MIN, 150 * _MIN)  # the median is 15 minutes
_MODERN: Final = NetworkProfile((7, 9), lost=0.005, delays=(Delay(0.01, *_TAIL),))
NETWORKS: Final[dict[str, NetworkProfile]] = {
    "demo": _DEMO,
    "carrier-2007": NetworkProfile((2, 10), lost=0.051, delays=(
        Delay(0.10, 10, _MIN), Delay(0.12, _MIN, 90 * _MIN), Delay(0.05, 90 * _MIN, 24 * _HOUR))),
    "etsi-2006": NetworkProfile((6, 8), lost=0.02, delays=(Delay(0.02, *_TAIL),)),
    "modern": _MODERN,
    "gentle": NetworkProfile((6, 8), lost=0.001, delays=(Delay(0.002, *_TAIL),)),
    "bursty": _MODERN._replace(weak=0.05, weak_lost=0.2, gaps=(
        CoverageGap(1, 45 * _MIN, 10 * DAY), CoverageGap(20, 90 * _MIN, 30 * DAY))),
    "sticky": _DEMO._replace(sticky=0.5),
}


def fate(network: NetworkProfile, seed: object, message: AirMessage) -> Fate:
    """The fate of a message. The same arguments give the same fate.

    A message to a device is valid until its deadline: the network drops it then.
    """
    sent_at = message.at
    for gap in network.gaps:
        until = _gap_until(gap, seed, message.subject, sent_at)
        if until is not None and not message.to_device:
            return Fate(None, refused=True)
        sent_at = until or sent_at
    chance, transit = luck(seed, *_lot(network, seed, message))
    arrives_at = _arrival(network, _lost(network, seed, message.subject), message, sent_at, chance, transit)
    expired = (message.to_device and arrives_at is not None and message.deadline is not None
               and arrives_at >= message.deadline)
    return Fate(None if expired else arrives_at)


def _arrival(network: NetworkProfile, lost: float, message: AirMessage, sent_at: int, chance: float,
             transit: float) -> int | None:
    if chance < lost:
        return None
    chance -= lost
    if chance < network.delayed:
        return max(sent_at, message.deadline or sent_at) + int(between(*_DELAYED_S, transit))
    chance -= network.delayed
    for delay in network.delays:
        if chance < delay.share:
            return sent_at + int(between(delay.low_s, delay.high_s, transit))
        chance -= delay.share
    return sent_at + int(between(*network.usual, transit))


def _lost(network: NetworkProfile, seed: object, subject: int) -> float:
    is_weak = network.weak > 0 and luck(seed, "weak", subject)[0] < network.weak
    return network.weak_lost if is_weak else network.lost


def _lot(network: NetworkProfile, seed: object, message: AirMessage) -> tuple[object, ...]:
    """The name that `luck` draws the fate of a message from.

    It is the name of the message. In a sticky half day all messages of the device share one name, so one fate.
    """
    if network.sticky:
        half_day = (message.at + SEOUL_S) // (DAY // 2)
        if luck(seed, "sticky", message.subject, half_day)[0] < network.sticky:
            return "half day", message.subject, half_day
    return ("message", message.name)


def _gap_until(gap: CoverageGap, seed: object, subject: int, at: int) -> int | None:
    """The end of the gap in which a time lies, epoch seconds; None: there is coverage."""
    place, number = subject // gap.homes, at // gap.every_s
    start = number * gap.every_s + int(luck(seed, "gap", gap.homes, place, number)[0] * (gap.every_s - gap.length_s))
    return start + gap.length_s if start <= at < start + gap.length_s else None
