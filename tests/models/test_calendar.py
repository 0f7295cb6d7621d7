"""Windows and deadlines at their edges: spring, autumn, a person without windows, a deadline on the next day."""

from datetime import UTC, date, datetime

from msgspec.structs import replace

from models.judgement.windows import Calendar, moments_of
from models.profile import DailyWindow, Schedule, Span

SEOUL = Schedule("Asia/Seoul", DailyWindow(360, 540), None, 30, 0)


def test_a_person_without_windows_is_never_due() -> None:
    empty = Calendar(replace(SEOUL, morning=None), {}, 0)
    assert empty.next_deadline(1_795_000_000) is None
    assert empty.latest_opened(1_795_000_000) is None
    assert Calendar(SEOUL, {}, None).next_deadline(1_795_000_000) is None


def test_a_missing_time_moves_forward_and_of_a_doubled_time_the_first_counts() -> None:
    """Rule 1."""
    berlin = Schedule("Europe/Berlin", DailyWindow(150, 240), None, 0, 0)  # 02:30 to 04:00
    calendar = Calendar(berlin, {}, 0)
    for day, opens in ((date(2027, 3, 28), datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),  # 02:30 does not exist: 03:30
                       (date(2027, 10, 31), datetime(2027, 10, 31, 0, 30, tzinfo=UTC))):  # 02:30 comes twice
        span = calendar.span((day - date(2020, 1, 1)).days * 2)
        assert span is not None
        assert datetime.fromtimestamp(span.open, UTC) == opens


def test_nobody_is_judged_before_the_window_has_opened() -> None:
    """Rules 1 and 2."""
    missing = Calendar(Schedule("Europe/Berlin", DailyWindow(150, 185), None, 0, 0), {}, 0)  # 02:30 to 03:05
    span = missing.span((date(2027, 3, 28) - date(2020, 1, 1)).days * 2)
    opens = int(datetime(2027, 3, 28, 1, 30, tzinfo=UTC).timestamp())
    assert span == Span(opens, opens, opens - 25 * 60), "it would close at 01:05 UTC"


def test_a_deadline_may_lie_on_the_next_day() -> None:
    late = Calendar(Schedule("Asia/Seoul", None, DailyWindow(1200, 1439), 1440, 0), {}, 0)
    at = 1_795_500_000
    due = late.next_deadline(at)
    assert due is not None
    assert [deadline for deadline, _, _ in late.due(at, due)] == [due]
    assert late.due(at, due - 1) is not None
    assert list(late.due(at, due - 1)) == []


def test_the_moments_of_a_window_are_before_its_deadline() -> None:
    """Rule 26; an old state keeps no close, and the grace gives it."""
    calendar = Calendar(SEOUL, {}, 0)
    span = calendar.span(5038)
    assert span is not None
    assert span.close is not None
    expected = (span.close, span.close + 29 * 60)
    assert moments_of(span, 30, (0, 29, 30)) == expected
    assert moments_of(replace(span, close=None), 30, (0, 29, 30)) == expected


def test_the_windows_to_ask_are_those_up_to_a_day_after_the_next_deadline() -> None:
    """Rule 26."""
    calendar = Calendar(SEOUL, {}, 0)
    span = calendar.span(5038)
    assert span is not None
    found = calendar.to_ask((0, 29, 30), span.deadline - 1)
    assert [window for window, _, _ in found] == [5038, 5040]
    assert found[0] == (5038, span.deadline, moments_of(span, 30, (0, 29)))
    assert list(calendar.to_ask((30,), span.deadline - 1)) == [], "no moment before the deadline"
    assert list(calendar.to_ask((), span.deadline - 1)) == []
    assert list(Calendar(SEOUL, {}, None).to_ask((0,), span.open)) == []
