"""Rule 26 at the ends of time: a window that no frame can name is not asked about, and stops no lane."""

import orjson
import pytest

from bench import nation
from models.contract.documents import Output
from models.contract.inputs import Record
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.report import StatusReport
from models.times import format_time, parse_time
from models.wire.frame import seal, to_text
from models.wire.keys import KeyRing
from models.wire.payload import encode


def play(morning: str) -> list[Output]:
    """The outputs of a morning in Seoul of which a person who listens says nothing. morning: its date."""
    fold, lane = Fold(KeyRing(nation.KEKS)), LaneState(0)

    def give(topic: str, document: object) -> list[Output]:
        return fold(lane, Record(topic, 0, 0, b"1", orjson.dumps(document)))

    def tick(clock: str) -> list[Output]:
        at = parse_time(f"{morning}T{clock}:00+09:00", "at")
        return give("sms", {"type": "tick", "source": "gateway", "gateway": nation.gateway(1), "at": format_time(at)})

    profile = orjson.loads(nation.registry(1))
    profile["ask_min"], profile["devices"][0]["msisdn"] = [0], "+821012345678"
    give("registry", profile)
    tick("05:00")
    at = parse_time(f"{morning}T05:10:00+09:00", "at")
    report = StatusReport(at, None, 0, None, None, None, None, None, None, listens=True)
    frame = seal(nation.cipher(1), 1, nation.SLOT, nation.EPOCH, 1, encode(report))
    give("sms", {"type": "sms", "received_at": format_time(at), "text": to_text(frame)})
    return [*tick("09:00"), *tick("09:30")]


@pytest.mark.parametrize(("morning", "topics"), [
    ("2109-09-18", ["asks", "reports", "alerts"]), ("2109-09-19", ["reports", "alerts"]),
    ("2150-01-01", ["reports", "alerts"])])
def test_a_window_that_no_frame_can_name_is_not_asked_about(morning: str, topics: list[str]) -> None:
    assert [output.topic for output in play(morning)] == topics
