"""Stories of judged days; each is a text in tests/stories that a caseworker could read."""

from pathlib import Path

import pytest
from support.story import STORIES, Stage, read_story

from models.judgement.lane import LaneState


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
