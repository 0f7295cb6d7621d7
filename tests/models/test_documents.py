"""Records written by msgspec have the octets that orjson gives for the same dict, whatever texts they have."""

from typing import Any, Final

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from models.contract.effects import CheckedIn, Reported, Result
from models.contract.inputs import Record
from models.contract.outputs import encode
from models.report import FLAG_NAMES, StatusReport
from models.times import format_time
from models.window import Window

RECORD: Final = Record("sms", 0, 0, None, None)
EARLIEST, LATEST = 1_577_836_800, 1_577_836_800 + 2**32 - 1  # device times on the wire
NASTY: Final = "".join(map(chr, range(0x20))) + (
    "\"\\/'<>&\x7f\x80\x85\x9f\xa0\xad\xe9가\u200b\u2028\u2029\ufeff\ufffd\uffff\U0001f600\U0010ffff")
TEXTS = st.text(max_size=30) | st.text(st.sampled_from(NASTY), max_size=12)  # neither has surrogates
SUBJECTS = st.integers(0, 2**32 - 1)
WINDOWS = st.integers(0, 2**16 - 2)
MOMENTS = st.integers(0, 7_258_118_399)  # 1970 to 2199


def up_to(high: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, high)


REPORTS = st.builds(
    StatusReport,
    device_time=st.none() | st.integers(EARLIEST, LATEST), window=st.none() | WINDOWS, flags=st.integers(0, 255),
    idle_min=up_to(2**16 - 2), first_activity_min=up_to(1439), battery_pct=up_to(100),
    signal_dbm=st.none() | st.integers(-254, 0), temp_c=st.none() | st.integers(-127, 127), humidity_pct=up_to(100),
    activity=st.lists(st.integers(0, 15), min_size=24, max_size=24).map(tuple), out_of_range=st.booleans(),
    answers=st.none() | st.integers(1, 7))
REPORTED = st.builds(
    Reported,
    subject=SUBJECTS, site=TEXTS, reference=st.just("0.1.4294967295"), received_at=MOMENTS, late=st.booleans(),
    window=st.none() | WINDOWS, result=st.none() | st.sampled_from(Result), clock_wrong=st.booleans(),
    payload=REPORTS, sms_id=st.none() | TEXTS, sms_gateway=st.none() | TEXTS)
CHECKED_IN = st.builds(
    CheckedIn,
    subject=SUBJECTS, site=TEXTS, window=WINDOWS, revision=st.integers(1, 5), result=st.sampled_from(Result),
    previous=st.none() | st.sampled_from(Result), repaired=st.booleans(), at=MOMENTS)


def naive_check_in(effect: CheckedIn) -> dict[str, Any]:
    window = str(Window(effect.window))
    return {"type": "checkin", "id": f"{window}#{effect.revision}", "subject": effect.subject, "site": effect.site,
            "window": window, "result": effect.result, "previous": effect.previous, "repaired": effect.repaired,
            "at": format_time(effect.at)}


def naive_report(effect: Reported, report: StatusReport) -> dict[str, Any]:
    flags = [name for bit, name in enumerate(FLAG_NAMES) if report.flags >> bit & 1]
    flags += ["range"] if report.out_of_range else []
    flags += ["clock"] if effect.clock_wrong else []
    first = report.first_activity_min
    return {
        "type": "report", "id": effect.reference, "subject": effect.subject, "site": effect.site,
        "device_time": None if report.device_time is None else format_time(report.device_time),
        "window": None if effect.window is None else str(Window(effect.window)),
        "result": effect.result,
        "battery_pct": report.battery_pct,
        "signal_dbm": report.signal_dbm,
        "temp_c": report.temp_c,
        "humidity_pct": report.humidity_pct,
        "idle_min": report.idle_min,
        "first_activity": None if first is None else f"{first // 60:02d}:{first % 60:02d}",
        "activity": report.activity,
        "flags": flags,
        "attrs": [],
        "received_at": format_time(effect.received_at),
        "late": effect.late,
        "sms": {"id": effect.sms_id, "gateway": effect.sms_gateway},
        "answers": report.answers}


@given(REPORTED)
@example(Reported(7, NASTY, "0.1.1", 0, False, None, None, False,
                  StatusReport(None, None, 0, None, None, None, None, None, None), NASTY, NASTY))
def test_a_report_is_written_as_before(effect: Reported) -> None:
    assert isinstance(effect.payload, StatusReport)
    output = encode(effect, RECORD, None)
    assert (output.topic, output.key, output.partition, output.headers) == ("reports", b"%d" % effect.subject, None, ())
    assert output.value == orjson.dumps(naive_report(effect, effect.payload))


@given(CHECKED_IN)
@example(CheckedIn(7, NASTY, 0, 1, Result.AWAKE, None, False, 0))
def test_a_check_in_is_written_as_before(effect: CheckedIn) -> None:
    output = encode(effect, RECORD, None)
    assert (output.topic, output.key, output.partition, output.headers) == ("reports", b"%d" % effect.subject, None, ())
    assert output.value == orjson.dumps(naive_check_in(effect))
