"""One record in, its outputs out: the fold that `watch` and `anbu replay` share.

Each record gets one of these answers: its effects; no output (an old tick); the record is sent on to the lane of its
subject; a quarantine record with the reason. Each frame of an SMS ends as a report, as a counted duplicate or as a
quarantine record. No record is lost, and no record raises an error.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from models.contract.command import IncidentCommand, read_command
from models.contract.documents import Output
from models.contract.effects import CommandRefused, Effect, RefusalReason, SentOn
from models.contract.inputs import InputRecord, Sms, Tick
from models.contract.outputs import FORWARDED, encode, quarantined
from models.contract.records import parse_object, read_sms, read_time, subject_of_key
from models.contract.registry import parse_profile
from models.errors import ContractError, Rejected, RejectReason
from models.judgement import about, incidents
from models.judgement.events import Arrived, Commanded, Erased, FrameRejected, Registered, Standing
from models.judgement.lane import LaneState
from models.judgement.person import Person
from models.judgement.receive import receive
from models.judgement.rules.asking import look
from models.judgement.step import step
from models.judgement.ticks import tick
from models.report import Header
from models.wire.frame import find_frames, read_header
from models.wire.keys import KeyRing

CODE: Final = "3"  # goes up with each change after which the same records give other outputs
OUTPUTS_A_SLICE: Final = 64  # outputs, or records without outputs

# Frames that are rejected for these reasons are evidence that a device is at fault (rule 14).
OF_NO_USE: Final = frozenset({RejectReason.UNKNOWN_DEVICE, RejectReason.BAD_EPOCH, RejectReason.NOT_AUTHENTIC,
                              RejectReason.BAD_TYPE, RejectReason.OUT_OF_RANGE})
_WRONG_PARTITION: Final = Rejected(RejectReason.MALFORMED, "sent on to a wrong partition")


class _Misplaced(Exception):
    """A record of a subject whose lane is another partition."""

    def __init__(self, subject: int, partition: int) -> None:
        super().__init__(subject, partition)
        self.subject, self.partition = subject, partition


class Fold:
    """Folds records into lanes.

    keys: the key ring that decrypts frames.
    partition_of: gives the partition of a subject; None: there is only one lane.
    duplicates: the number of frames so far that were resent: they change nothing.
    """

    def __init__(self, keys: KeyRing, partition_of: Callable[[int], int] | None = None) -> None:
        self._keys = keys
        self._partition_of = partition_of
        self.duplicates = 0

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
                effect = _WRONG_PARTITION if _is_forwarded(record) else SentOn(misplaced.subject, misplaced.partition)
                outputs.append(encode(effect, record, _time(lane, record)))
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
                    return sms.at, tick(lane, sms, self._keys)
                return sms.received_at, self._sms(lane, sms, record)
            case "registry":
                return (self._tombstone(lane, record) if record.value is None else self._registry(lane, record.value))
            case "commands":
                return self._command(lane, record)
            case _:
                raise LookupError(f"{record.topic} is no input")

    def _is_elsewhere(self, lane: LaneState, subject: int) -> int | None:
        """The partition of a subject, if it is not this lane."""
        if self._partition_of is None:
            return None
        partition = self._partition_of(subject)
        return None if partition == lane.number else partition

    def _check_lane(self, lane: LaneState, subject: int) -> None:
        partition = self._is_elsewhere(lane, subject)
        if partition is not None:
            raise _Misplaced(subject, partition)

    def _sms(self, lane: LaneState, sms: Sms, record: InputRecord) -> list[Effect]:
        """The effects of all frames in an SMS, from left to right."""
        frames = find_frames(sms.text, sms.binary)
        if isinstance(frames, Rejected):
            return [frames]
        effects: list[Effect] = []
        judged_here = False
        elsewhere: dict[int, int] = {}
        for frame in frames:
            header = read_header(frame)
            person = lane.person(header.subject)
            if person is None:  # a person known here belongs here: no hash of each number is needed
                partition = self._is_elsewhere(lane, header.subject)
                if partition is not None:
                    elsewhere.setdefault(partition, header.subject)
                    continue
            judged_here = True
            effects += self._frame(lane, sms, header, frame, person)
        if not elsewhere:
            return effects
        if not _is_forwarded(record):
            return effects + [SentOn(subject, partition) for partition, subject in sorted(elsewhere.items())]
        return effects if judged_here else [_WRONG_PARTITION]

    def _frame(self, lane: LaneState, sms: Sms, header: Header, frame: bytes, person: Person | None) -> list[Effect]:
        received = receive(header, frame, person, self._keys)
        if isinstance(received, Rejected):
            if person is not None and received.reason in OF_NO_USE:
                after, _ = step(person, FrameRejected(received.reason, sms.received_at))
                lane.put(header.subject, person, after)
            return [received]
        if person is None:
            raise LookupError(f"an authentic frame of {header.subject}, who is not registered")
        time = lane.gateway(person.profile.gateway)
        after, effects = step(person, Arrived(received, sms.received_at, sms.id, sms.gateway, time.judged_until,
                                              time.first))
        if effects:
            lane.put(header.subject, person, after)
        else:
            self.duplicates += 1
        return effects

    def _registry(self, lane: LaneState, value: bytes) -> tuple[int | None, list[Effect]]:
        profile = parse_profile(parse_object(value))
        self._check_lane(lane, profile.subject)
        person = lane.person(profile.subject)
        now = profile.schedule.since if lane.latest is None else lane.latest
        former = Standing() if person is None else lane.standing(person.profile.gateway)
        event = Registered(profile, now, lane.standing(profile.gateway), former)
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
        command = read_command(parse_object(record.value or b""))
        if isinstance(command, IncidentCommand):
            return command.at, incidents.obey(lane, command)
        self._check_lane(lane, command.subject)
        person = lane.person(command.subject)
        if person is None:
            return command.at, [CommandRefused(command, RefusalReason.UNKNOWN_SUBJECT)]
        standing = lane.standing(person.profile.gateway)
        after, effects = step(person, Commanded(command, standing))
        lane.put(command.subject, person, after)
        judged = about.judged_until(after, standing.judged_until)
        if judged is not None:  # the end of an excuse may make a question necessary
            upcoming = look(after, about.calendar(after, standing.first), None, judged).next
            lane.moments.enter(after.profile.gateway, command.subject, upcoming)
        return command.at, effects


def _is_forwarded(record: InputRecord) -> bool:
    """Whether another lane has sent the record on. It is sent on once; the second time it goes to quarantine."""
    return any(name == FORWARDED for name, _ in record.headers)


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
