"""A text with many frames (receiving rule 1): each ends as a report, a counted duplicate or a quarantine record."""

from collections import Counter
from typing import Final

import orjson
import pytest

from bench import nation
from bench.nation import Course, Half
from models.contract.documents import Output
from models.contract.inputs import Record
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.wire.frame import to_text
from models.wire.keys import KeyRing
from streams.partition import partition_of

LANES: Final = 3
MORNING: Final = Half(0)
AT: Final = MORNING.opens + 600


class Lanes:
    """Three lanes of one fold; a record that a lane sends on comes to the other lane at once."""

    def __init__(self, people: range) -> None:
        self.fold = Fold(KeyRing(nation.KEKS), lambda subject: partition_of(subject, LANES))
        self.lanes = [LaneState(number) for number in range(LANES)]
        self.forwards = 0
        for subject in people:
            self.give(Record("registry", partition_of(subject, LANES), 0, b"%d" % subject, nation.registry(subject)))

    def give(self, record: Record) -> list[Output]:
        """All outputs of a record, in whatever lane."""
        outputs = []
        for output in self.fold(self.lanes[record.partition], record):
            if output.topic != "sms":
                outputs.append(output)
                continue
            assert output.partition is not None
            self.forwards += 1
            outputs += self.give(Record("sms", output.partition, 0, output.key, output.value, output.headers))
        return outputs


def text_of(*subjects: int) -> str:
    return "".join(f"[Web발신]{to_text(nation.frame(subject, MORNING, AT, Course.AWAKE))}" for subject in subjects)


def sms(text: str) -> Record:
    return Record("sms", partition_of(1, LANES), 7, b"1", orjson.dumps({
        "type": "sms", "received_at": "2026-11-24T06:10:00+09:00", "text": text}))


def told(outputs: list[Output]) -> Counter[str]:
    """How many reports, check-ins and quarantine records, by reason, come out."""
    documents = [orjson.loads(output.value or b"") for output in outputs]
    return Counter(document.get("reason") or document["type"] for document in documents)


def test_fifty_frames_of_many_lanes_end_each_in_its_own_way() -> None:
    """Receiving rules 2 and 4: no frame of a long text is lost without a trace."""
    lanes = Lanes(range(1, 36))
    known, unknown = range(1, 36), range(1001, 1011)
    forged = "W." + "A" * 75  # a frame of version 0
    text = text_of(*known, *unknown, 1, 2) + "W.too-short " + forged * 3
    assert (text.count("W."), len(text) > 4000) == (35 + 10 + 2 + 1 + 3, True)
    outputs = lanes.give(sms(text))
    assert told(outputs) == {"report": 35, "checkin": 35, "unknown_subject": 10, "unsupported_version": 3}
    assert lanes.fold.duplicates == 2
    assert lanes.forwards == LANES - 1, "the record goes once to each of the other lanes"
    for output in outputs:
        if output.topic == "quarantine":
            assert orjson.loads(output.value or b"")["original"]["text"] == text


@pytest.mark.parametrize("forwarded", [False, True])
def test_a_text_without_a_frame_of_its_lane_is_sent_on_once(*, forwarded: bool) -> None:
    lanes = Lanes(range(1, 31))
    mine = partition_of(1, LANES)
    other = next(subject for subject in range(2, 31) if partition_of(subject, LANES) != mine)
    headers = (("anbu-forwarded", b"1"),) if forwarded else ()
    record = sms(text_of(other))
    outputs = lanes.give(Record("sms", mine, 7, record.key, record.value, headers))
    assert told(outputs) == ({"malformed": 1} if forwarded else {"report": 1, "checkin": 1})


def test_the_same_text_again_gives_nothing_but_quarantine() -> None:
    lanes = Lanes(range(1, 31))
    text = text_of(1, 2, 3, 1001)
    assert told(lanes.give(sms(text))) == {"report": 3, "checkin": 3, "unknown_subject": 1}
    assert told(lanes.give(sms(text))) == {"unknown_subject": 1}
    assert lanes.fold.duplicates == 3
