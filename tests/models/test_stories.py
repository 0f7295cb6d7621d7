"""Stories of judged days; each is a text in tests/stories that a caseworker could read."""

from pathlib import Path
from typing import Any

import pytest
from naive.oracle import replay as replay_of_the_oracle
from support.compare import differences
from support.story import KEK, STORIES, Stage, read_story
from support.vectors import replay as replay_of_the_core

from models.contract.documents import Output
from models.judgement.lane import LaneState
from models.wire.keys import KeyRing


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_is_judged_as_written(path: Path) -> None:
    stage = Stage()
    for step in read_story(path):
        assert sorted(stage.play(step.text)) == sorted(step.expected), f"{path.name}, line {step.line}: {step.text}"


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_is_judged_as_written_with_a_restart_after_each_event(path: Path) -> None:
    """A lane that is read back from its changelog after each event judges the same."""
    stage = Stage()
    kept: dict[bytes, bytes] = {}
    for step in read_story(path):
        assert sorted(stage.play(step.text)) == sorted(step.expected), f"{path.name}, line {step.line}: {step.text}"
        for key, value in stage.lane.take_touched():
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value
        stage.lane = LaneState(0)
        for key, value in kept.items():
            stage.lane.restore(key, value)
        stage.lane.ready()


class Recorder(Stage):
    """Notes the records of a story as lines of `anbu replay`."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def deliver(self, topic: str, value: Any, key: bytes | None) -> list[Output]:
        self.lines.append({"topic": topic, "key": None if key is None else key.decode(), "value": value})
        return super().deliver(topic, value, key)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_naive_implementation_judges_a_story_as_the_core_does(path: Path) -> None:
    recorder = Recorder()
    for step in read_story(path):
        recorder.play(step.text)
    expected = replay_of_the_oracle(recorder.lines, {"k1": KEK})
    assert differences(expected, replay_of_the_core(recorder.lines, KeyRing({"k1": KEK}))) == []
