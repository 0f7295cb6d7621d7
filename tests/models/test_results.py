"""Results and replay windows are kept as octets; they must answer as a dict and a set would."""

from hypothesis import example, given
from hypothesis import strategies as st

from models.contract.effects import Result
from models.judgement.person import ReplayWindow, Results, Slot
from models.judgement.replay import COUNTERS, accepted, has_seen, is_below
from models.judgement.results import (
    as_reported,
    is_fine,
    octet_at,
    octet_of,
    result_at,
    result_of,
    since,
    windows_of,
    with_octet,
)

# Results, against {window: (result, revision)}

Naive = dict[int, tuple[Result, int]]
Writes = list[tuple[int, Result, int]]
WINDOWS = st.integers(-30, 30) | st.sampled_from([-900, -31, 31, 5_038, 65_534])
WRITES: st.SearchStrategy[Writes] = st.lists(
    st.tuples(WINDOWS, st.sampled_from(Result), st.integers(1, 5) | st.sampled_from([31, 32, 90])), max_size=12)
CODES = {Result.AWAKE: 1, Result.NOT_AWAKE: 2, Result.OUT: 3}  # of `previous` in a report


def kept(writes: Writes) -> tuple[Results, Naive]:
    """Results, written one after the other, and what a dict would say."""
    results, naive = Results(), Naive()
    for window, result, revision in writes:
        results = with_octet(results, window, octet_of(result, revision))
        naive[window] = result, revision
    return results, naive


def read(results: Results) -> Naive:
    return {window: (result_of(octet), octet >> 3) for window, octet in windows_of(results)}


def canonical(naive: Naive) -> Results:
    """The one way in which some results are stored."""
    if not naive:
        return Results()
    octets = {window: octet_of(*naive[window]) for window in sorted(naive)}
    near = {window: octet for window, octet in octets.items() if window < min(naive) + 64 and octet < 256}
    far = {window: octet for window, octet in octets.items() if window not in near}
    if not near:
        return Results(0, b"", far)
    return Results(min(near), bytes(near.get(window, 0) for window in range(min(near), max(near) + 1)), far)


def test_an_octet_holds_a_result_and_a_revision() -> None:
    octets = {octet_of(result, revision): (result, revision) for result in Result for revision in range(1, 6)}
    assert len(octets) == 25
    assert all(0 < octet < 64 for octet in octets)
    assert all(result_of(octet) is result for octet, (result, _) in octets.items())
    assert {result for octet, (result, _) in octets.items() if is_fine(octet)} == {Result.AWAKE, Result.OUT}


@given(WRITES)
@example([(5, Result.AWAKE, 1), (3, Result.SILENT, 2)])  # before the first, with a gap
@example([(5, Result.AWAKE, 1), (4, Result.SILENT, 2)])  # before the first, without
@example([(5, Result.AWAKE, 1), (9, Result.SILENT, 2), (7, Result.OUT, 3)])  # after the last, and into the gap
def test_written_results_are_read_back(writes: Writes) -> None:
    results, naive = kept(writes)
    assert read(results) == naive
    assert [window for window, _ in windows_of(results)] == sorted(naive)


@given(WRITES)
def test_the_order_of_results_does_not_change_their_octets(writes: Writes) -> None:
    results, naive = kept(writes)
    assert results == canonical(naive)
    assert results == kept([(window, *said) for window, said in sorted(naive.items(), reverse=True)])[0]


@given(WRITES, WINDOWS)
@example([(5, Result.AWAKE, 1), (6, Result.SILENT, 1)], 4)
@example([(5, Result.AWAKE, 1), (6, Result.SILENT, 1)], 7)
def test_a_window_without_a_result_has_the_octet_0(writes: Writes, window: int) -> None:
    results, naive = kept(writes)
    said = naive.get(window)
    assert octet_at(results, window) == (0 if said is None else octet_of(*said))
    assert result_at(results, window) is (None if said is None else said[0])


@given(WRITES, WINDOWS)
@example([(5, Result.AWAKE, 1), (8, Result.SILENT, 1)], 6)  # into a gap: what is before the next result goes too
@example([(5, Result.AWAKE, 1), (6, Result.SILENT, 1), (7, Result.OUT, 1)], 6)
@example([(5, Result.AWAKE, 1)], 5)
@example([(5, Result.AWAKE, 1)], 6)
def test_only_earlier_windows_are_dropped(writes: Writes, first: int) -> None:
    results, naive = kept(writes)
    left = {window: said for window, said in naive.items() if window >= first}
    assert since(results, first) == canonical(left)


@given(WRITES, WINDOWS, WINDOWS, st.sampled_from(Result))
def test_a_dropped_window_can_be_written_again(writes: Writes, first: int, window: int, result: Result) -> None:
    results, naive = kept(writes)
    left = {known: said for known, said in naive.items() if known >= first} | {window: (result, 1)}
    assert with_octet(since(results, first), window, octet_of(result, 1)) == canonical(left)


@given(WRITES, WINDOWS, st.integers(0, 16) | st.just(90))
@example([], 7, 16)
@example([(5, Result.AWAKE, 1), (7, Result.OUT, 2)], 5, 16)  # all windows before are earlier than any result
@example([(5, Result.AWAKE, 1), (7, Result.OUT, 2)], 8, 16)
@example([(5, Result.AWAKE, 1), (7, Result.OUT, 2)], 8, 2)
@example([(5, Result.AWAKE, 1), (7, Result.OUT, 2)], 40, 16)  # all windows before are later than any result
@example([(5, Result.AWAKE, 1), (7, Result.OUT, 2)], 12, 16)
def test_results_are_given_in_the_codes_of_a_device(writes: Writes, base: int, count: int) -> None:
    results, naive = kept(writes)
    codes = []
    for window in range(base - 1, base - 1 - count, -1):
        said = naive.get(window)
        codes.append(0 if said is None else CODES.get(said[0], 0))
    assert as_reported(results, base, count) == bytes(codes)


# Replay windows, against a set of the counters that were seen

COUNTER_LISTS = st.lists(
    st.integers(0, 40) | st.integers(240, 300) | st.integers(500, 530) | st.sampled_from([2**32 - 300, 2**32 - 1]),
    max_size=40)


@given(COUNTER_LISTS)
@example([300, 44, 45])  # 255 below the highest is known, 256 is not
@example([0, 255, 256, 0])
@example([1, 300, 1, 2])
def test_each_counter_is_accepted_once(counters: list[int]) -> None:
    """Receiving rules 2 and 3."""
    slot, seen = Slot(), set[int]()
    for counter in counters:
        window = slot.replay.get(1)
        if window is not None:
            assert is_below(window, counter) == (counter <= max(seen) - COUNTERS)
            if is_below(window, counter):
                continue
            assert has_seen(window, counter) == (counter in seen)
        slot = accepted(slot, 1, counter)
        seen.add(counter)
        assert slot.replay[1] == _canonical(seen)


def _canonical(seen: set[int]) -> ReplayWindow:
    """The one way in which some counters are stored: without leading zero octets."""
    highest = max(seen)
    number = sum(1 << highest - counter for counter in seen if highest - counter < COUNTERS)
    return ReplayWindow(highest, number.to_bytes(32).lstrip(b"\0"))


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 300)), max_size=20))
def test_each_epoch_of_a_slot_has_its_own_replay_window(reports: list[tuple[int, int]]) -> None:
    whole, alone = Slot({}, (1, 7), weak=True), {epoch: Slot() for epoch in (1, 2, 3)}
    for epoch, counter in reports:
        known = whole.replay.get(epoch)
        if known is not None and is_below(known, counter):
            continue
        before, others = whole.replay, dict(whole.replay)
        whole, alone[epoch] = accepted(whole, epoch, counter), accepted(alone[epoch], epoch, counter)
        assert before == others, "the slot from before is as it was"
    assert whole.replay == {epoch: window for slot in alone.values() for epoch, window in slot.replay.items()}
    assert (whole.judged_report, whole.weak) == ((1, 7), True)


def test_a_window_decades_away_does_not_make_a_state_grow() -> None:
    """The clock of a gateway may be wrong by decades, so windows may be as far away."""
    near, far = 5000, 5000 + 130_000
    both = with_octet(with_octet(Results(), near, 8), far, 9)
    assert len(both.octets) == 1
    assert [*windows_of(both)] == [(near, 8), (far, 9)]
    assert (octet_at(both, far), octet_at(both, far - 1)) == (9, 0)
    assert with_octet(with_octet(Results(), far, 9), near, 8) == both
    assert as_reported(both, far + 1, 3) == as_reported(with_octet(Results(), far, 9), far + 1, 3)
    assert [*windows_of(with_octet(both, near + 1, 8))] == [(near, 8), (near + 1, 8), (far, 9)]
    assert since(both, near + 1) == with_octet(Results(), far, 9)
