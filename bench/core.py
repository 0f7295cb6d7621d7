"""`anbu bench core`: the cost of one report in the pure core, and the size of one person's state; no broker, no files.

The costs are compared with the one part that no program could leave out: AES-CCM of the frame.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from bench import nation
from bench.figures import Figure, ProgressLine, WrongResultError, checked
from bench.nation import EPOCH, Half
from models.contract.effects import CheckedIn, Effect, Result
from models.contract.inputs import Record, Sms
from models.contract.outputs import encode
from models.contract.records import read_sms
from models.judgement import codec
from models.judgement.events import Arrived
from models.judgement.fold import Fold
from models.judgement.lane import LANE_KEY, LaneState
from models.judgement.person import Person
from models.judgement.receive import receive
from models.judgement.step import step
from models.report import Header, Received
from models.wire.frame import find_frame, open_frame, read_header
from models.wire.keys import KeyRing

BATCH: Final = 500
# The aims are ratios of one run, which a busy machine disturbs least, with some room above the measured values.
FOLD_AT_MOST, DEADLINE_AT_MOST, OCTETS_AT_MOST = 20, 0.5, 400
NAME: Final = "core"


class Sample(NamedTuple):
    """One report of the last window, taken apart.

    person: the person before the report.
    packed: the person's packed state before the report.
    """

    record: Record
    sms: Sms
    header: Header
    frame: bytes
    person: Person
    packed: bytes
    received: Received


def core(people: int = 2000, windows: int = 20, runs: int = 5) -> list[Figure]:
    """Live through windows, then take one report of each person apart. Raises WrongResultError."""
    keys = KeyRing(nation.KEKS)
    lane = lived(range(1, people + 1), windows, Fold(keys))
    samples = [_sample(lane, record, keys) for record in _records(range(1, people + 1), Half(windows))]
    gateways = codec.pack_times(lane.times.values())
    octets = statistics.mean(len(codec.pack_person(sample.person)) for sample in samples)
    ciphers = [nation.cipher(sample.header.subject) for sample in samples]

    def fold_all() -> None:
        fresh, fold = LaneState(0), Fold(keys)
        fresh.restore(LANE_KEY, gateways)
        for sample in samples:
            fresh.restore(b"%d" % sample.header.subject, sample.packed)
        began = time.perf_counter()
        fresh.ready()
        indexed.append(time.perf_counter() - began)
        began = time.perf_counter()
        for first in range(0, len(samples), BATCH):
            for _ in fold.fold(fresh, [sample.record for sample in samples[first:first + BATCH]]):
                pass
            fresh.take_touched()
        folds.append(time.perf_counter() - began)
        began = time.perf_counter()
        for tick in nation.ticks(Half(windows).deadline):
            checked(not fold(fresh, Record("sms", 0, 0, None, tick)), "a person who was awake has an alert")
        deadlines.append(time.perf_counter() - began)

    def answered(sample: Sample) -> list[Effect]:
        return step(sample.person, _arrived(sample))[1]

    effects = [(answered(sample), sample) for sample in samples]
    checked(all(any(isinstance(effect, CheckedIn) and effect.result is Result.AWAKE for effect in came)
                for came, _ in effects),
            "a person who was awake was not judged so")
    folds: list[float] = []
    indexed: list[float] = []
    deadlines: list[float] = []
    times: dict[str, list[float]] = {}
    for _ in range(runs):  # in turns, so that a busy moment affects all parts alike
        for name, work in _parts(samples, ciphers, effects, keys).items():
            times.setdefault(name, []).append(_timed(work))
        fold_all()
    micro = {name: min(all_) / len(samples) * 1e6 for name, all_ in {
        **times, "fold": folds, "deadline": deadlines, "index": indexed}.items()}
    both = micro["receive"] + micro["step"]
    return [*(Figure(NAME, f"{name}_us", value) for name, value in micro.items()),
            Figure(NAME, "receive_and_step_to_aes_ccm", both / micro["aes_ccm"]),
            Figure(NAME, "fold_to_receive_and_step", micro["fold"] / both),
            Figure(NAME, "fold_to_aes_ccm", micro["fold"] / micro["aes_ccm"], FOLD_AT_MOST, at_most=True),
            Figure(NAME, "deadline_to_fold", micro["deadline"] / micro["fold"], DEADLINE_AT_MOST, at_most=True),
            Figure(NAME, "octets_a_person", octets, OCTETS_AT_MOST, at_most=True)]


def _parts(samples: list[Sample], ciphers: list[Any], effects: list[tuple[list[Effect], Sample]],
           keys: KeyRing) -> dict[str, Callable[[], object]]:
    """The parts of the work, by name.

    aes_ccm: opens the frame.
    receive: from the record's octets to the report.
    step: judges the report.
    encode: encodes the outputs.
    pack, unpack: the state to octets, and back.

    `core` measures three more: `fold` (all of these, on packed people), `deadline` (a tick at which a window of all
    people is due, for each person) and `index` (the work of a lane for each person once the lane is read back).
    """
    return {
        "aes_ccm": lambda: [open_frame(cipher, sample.header, sample.frame, EPOCH)
                            for cipher, sample in zip(ciphers, samples, strict=True)],
        "receive": lambda: [_received(sample.record, sample.person, keys) for sample in samples],
        "step": lambda: [step(sample.person, _arrived(sample)) for sample in samples],
        "encode": lambda: [encode(effect, sample.record, None) for came, sample in effects for effect in came],
        "pack": lambda: [codec.pack_person(sample.person) for sample in samples],
        "unpack": lambda: [codec.unpack_person(sample.packed, sample.header.subject) for sample in samples],
    }


def lived(people: range, windows: int, fold: Fold) -> LaneState:
    """A lane of people who have reported in a number of windows, as it is after the deadline of the last window."""
    lane, progress = LaneState(0), ProgressLine("living through windows", len(people) * windows)
    records = [Record("sms", 0, 0, None, tick) for tick in nation.ticks(nation.BEFORE)]
    records += [Record("registry", 0, 0, b"%d" % subject, nation.registry(subject)) for subject in people]
    _fold_all(fold, lane, records)
    for number in range(windows):
        half = Half(number)
        _fold_all(fold, lane, _records(people, half))
        _fold_all(fold, lane, [Record("sms", 0, 0, None, tick) for tick in nation.ticks(half.deadline)])
        progress.add(len(people))
    return lane


def _fold_all(fold: Fold, lane: LaneState, records: list[Record]) -> None:
    for record in records:
        for output in fold(lane, record):
            checked(output.topic != "quarantine", f"refused: {output.value!r}")
    lane.take_touched()


def _records(people: range, half: Half) -> list[Record]:
    return [Record("sms", 0, 0, b"%d" % subject, value)
            for subject, value in nation.reports(people, half, all_awake=True)]


def _taken_apart(record: Record) -> tuple[Sms, bytes]:
    sms = read_sms(record.value or b"")
    assert isinstance(sms, Sms)  # noqa: S101 - the nation's records are SMS
    frame = find_frame(sms.text, sms.binary)
    assert isinstance(frame, bytes)  # noqa: S101 - and have a frame each
    return sms, frame


def _received(record: Record, person: Person, keys: KeyRing) -> Received:
    _, frame = _taken_apart(record)
    received = receive(read_header(frame), frame, person, keys)
    if not isinstance(received, Received):
        raise WrongResultError(f"refused: {received}")
    return received


def _sample(lane: LaneState, record: Record, keys: KeyRing) -> Sample:
    sms, frame = _taken_apart(record)
    header = read_header(frame)
    person = lane.somebody(header.subject)
    return Sample(record, sms, header, frame, person, codec.pack_person(person), _received(record, person, keys))


def _arrived(sample: Sample) -> Arrived:
    return Arrived(sample.received, sample.sms.received_at, sample.sms.id, sample.sms.gateway, sample.sms.received_at)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
