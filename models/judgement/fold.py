"""One record in, its outputs out: the fold that `watch` and `anbu replay` share.

Each record gets one of these answers: its effects; no output (a duplicate, an old tick); the record is sent on to the
lane of its subject; a quarantine record with the reason. No record is lost, and no record raises an error.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from models.contract.command import parse_command
from models.contract.documents import Output
from models.contract.effects import Effect
from models.contract.inputs import InputRecord, Sms, Tick
from models.contract.outputs import encode, quarantined, short
from models.contract.records import parse_object, read_sms, read_time, subject_of_key
from models.contract.registry import parse_profile
from models.errors import ContractError, Rejected, RejectReason
from models.judgement.events import Arrived, Erased, Registered
from models.judgement.lane import LaneState
from models.judgement.receive import receive
from models.judgement.step import step
from models.judgement.ticks import tick
from models.wire.frame import find_frame, read_header
from models.wire.keys import KeyRing

CODE: Final = "2"  # goes up with each change after which the same records give other outputs
FORWARDED: Final = "anbu-forwarded"
OUTPUTS_A_SLICE: Final = 64  # outputs, or records without outputs


class _Misplaced(Exception):
    """A record of a subject whose lane is another partition."""

    def __init__(self, subject: int, partition: int) -> None:
        super().__init__(subject, partition)
        self.subject, self.partition = subject, partition


class Fold:
    """Folds records into lanes.

    keys: the key ring that decrypts frames.
    partition_of: gives the partition of a subject; None: there is only one lane.
    """

    def __init__(self, keys: KeyRing, partition_of: Callable[[int], int] | None = None) -> None:
        self._keys = keys
        self._partition_of = partition_of

    def __call__(self, lane: LaneState, record: InputRecord) -> list[Output]:
        """Fold one record of the topics sms, registry or commands into the lane. Returns its outputs, in order."""
        return [output for some in self.fold(lane, [record]) for output in some]

    def fold(self, lane: LaneState, records: Iterable[InputRecord]) -> Iterator[list[Output]]:
        """Fold records one after the other. Yields their outputs, in order, in slices.

        Between two slices the caller may read the lane, but not change it. A tick may take seconds; no slice does.
        """
        outputs: list[Output] = []
        for number, record in enumerate(records, start=1):
            try:
                at, effects = self._effects(lane, record)
            except _Misplaced as misplaced:
                outputs.append(_sent_on(lane, record, misplaced))
            except ContractError as error:
                outputs.append(_refused(lane, record, str(error)))
            else:
                if isinstance(effects, list):
                    outputs += [encode(effect, record, at) for effect in effects]
                else:
                    for some in effects:
                        outputs += [encode(effect, record, at) for effect in some]
                        yield outputs
                        outputs = []
            if len(outputs) >= OUTPUTS_A_SLICE or number % OUTPUTS_A_SLICE == 0:
                yield outputs
                outputs = []
        yield outputs

    def _effects(self, lane: LaneState,
                 record: InputRecord) -> tuple[int | None, list[Effect] | Iterator[list[Effect]]]:
        """The time of the record, and its effects; the effects of a tick come in slices."""
        match record.topic:
            case "sms":
                sms = read_sms(record.value or b"")
                if isinstance(sms, Tick):
                    return sms.at, tick(lane, sms)
                return sms.received_at, self._sms(lane, sms)
            case "registry":
                return (self._tombstone(lane, record) if record.value is None else self._registry(lane, record.value))
            case "commands":
                return self._command(lane, record)
            case _:
                raise LookupError(f"{record.topic} is no input")

    def _check_lane(self, lane: LaneState, subject: int) -> None:
        if self._partition_of is not None:
            partition = self._partition_of(subject)
            if partition != lane.number:
                raise _Misplaced(subject, partition)

    def _sms(self, lane: LaneState, sms: Sms) -> list[Effect]:
        frame = find_frame(sms.text, sms.binary)
        if isinstance(frame, Rejected):
            return [frame]
        header = read_header(frame)
        person = lane.person(header.subject)
        if person is None:  # a person known here belongs here: no hash of each number is needed
            self._check_lane(lane, header.subject)
        received = receive(header, frame, person, self._keys)
        if isinstance(received, Rejected):
            return [received]
        judged = None if person is None else lane.gateway(person.profile.gateway).judged_until
        after, effects = step(person, Arrived(received, sms.received_at, sms.id, sms.gateway, judged))
        lane.put(header.subject, person, after)
        return effects

    def _registry(self, lane: LaneState, value: bytes) -> tuple[int | None, list[Effect]]:
        profile = parse_profile(parse_object(value))
        self._check_lane(lane, profile.subject)
        person = lane.person(profile.subject)
        now = profile.schedule.since if lane.latest is None else lane.latest
        event = Registered(profile, now, lane.gateway(profile.gateway).judged_until)
        if person is not None:
            former = lane.gateway(person.profile.gateway)
            event = replace(event, before=former.judged_until, first=former.first)
        after, effects = step(person, event)
        lane.put(profile.subject, person, after)
        lane.schedule(after)
        return now, effects

    def _tombstone(self, lane: LaneState, record: InputRecord) -> tuple[int | None, list[Effect]]:
        subject = subject_of_key(record.key)
        self._check_lane(lane, subject)
        person = lane.person(subject)
        if person is None:
            return None, []
        now = person.profile.schedule.since if lane.latest is None else lane.latest
        _, effects = step(person, Erased(now))
        lane.put(subject, person, None)
        return now, effects

    def _command(self, lane: LaneState, record: InputRecord) -> tuple[int | None, list[Effect]]:
        command = parse_command(parse_object(record.value or b""))
        self._check_lane(lane, command.subject)
        person = lane.person(command.subject)
        if person is None:
            return command.at, [Rejected(RejectReason.UNKNOWN_SUBJECT, str(command.subject))]
        after, effects = step(person, command)
        lane.put(command.subject, person, after)
        return command.at, effects


def _sent_on(lane: LaneState, record: InputRecord, misplaced: _Misplaced) -> Output:
    """The record for the lane of its subject. A record is sent on once; the second time it goes to quarantine."""
    if any(name == FORWARDED for name, _ in record.headers):
        return _refused(lane, record, "sent on to a wrong partition")
    # A compacted topic takes no record without a key, and a key that is too long is not written again.
    key = record.key if short(record.key) == record.key else b"%d" % misplaced.subject
    return Output(record.topic, key, record.value, misplaced.partition, ((FORWARDED, b"1"),))


def _refused(lane: LaneState, record: InputRecord, detail: str) -> Output:
    return quarantined(record, Rejected(RejectReason.MALFORMED, detail), _time(lane, record))


def _time(lane: LaneState, record: InputRecord) -> int | None:
    """The time of a record that breaks the contract; None: the time cannot be read."""
    if record.topic == "registry":
        return lane.latest
    try:
        document = parse_object(record.value or b"")
    except ContractError:
        return None
    received_at = read_time(document, "received_at") if record.topic == "sms" else None
    return received_at if received_at is not None else read_time(document, "at")
