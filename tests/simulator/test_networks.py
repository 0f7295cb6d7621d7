"""Each network is as bad as its row says, both ways, and the fate of a message depends on nothing but its name."""

import statistics
from collections import Counter

import pytest

from simulator.firmware import FIRMWARES
from simulator.luck import luck
from simulator.network import Network, Sent
from simulator.networks import NETWORKS, AirMessage, Fate, fate

NOON = 1_795_575_600  # 12:00 in Seoul
DEADLINE = NOON + 3 * 3600 + 1800
MESSAGES = [AirMessage(f"message {number}", number % 1000, NOON + number * 600, None) for number in range(20_000)]


def fates(name: str, messages: list[AirMessage] = MESSAGES) -> list[Fate]:
    return [fate(NETWORKS[name], 1, one) for one in messages]


def waits(name: str) -> list[int]:
    return [found.arrives_at - one.at for one, found in zip(MESSAGES, fates(name), strict=True)
            if found.arrives_at is not None]


def test_luck_is_even_and_follows_from_the_name() -> None:
    numbers = [one for number in range(5000) for one in luck("a", number)]
    assert max(Counter(int(one * 10) for one in numbers).values()) < 1150
    assert luck("a", 1) == luck("a", 1) != luck("a", 2)


@pytest.mark.parametrize(("name", "lost"), [
    ("demo", 0.03), ("carrier-2007", 0.051), ("etsi-2006", 0.02), ("modern", 0.005), ("gentle", 0.001)])
def test_a_network_loses_its_share(name: str, lost: float) -> None:
    share = sum(found.arrives_at is None for found in fates(name)) / len(MESSAGES)
    assert share == pytest.approx(lost, abs=0.004)
    assert not any(found.refused for found in fates(name))


@pytest.mark.parametrize(("name", "over_s", "share"), [
    ("carrier-2007", 10, 0.26), ("carrier-2007", 60, 0.17), ("carrier-2007", 90 * 60, 0.05),
    ("etsi-2006", 9, 0.02), ("modern", 9, 0.01), ("gentle", 9, 0.002), ("demo", 21, 0.13)])
def test_a_network_delays_its_share(name: str, over_s: int, share: float) -> None:
    assert sum(one > over_s for one in waits(name)) / len(MESSAGES) == pytest.approx(share, abs=0.01)


def test_the_tail_has_a_median_of_fifteen_minutes() -> None:
    assert statistics.median(one for one in waits("etsi-2006") if one > 60) == pytest.approx(900, rel=0.2)


def test_the_demos_late_messages_come_after_the_deadline() -> None:
    found = fates("demo", [one._replace(at=NOON, deadline=DEADLINE) for one in MESSAGES])
    late = [one.arrives_at for one in found if one.arrives_at is not None and one.arrives_at >= DEADLINE]
    assert len(late) / len(MESSAGES) == pytest.approx(0.07, abs=0.006)
    assert min(late) >= DEADLINE + 300
    questions = fates("demo", [one._replace(at=NOON, deadline=DEADLINE, to_device=True) for one in MESSAGES])
    assert sum(one.arrives_at is None for one in questions) == sum(one.arrives_at is None for one in found) + len(late)


def test_other_messages_change_no_fate() -> None:
    assert fates("sticky", MESSAGES[::-1]) == fates("sticky")[::-1]
    assert fate(NETWORKS["demo"], 2, MESSAGES[0]) != fate(NETWORKS["demo"], 3, MESSAGES[0])


def test_a_sticky_half_day_gives_one_fate_to_all_messages_of_a_device() -> None:
    same = 0
    for subject in range(500):
        for to_device in (False, True):
            outcomes = {fate(NETWORKS["sticky"], 1, AirMessage(f"{subject}/{number}", subject, NOON, None, to_device))
                        for number in range(12)}
            same += len(outcomes) == 1
    assert same / 1000 == pytest.approx(0.5, abs=0.06)


def test_a_gap_refuses_what_a_device_sends_and_keeps_what_it_gets() -> None:
    up = fates("bursty")
    gaps = [number for number, one in enumerate(up) if one.refused]
    assert len(gaps) / len(MESSAGES) == pytest.approx(45 / 14_400 + 90 / 43_200, abs=0.002)
    for number in gaps:
        found = fate(NETWORKS["bursty"], 1, MESSAGES[number]._replace(to_device=True))
        assert found.arrives_at is None or found.arrives_at > MESSAGES[number].at


def test_twenty_homes_of_a_cell_have_their_gaps_together() -> None:
    cell = NETWORKS["bursty"]._replace(gaps=NETWORKS["bursty"].gaps[1:])
    refused: dict[int, list[bool]] = {
        subject: [fate(cell, 1, AirMessage("m", subject, NOON + number * 600, None)).refused for number in range(4320)]
        for subject in (1000, 1019, 1020)}
    assert sum(refused[1000]) == 9
    assert refused[1000] == refused[1019] != refused[1020]


def sent(at: int, number: int) -> Sent:
    return Sent(at, 1000 + number, 1, "sender", "W.", None, None, None, 0, None, False, (), False, f"sms {number}")


def arrivals(network: str, firmware: str, at: int, number: int) -> list[int]:
    return sorted(one.at for one in Network(NETWORKS[network], "1", FIRMWARES[firmware]).carry(sent(at, number)))


def test_what_the_network_refuses_comes_again() -> None:
    refused = [one for one in MESSAGES if fate(NETWORKS["bursty"], "1", one._replace(subject=1007)).refused]
    assert refused
    for one in refused:
        assert arrivals("bursty", "once", one.at, 7) == []
    heard = [arrivals("bursty", "listening", one.at, 7) for one in refused]
    assert sum(map(bool, heard)) > 0.7 * len(heard)


def test_a_device_that_cannot_listen_sends_twice() -> None:
    for number in range(50):
        first = arrivals("gentle", "once", NOON, number)
        twice = arrivals("gentle", "repeating", NOON, number)
        assert set(first) <= set(twice)
        assert first == [] or twice[-1] - twice[0] > 14 * 60 or len(twice) == 1
