"""The number of messages in a channel: an SOS comes first and singly, a few come singly, many come as one."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.notices import NOW, notice

from models.notifications.gathering import FEW, FEW_S, GATHERING_S, URGENT, Lately, gather, urgency


class One(NamedTuple):
    number: int
    urgency: int = 2


@pytest.mark.parametrize(("facts", "expected"), [
    ({"kind": "sos", "severity": "critical"}, URGENT),
    ({"kind": "fall", "severity": "critical", "change": "repeated"}, URGENT),
    ({"kind": "a_newer_kind"}, URGENT),
    ({"severity": "dire"}, URGENT),
    ({"kind": "not_awake", "severity": "critical", "change": "raised"}, 1),
    ({"kind": "no_report"}, 2),
    ({"kind": "sos", "severity": "critical", "change": "reminded"}, URGENT),
    ({"kind": "no_report", "severity": "critical", "change": "reminded"}, 1),
    ({"kind": "fall", "severity": "critical", "change": "unacknowledged"}, URGENT),
    ({"kind": "long_out"}, 2),
    ({"kind": "sensor_stuck", "severity": "maintenance"}, 3),
    ({"kind": "low_battery", "severity": "maintenance"}, 3),
    ({"kind": "sos", "severity": "critical", "change": "acknowledged"}, 4),
    ({"kind": "sos", "severity": "critical", "change": "cleared"}, 4)], ids=str)
def test_the_urgency_of_a_notice(facts: dict[str, Any], expected: int) -> None:
    assert urgency(notice(**facts)) == expected


def test_an_outage_is_urgent_and_its_end_is_not() -> None:
    assert urgency(notice("seoul-1", lane=0)) == URGENT
    assert urgency(notice("seoul-1", lane=0, revision=2, change="cleared")) > URGENT


@pytest.mark.parametrize(("lately", "single", "gathered"), [
    (Lately(1, 0, None), True, False),
    (Lately(FEW, 0, None), True, False),
    (Lately(FEW + 1, 0, None), False, True),
    (Lately(1, FEW, None), False, True),
    (Lately(1, FEW - 1, None), True, False),
    (Lately(FEW + 1, 0, NOW - GATHERING_S), False, True),
    (Lately(FEW + 1, 0, NOW - GATHERING_S + 1), False, False),
    (Lately(1, 1, NOW), True, False)])
def test_a_few_deliveries_are_sent_singly_and_many_as_one_digest(lately: Lately, *, single: bool,
                                                                 gathered: bool) -> None:
    due = [One(1), One(2)]
    assert gather(due, lately, NOW) == ([one for one in due if single], [one for one in due if gathered])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=80))
def test_a_channel_never_gets_hundreds_of_messages(arriving: list[int]) -> None:
    """However many alerts come, and however they are spread over the time: a few messages and then one a minute. And
    everybody is told of within a minute, in the order in which they came."""
    due: list[One] = []
    sent: list[float] = []  # when messages of one alert each went out
    gathered_at: float | None = None
    told: list[One] = []
    number = messages = 0
    for second in range(0, 15 * len(arriving), 15):
        for _ in range(arriving[second // 15]):
            due.append(One(number))
            number += 1
        lately = Lately(len(due), len([at for at in sent if second - at < FEW_S]), gathered_at)
        single, gathered = gather(due, lately, second)
        sent += [second] * len(single)
        if gathered:
            gathered_at = second
        messages += len(single) + bool(gathered)
        told += [*single, *gathered]
        waiting = due[len(single) + len(gathered):]
        assert not waiting or (gathered_at is not None and second < gathered_at + GATHERING_S)
        due = waiting
    minutes = 15 * len(arriving) / 60
    assert messages <= FEW * (minutes / 10 + 1) + minutes + 1
    assert told == [One(one) for one in range(len(told))]
