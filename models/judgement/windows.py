"""A window has an opening and a deadline in the subject's own zone; this module turns local times into instants.

A window is an int, as on the wire: days since 2020-01-01 × 2 + (0 morning, 1 afternoon), so windows are ordered.
A local time that does not exist (spring) moves forward by the gap. A local time that comes twice (autumn) means the
first. `zoneinfo` does both with fold=0 (PEP 495).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from models.base import Value
from models.profile import Schedule, Span
from models.times import DAY, EPOCH_ORDINAL
from models.window import AFTERNOON, MORNING, Window, windows_of_days
from models.zones import local_day, zone


@lru_cache(maxsize=65_536)
def _instant(tz: str, day: int, minute: int) -> int:
    midnight = datetime.fromordinal(EPOCH_ORDINAL + day)
    return int((midnight + timedelta(minutes=minute)).replace(tzinfo=zone(tz)).timestamp())


@lru_cache(maxsize=65_536)
def scheduled(schedule: Schedule, window: int) -> Span | None:
    """The span of a window under a schedule; None: the schedule has no such half of the day."""
    daily = schedule.morning if Window(window).half == MORNING else schedule.afternoon
    if daily is None:
        return None
    day = Window(window).day
    opened, close = _instant(schedule.tz, day, daily.open), _instant(schedule.tz, day, daily.close)
    # A window in the hour that a day in spring lacks would close before it opens. No window is judged before it opens.
    return Span(opened, max(opened, close + schedule.grace_min * 60), close)


def _settled(schedule: Schedule, judged_from: int, after: int) -> tuple[Schedule, int]:
    """Schedule and start of a person, made the same for all people of these hours whose start is long past.

    A window is open for a day at most. Its deadline is at most a day of grace later. No clock is put forward by more
    than a day. So a start and a `since` that are both more than four days before `after` do not change the deadlines
    that follow `after`.
    """
    if max(judged_from, schedule.since) < after - 4 * DAY:
        return replace(schedule, since=0), 0
    return schedule, judged_from


@lru_cache(maxsize=4096)
def _next_scheduled(schedule: Schedule, judged_from: int, after: int) -> int | None:
    return Calendar(schedule, {}, judged_from).next_deadline_by_day(after)


@lru_cache(maxsize=4096)
def _due_scheduled(schedule: Schedule, judged_from: int, after: int, until: int) -> tuple[tuple[int, int, int], ...]:
    return tuple(Calendar(schedule, {}, judged_from).due_by_day(after, until))


class WindowToAsk(NamedTuple):
    """A window to be judged, and its moments (rule 26). Times are epoch seconds."""

    window: int
    deadline: int
    moments: tuple[int, ...]


@lru_cache(maxsize=4096)
def _to_ask_scheduled(schedule: Schedule, judged_from: int, ask_min: tuple[int, ...],
                      at: int) -> tuple[WindowToAsk, ...]:
    return Calendar(schedule, {}, judged_from).to_ask_by_window(ask_min, at)


def moments_of(span: Span, grace_min: int, ask_min: tuple[int, ...]) -> tuple[int, ...]:
    """The moments to ask about a window (rule 26), all before its deadline; epoch seconds, in order.

    grace_min: gives the close of a span from an old state, which does not keep it.
    """
    close = span.deadline - grace_min * 60 if span.close is None else span.close
    return tuple(close + minutes * 60 for minutes in ask_min if close + minutes * 60 < span.deadline)


class Calendar(Value, frozen=True):
    """The windows of one person.

    schedule: the schedule in force.
    kept_spans: the spans that windows keep from a former record (rule 2).
    judged_from: epoch seconds; windows of the schedule that open later are judged, earlier windows only if `kept_spans`
    has them. None: the gateway has no time yet.
    """

    schedule: Schedule
    kept_spans: Mapping[int, Span]
    judged_from: int | None

    def span(self, window: int) -> Span | None:
        """The span of a window; None: the person has no such window."""
        return self.kept_spans.get(window) or scheduled(self.schedule, window)

    def counting(self, window: int) -> Span | None:
        """The span of a window that a report may count for: it opens at or after `since`, or is kept (rule 3)."""
        span = self.span(window)
        return span if span is not None and (window in self.kept_spans or span.open >= self.schedule.since) else None

    def _from(self, at: int) -> int:
        """The earliest date whose windows may still have their deadline after `at`."""
        return local_day(self.schedule.tz, at - self.schedule.grace_min * 60) - 1

    def judged_span(self, window: int) -> Span | None:
        """The span of a window that is to be judged (rule 2), or None."""
        kept = self.kept_spans.get(window)
        if kept is not None:
            return kept
        span = scheduled(self.schedule, window)
        if span is None or self.judged_from is None or span.open <= self.judged_from or span.open < self.schedule.since:
            return None
        return span

    def due(self, after: int, until: int) -> Sequence[tuple[int, int, int]]:
        """(deadline, window, opening) of the windows to be judged with after < deadline <= until (rule 2)."""
        if self.kept_spans or self.judged_from is None:
            return list(self.due_by_day(after, until))
        return _due_scheduled(*_settled(self.schedule, self.judged_from, after), after, until)

    def due_by_day(self, after: int, until: int) -> Iterator[tuple[int, int, int]]:
        """`due`, computed window by window."""
        first, last = self._from(after), local_day(self.schedule.tz, until) + 1
        windows = set(windows_of_days(first, last)) | self.kept_spans.keys()
        for window in sorted(windows):
            span = self.judged_span(window)
            if span is not None and after < span.deadline <= until:
                yield span.deadline, window, span.open

    def next_deadline(self, after: int) -> int | None:
        """The first deadline later than `after`; None: no window will ever be due."""
        if self.kept_spans or self.judged_from is None:
            return self.next_deadline_by_day(after)
        return _next_scheduled(*_settled(self.schedule, self.judged_from, after), after)

    def next_deadline_by_day(self, after: int) -> int | None:
        """`next_deadline`, computed day by day."""
        kept = [span.deadline for span in self.kept_spans.values() if span.deadline > after]
        upcoming: int | None = min(kept, default=None)
        if self.judged_from is None or (self.schedule.morning is None and self.schedule.afternoon is None):
            return upcoming
        # The schedule has no windows that open before `judged_from` or before `since`.
        day = self._from(max(after, self.judged_from, self.schedule.since))
        while True:
            windows = windows_of_days(day, day + 1)
            spans = [self.judged_span(window) for window in windows if window not in self.kept_spans]
            deadlines = [span.deadline for span in spans if span is not None and span.deadline > after]
            if deadlines:
                return min([*deadlines, *kept])
            day += 1

    def to_ask(self, ask_min: tuple[int, ...], at: int) -> Sequence["WindowToAsk"]:
        """The windows still to be judged whose deadline is at most a day after the next deadline, with their moments.

        Windows without a moment (rule 26) are left out. A moment is at most a day before the deadline of its window. So
        no moment up to the next deadline is missing.

        ask_min: as in `Profile`.
        at: the time up to which the person is judged, epoch seconds; the next deadline is the first one after it.
        """
        if not ask_min:
            return ()
        if self.kept_spans or self.judged_from is None:
            return self.to_ask_by_window(ask_min, at)
        return _to_ask_scheduled(*_settled(self.schedule, self.judged_from, at), ask_min, at)

    def to_ask_by_window(self, ask_min: tuple[int, ...], at: int) -> tuple["WindowToAsk", ...]:
        """`to_ask`, computed window by window."""
        found, deadline = [], self.next_deadline(at)
        for due, window, _ in self.due(at, deadline + DAY) if deadline is not None else ():
            span = self.judged_span(window)
            moments = () if span is None else moments_of(span, self.schedule.grace_min, ask_min)
            if moments:
                found.append(WindowToAsk(window, due, moments))
        return tuple(found)

    def covering(self, at: int) -> list[int]:
        """The windows that a report may count for, with open <= at < deadline, earliest first (rule 3)."""
        windows = set(windows_of_days(self._from(at), local_day(self.schedule.tz, at))) | self.kept_spans.keys()
        spans = ((window, self.counting(window)) for window in sorted(windows))
        return [w for w, span in spans if span and span.open <= at < span.deadline]

    def latest_opened(self, at: int) -> int | None:
        """The latest window that had opened at an instant: the base of a report that names none (rule 3)."""
        latest = Window.of(local_day(self.schedule.tz, at) + 1, AFTERNOON)
        # If the present schedule has no windows any more, the kept windows decide.
        candidates: list[int] = [*range(latest, latest - 8, -1), *sorted(self.kept_spans, reverse=True)]
        for window in candidates:
            span = self.span(window)
            if span is not None and span.open <= at:
                return window
        return None
