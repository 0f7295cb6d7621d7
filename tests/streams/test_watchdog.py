"""What has input and stands still is seen; what moves, or has nothing to read, is not."""

from faust.types import TP

from streams.engine.watchdog import Stalls

A, B = TP("sms", 0), TP("registry", 0)


def test_only_who_has_input_and_does_not_move_stalls() -> None:
    stalls = Stalls()
    assert stalls.look(0, {A: 5, B: 7}, {A: 9, B: 7}) == {A: 0}
    assert stalls.look(50, {A: 5, B: 7}, {A: 12, B: 7}) == {A: 50}
    assert stalls.look(60, {A: 6, B: 7}, {A: 12, B: 8}) == {A: 0, B: 0}, "a record further is a new beginning"
    assert stalls.look(90, {A: 6, B: 7}, {A: 12, B: None}) == {A: 30}, "what the end is nobody knows"
    assert stalls.look(99, {}, {}) == {}
    assert stalls.look(100, {A: 6}, {A: 12}) == {A: 0}, "it was another's meanwhile"
