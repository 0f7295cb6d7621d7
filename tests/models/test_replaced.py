"""A person's parts are replaced, never changed in place: whoever holds the person from before a step still has it.

A step is handed a twin whose mappings cannot be changed, and the octets of the twin are compared before and after.
"""

from collections import Counter
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import orjson
import pytest
from msgspec.structs import replace
from naive.days import made_up
from naive.devices import KEKS
from support.story import STORIES, Stage, read_story

from cli.replay import read_records
from models.contract.effects import Effect
from models.judgement.codec import pack_person
from models.judgement.events import Event
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.judgement.person import Person, Slot
from models.judgement.step import step
from models.wire.keys import KeyRing

SEEDS, EVENTS = range(4), 200
K = TypeVar("K")
V = TypeVar("V")


def _frozen(mapping: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType(dict(mapping))


def _plain(mapping: Mapping[K, V]) -> Mapping[K, V]:
    return dict(mapping)


def twin(person: Person) -> Person:
    """A copy of the person whose mappings raise an error if they are changed."""
    made = copy(person)
    made.profile = replace(person.profile, attributes=_frozen(person.profile.attributes))
    made.kept_spans, made.alerts = _frozen(person.kept_spans), _frozen(person.alerts)
    made.slots = _frozen({number: replace(slot, replay=_frozen(slot.replay)) for number, slot in person.slots.items()})
    return made


def thawed(person: Person) -> Person:
    """The same person with plain mappings, as msgspec writes them."""
    made = copy(person)
    made.profile = replace(person.profile, attributes=_plain(person.profile.attributes))
    made.kept_spans, made.alerts = _plain(person.kept_spans), _plain(person.alerts)
    made.slots = {number: replace(slot, replay=_plain(slot.replay)) for number, slot in person.slots.items()}
    return made


class Watched:
    """A step that is handed a twin and must leave it as it was. steps: of persons that were there before, by event."""

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()

    def __call__(self, state: Person | None, event: Event) -> tuple[Person, list[Effect]]:
        if state is None:
            return step(None, event)
        self.steps[type(event).__name__] += 1
        handed = twin(state)
        before = pack_person(thawed(handed))
        assert before == pack_person(state), "the twin says the same"
        after, effects = step(handed, event)
        assert pack_person(thawed(handed)) == before, f"{event} changed what it was handed"
        assert after is not handed
        made = thawed(after)
        if after.profile is handed.profile:  # a lane counts its people anew where the profile is another one
            made.profile = state.profile
        return made, effects


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    made = Watched()
    monkeypatch.setattr("models.judgement.fold.step", made)
    monkeypatch.setattr("models.judgement.ticks.step", made)
    return made


def test_a_frozen_copy_of_a_person_cannot_be_changed() -> None:
    stage = Stage()
    for event in ('registry 7 {"attributes": {"7": {"name": "co2"}}}', "24 05:00 tick", "24 06:05 tick",
                  "24 06:10 report 7 sos", 'registry 7 {"grace_min": 45}'):
        stage.play(event)
    made = twin(stage.lane.somebody(7))
    assert made == stage.lane.somebody(7)
    mappings: list[Mapping[int, object] | Mapping[str, object]] = [
        made.profile.attributes, made.kept_spans, made.alerts, made.slots, made.slots[0].replay]
    assert all(isinstance(mapping, MappingProxyType) and mapping for mapping in mappings)
    with pytest.raises(TypeError, match="does not support item assignment"):
        made.slots[1] = Slot()  # type: ignore[index]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_no_event_of_a_story_changes_the_state_before_it(path: Path, watched: Watched) -> None:
    stage = Stage()
    for told in read_story(path):
        assert sorted(stage.play(told.text)) == sorted(told.expected), f"{path.name}, line {told.line}: {told.text}"
    assert watched.steps


@pytest.mark.parametrize("seed", SEEDS)
def test_no_event_of_a_generated_day_changes_the_state_before_it(seed: int, watched: Watched) -> None:
    fold, lane = Fold(KeyRing(KEKS)), LaneState(0)
    for record in read_records(map(orjson.dumps, made_up(seed, EVENTS)), f"day {seed}", Counter()):
        fold(lane, record)
    assert set(watched.steps) >= {"Arrived", "Commanded", "Ticked"}
