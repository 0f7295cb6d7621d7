"""A position with waiting input that does not advance stalls; no other position does."""

from streams.engine.watchdog import Stalls


def test_a_position_stalls_only_while_it_has_input() -> None:
    stalls = Stalls()
    assert stalls.look(0, {"sms": 5}) == {"sms": 0}
    assert stalls.look(50, {"sms": 5}) == {"sms": 50}
    assert stalls.look(60, {"sms": 6, "registry": 7}) == {"sms": 0, "registry": 0}, "a step is a new beginning"
    assert stalls.look(90, {"sms": 6}) == {"sms": 30}
    assert stalls.look(99, {}) == {}
    assert stalls.look(100, {"sms": 6}) == {"sms": 0}, "it was another's meanwhile"
