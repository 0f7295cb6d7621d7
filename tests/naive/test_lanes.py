"""People in more than one lane: each frame is judged or refused once, in the lane of its person."""

import pytest

from naive.days import made_up
from naive.devices import KEKS
from naive.lanes import Lanes, placed, replay_in_lanes
from naive.oracle import replay
from naive.wire import Refused, find_frames

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_lane_is_a_replay(seed: int) -> None:
    lines = made_up(seed)
    lanes = replay_in_lanes(placed(seed, lines, 1), KEKS, 1)
    assert lanes.lines() == [replay(lines, KEKS)]
    assert lanes.forwards == []


@pytest.mark.parametrize("seed", SEEDS)
def test_each_frame_ends_once_in_the_lane_of_its_person(seed: int) -> None:
    lanes = Lanes(KEKS, 3)
    for lane, line in placed(seed, made_up(seed), 3):
        before = ends(lanes)
        lanes.add(lane, line)
        value = line.get("value")
        if line["topic"] == "sms" and isinstance(value, dict) and value.get("type") == "sms":
            try:
                frames = len(find_frames(value.get("text"), value.get("binary")))
            except Refused:
                frames = 1
            assert ends(lanes) - before == frames
    for number, lines in enumerate(lanes.lines()):
        for line in lines:
            subject = line["value"].get("subject")
            if line["topic"] in ("reports", "asks") and isinstance(subject, int):
                assert subject % 3 == number


def ends(lanes: Lanes) -> int:
    """Reports, quarantine records, and counted duplicates so far."""
    said: int = sum(line["topic"] == "quarantine" or line["value"].get("type") == "report"
               for lines in lanes.lines() for line in lines)
    return said + sum(int(one.world.duplicates) for one in lanes.replays)
