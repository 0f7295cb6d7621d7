"""A result that is computed once for many people is right for each. A lane that is read back has the same index."""

from collections.abc import Iterable
from copy import copy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bench import nation
from bench.core import lived
from bench.nation import Half
from models.contract.inputs import Record
from models.judgement import codec, ticks
from models.judgement.agenda import Agenda
from models.judgement.fold import OUTPUTS_A_SLICE, Fold
from models.judgement.lane import LaneState
from models.judgement.person import Person, Results
from models.judgement.results import result_at
from models.judgement.windows import Calendar
from models.profile import DailyWindow, Schedule, Span
from models.window import Window
from models.wire.keys import KeyRing
from models.zones import local_day, local_time

DAY = 86_400
EPOCH_SECONDS = 1_577_836_800  # of 2020-01-01
BEGIN = EPOCH_SECONDS + 2500 * DAY
ZONES = ["Asia/Seoul", "America/St_Johns", "Pacific/Apia", "Europe/London", "Australia/Lord_Howe", "Africa/Monrovia"]
minutes = st.integers(0, 1439)
dailies = st.none() | st.tuples(minutes, minutes).filter(lambda both: both[0] < both[1]).map(
    lambda both: DailyWindow(*both))
moments = st.integers(BEGIN, BEGIN + 200 * DAY)
schedules = st.builds(Schedule, st.sampled_from(ZONES), dailies, dailies, st.integers(0, 1440), moments)


@given(schedules, moments, moments, st.integers(0, 3 * DAY))
@settings(max_examples=300, deadline=None)
def test_the_index_finds_the_deadlines_of_each_person(schedule: Schedule, started: int, after: int,
                                                      length: int) -> None:
    calendar = Calendar(schedule, {}, started)
    assert list(calendar.due(after, after + length)) == list(calendar.due_by_day(after, after + length))
    assert calendar.next_deadline(after) == calendar.next_deadline_by_day(after)


@given(st.sampled_from(ZONES), st.integers(EPOCH_SECONDS, EPOCH_SECONDS + 20_000 * DAY))
@settings(deadline=None)
def test_the_local_day_of_a_second(tz: str, at: int) -> None:
    assert local_day(tz, at) == local_time(tz, at).toordinal() - local_time("UTC", EPOCH_SECONDS).toordinal()


def entries(agenda: Agenda) -> set[tuple[int, int]]:
    found, at = set(), 0
    while times := agenda._times:
        at = times[0]
        found |= {(at, subject) for subject in agenda.pop(at)}
    return found


def index(lane: LaneState) -> dict[str, Any]:
    return {"deadlines": {name: entries(agenda) for name, agenda in lane._deadlines.items()},
            "moments": {name: entries(agenda) for name, agenda in lane.moments._due.items()},
            "timers": entries(lane._timers),
            "population": {name: count for name, count in lane._population.items() if count},
            "waiting": lane._waiting, "gateways": set(lane.times.gateways)}


def restored(packed: dict[int, bytes], times: bytes) -> LaneState:
    lane = LaneState(0)
    lane.restore(b"\x00lane", times)
    lane.ready()
    for subject, value in packed.items():
        lane.restore(b"%d" % subject, value)
    return lane


def variations(people: Iterable[Person]) -> list[Person]:
    """The same people, in all the ways that a lane's index must tell apart."""
    found = []
    for number, person in enumerate(people):
        varied = copy(person)
        match number % 9:
            case 1:
                varied.profile = replace(varied.profile, retired=True)
            case 2:
                varied.former_time = nation.BEFORE
            case 3:
                varied.kept_spans = {Half(4).window: Span(Half(4).opens, Half(4).deadline + 60)}
            case 4:
                varied.judged_from = None
            case 5:
                varied.profile = replace(varied.profile, gateway="never-ticked")
            case 6:
                varied.profile = replace(varied.profile, gateway="of-the-retired", retired=True)
            case 7:
                varied.profile = replace(
                    varied.profile, schedule=replace(varied.profile.schedule, since=Half(3).opens + 60))
            case 8:
                varied.profile = replace(varied.profile, ask_min=(5, 15))
        found.append(varied)
    return found


def test_the_index_of_a_lane_that_was_read_back_is_complete() -> None:
    fold = Fold(KeyRing(nation.KEKS))
    lane = lived(range(1, 81), 3, fold)
    for record in [Record("sms", 0, 0, b"%d" % subject, value)
                   for subject, value in nation.reports(range(1, 81), Half(3))]:
        fold(lane, record)
    for tick in nation.ticks(Half(3).deadline):
        fold(lane, Record("sms", 0, 0, None, tick))
    times = dict(lane.take_touched())[b"\x00lane"]
    assert times is not None
    people = variations(lane.somebody(subject) for subject in range(1, 81))
    assert any(person.alerts for person in people)
    packed = {person.subject: codec.pack_person(person) for person in people}

    by_glance, by_person = restored(packed, times), restored(packed, times)
    by_glance.ready()
    for person in people:
        by_person._count(person, +1)
        by_person.enter_timer(person)
        by_person.schedule(person)
    assert index(by_glance) == index(by_person)


@pytest.mark.parametrize("size", [7, 50, 1_000_000])
def test_a_deadline_of_many_people_is_folded_in_slices(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """The outputs do not depend on the slices, and other lanes wait for one slice at most."""
    fold, people, half = Fold(KeyRing(nation.KEKS)), range(1, 401), Half(2)
    lane = lived(people, 2, fold)
    for subject, value in nation.reports(people, half):
        fold(lane, Record("sms", 0, 0, b"%d" % subject, value))
    monkeypatch.setattr(ticks, "PEOPLE_A_SLICE", size)
    slices = [list(fold.fold(lane, [Record("sms", 0, 0, None, tick)])) for tick in nation.ticks(half.deadline)]
    assert all(len(some) >= len(people) // len(slices) // size for some in slices)
    assert {subject: result_at(lane.somebody(subject).results, half.window) for subject in people} == {
        subject: nation.result(subject) for subject in people}
    said = [orjson.loads(output.value or b"") for some in slices for outputs in some for output in outputs
            if output.topic == "alerts"]
    opened = [event["data"]["alert"] for event in said if event["data"]["change"] == "opened"]
    kinds = {"silent": "no_report", "not_awake": "not_awake"}  # both are news at the deadline alone (rule 8)
    assert opened == [f"{subject}:{kinds[nation.result(subject)]}:{Window(half.window)!s}"
                      for subject in sorted(people, key=lambda one: (nation.gateway(one), one))
                      if nation.result(subject) in kinds]


def test_a_view_of_a_person_during_the_reading_of_a_lane_changes_nothing() -> None:
    lane = lived(range(1, 3), 2, Fold(KeyRing(nation.KEKS)))
    newer = lane.somebody(1)
    older = replace(newer, results=Results())
    back = LaneState(0)
    back.restore(b"1", codec.pack_person(older))
    assert back.view(1) is not None
    back.restore(b"1", codec.pack_person(newer))
    back.ready()
    assert back.somebody(1) == newer


def test_the_slices_of_a_batch_have_the_outputs_of_its_records() -> None:
    """Other lanes have a turn between two slices, because a batch may have thousands of records."""
    fold, people, half = Fold(KeyRing(nation.KEKS)), range(1, 201), Half(0)
    batch = [Record("sms", 0, number, b"%d" % subject, value)
             for number, (subject, value) in enumerate(nation.reports(people, half))]
    slices = list(fold.fold(lived(people, 0, fold), batch))
    assert len(slices) > len(batch) // OUTPUTS_A_SLICE
    assert all(len(some) < OUTPUTS_A_SLICE + 10 for some in slices)
    one_by_one = lived(people, 0, fold)
    assert [output for some in slices for output in some] == [
        output for record in batch for output in fold(one_by_one, record)]
