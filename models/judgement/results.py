"""The results of a person's windows, as octets: `revision << 3 | rank` for each window, 0 where there is no result.

The rank is that of rule 4: 0 is the best result, `awake`. The revision is that of the window's check-in, 1 or more. A
window has at most one revision for each better result: five, so each octet is below 64.
A person has some twenty windows, and most reports confirm all of them: one comparison of octets shows it. A gateway
with a clock that is decades ahead makes windows far away. They are kept by number, so a state does not grow with the
gap.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from models.contract.effects import Result
from models.judgement.person import Results

_RESULTS: Final = tuple(Result)
RANKS: Final = {result: rank for rank, result in enumerate(_RESULTS)}
_FINE: Final = RANKS[Result.OUT]  # with this rank or a better one the person was up
WINDOWS: Final = 64  # the most octets in a row: a month; the rules keep nine days
REPORTED: Final = (None, Result.AWAKE, Result.NOT_AWAKE, Result.OUT)  # by the code of a report's `previous`
_CODES: Final = {RANKS[result]: code for code, result in enumerate(REPORTED) if result is not None}
_TO_CODES: Final = bytes(_CODES.get(octet & 7, 0) if octet else 0 for octet in range(256))


def octet_of(result: Result, revision: int) -> int:
    return revision << 3 | RANKS[result]


def result_of(octet: int) -> Result:
    """The result that an octet says; the octet is not 0."""
    return _RESULTS[octet & 7]


def is_fine(octet: int) -> bool:
    """Whether an octet that is not 0 says awake or out."""
    return octet & 7 <= _FINE


def octet_at(results: Results, window: int) -> int:
    """The octet of a window, 0 where there is no result."""
    place, octets = window - results.first, results.octets
    return octets[place] if 0 <= place < len(octets) else results.far.get(window, 0)


def result_at(results: Results, window: int) -> Result | None:
    octet = octet_at(results, window)
    return result_of(octet) if octet else None


def with_octet(results: Results, window: int, octet: int) -> Results:
    """The same results with another octet for one window."""
    octets, place = results.octets, window - results.first
    if 0 <= place < WINDOWS and octets:
        return Results(results.first, octets[:place].ljust(place, b"\0") + bytes((octet,)) + octets[place + 1:],
                       results.far)
    return _results({**dict(windows_of(results)), window: octet})


def _results(octets: Mapping[int, int]) -> Results:
    """Results from octets by window, in the one form in which results are stored."""
    if not octets:
        return Results()
    first = min(octets)
    near = [window for window in octets if window - first < WINDOWS]
    return Results(first, bytes(octets.get(window, 0) for window in range(first, max(near) + 1)),
                   {window: octets[window] for window in sorted(octets) if window - first >= WINDOWS})


def since(results: Results, first: int) -> Results:
    """The same results without the windows before `first`."""
    place = first - results.first
    if place <= 0 or not results.octets:
        return results
    if results.far:
        return _results({window: octet for window, octet in windows_of(results) if window >= first})
    kept = results.octets[place:].lstrip(b"\0")
    return Results(results.first + len(results.octets) - len(kept), kept) if kept else Results()


def windows_of(results: Results) -> Iterator[tuple[int, int]]:
    """(window, octet) of the windows that have a result, in order."""
    near = ((window, octet) for window, octet in enumerate(results.octets, results.first) if octet)
    return chain(near, results.far.items()) if results.far else near


def as_reported(results: Results, base: int, count: int) -> bytes:
    """The `previous` of a device that knows the same results: a code for each of `count` windows before `base`, newest
    first."""
    end = base - results.first
    if results.far:
        return bytes(octet_at(results, window) for window in range(base - 1, base - 1 - count, -1)).translate(_TO_CODES)
    if end <= 0:
        return bytes(count)
    known = results.octets[max(0, end - count):end]
    later = bytes(min(end, count) - len(known))  # windows after the last one that has a result
    return (later + known[::-1].translate(_TO_CODES)).ljust(count, b"\0")
