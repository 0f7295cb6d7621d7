"""The results of a person's windows, as octets: `revision << 3 | code` for each window, 0 where there is no result.

The code is the rank of rule 4: 0 is the best result, `awake`. The revision is that of the window's check-in, 1 or more.
`excused` has two codes, which remember what it replaced (rule 7).
A person has some twenty windows, and most reports confirm all of them: one comparison of octets shows it. Two kinds of
windows are kept by number: those far away, which a gateway with a clock that is decades ahead makes, so a state does
not grow with the gap; and those with more revisions than an octet holds, since an excuse may come and go.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from models.contract.effects import Result
from models.judgement.person import Results

_EXCUSED_NOT_AWAKE: Final = len(Result)  # the code of `excused` that replaced `not_awake`
_RESULTS: Final[tuple[Result, ...]] = (*Result, Result.EXCUSED)
RANKS: Final = {result: rank for rank, result in enumerate(Result)}
_FINE: Final = RANKS[Result.OUT]  # with this rank or a better one the person was up
_LARGEST: Final = 255
WINDOWS: Final = 64  # the most octets in a row: a month; the rules keep nine days
REPORTED: Final = (None, Result.AWAKE, Result.NOT_AWAKE, Result.OUT)  # by the code of a report's `previous`
_CODES: Final = {RANKS[result]: code for code, result in enumerate(REPORTED) if result is not None}
_TO_CODES: Final = bytes(_CODES.get(octet & 7, 0) if octet else 0 for octet in range(256))


def octet_of(result: Result, revision: int, replaced: Result | None = None) -> int:
    """replaced: what `excused` replaces; None: nothing, or `silent`."""
    remembers = result is Result.EXCUSED and replaced is Result.NOT_AWAKE
    return revision << 3 | (_EXCUSED_NOT_AWAKE if remembers else RANKS[result])


def result_of(octet: int) -> Result:
    """The result that an octet says; the octet is not 0."""
    return _RESULTS[octet & 7]


def replaced_by_excuse(octet: int) -> Result | None:
    """What `excused` replaced (rule 7); None: the octet says another result."""
    if result_of(octet) is not Result.EXCUSED:
        return None
    return Result.NOT_AWAKE if octet & 7 == _EXCUSED_NOT_AWAKE else Result.SILENT


def is_fine(octet: int) -> bool:
    """Whether an octet that is not 0 says awake or out."""
    return octet & 7 <= _FINE


def octet_at(results: Results, window: int) -> int:
    """The octet of a window, 0 where there is no result."""
    place, octets = window - results.first, results.octets
    octet = octets[place] if 0 <= place < len(octets) else 0
    return octet or results.far.get(window, 0)


def result_at(results: Results, window: int) -> Result | None:
    octet = octet_at(results, window)
    return result_of(octet) if octet else None


def with_octet(results: Results, window: int, octet: int) -> Results:
    """The same results with another octet for one window."""
    octets, place = results.octets, window - results.first
    if 0 <= place < WINDOWS and octets and octet <= _LARGEST and window not in results.far:
        return Results(results.first, octets[:place].ljust(place, b"\0") + bytes((octet,)) + octets[place + 1:],
                       results.far)
    return _results({**dict(windows_of(results)), window: octet})


def _results(octets: Mapping[int, int]) -> Results:
    """Results from octets by window, in the one form in which results are stored."""
    if not octets:
        return Results()
    first = min(octets)
    near = {window: octet for window, octet in octets.items() if window - first < WINDOWS and octet <= _LARGEST}
    far = {window: octets[window] for window in sorted(octets.keys() - near.keys())}
    if not near:
        return Results(0, b"", far)
    first = min(near)
    return Results(first, bytes(near.get(window, 0) for window in range(first, max(near) + 1)), far)


def since(results: Results, first: int) -> Results:
    """The same results without the windows before `first`."""
    if results.far:
        return _results({window: octet for window, octet in windows_of(results) if window >= first})
    place = first - results.first
    if place <= 0 or not results.octets:
        return results
    kept = results.octets[place:].lstrip(b"\0")
    return Results(results.first + len(results.octets) - len(kept), kept) if kept else Results()


def windows_of(results: Results) -> Iterator[tuple[int, int]]:
    """(window, octet) of the windows that have a result, in order."""
    near = ((window, octet) for window, octet in enumerate(results.octets, results.first) if octet)
    return iter(sorted(chain(near, results.far.items()))) if results.far else near


def as_reported(results: Results, base: int, count: int) -> bytes:
    """The `previous` of a device that knows the same results: a code for each of `count` windows before `base`, newest
    first."""
    end = base - results.first
    if results.far:
        octets = (octet_at(results, window) for window in range(base - 1, base - 1 - count, -1))
        return bytes(_TO_CODES[8 | octet & 7] if octet else 0 for octet in octets)
    if end <= 0:
        return bytes(count)
    known = results.octets[max(0, end - count):end]
    later = bytes(min(end, count) - len(known))  # windows after the last one that has a result
    return (later + known[::-1].translate(_TO_CODES)).ljust(count, b"\0")
