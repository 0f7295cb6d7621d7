"""No log line of any library contains a telephone number, the text of an SMS, a key, a password or a token."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.logs import OURS, REDACTED, logging_config, redacted
from runtime.settings import Settings

FRAME = "W." + "Ab0-." * 15
KEY = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="


def written(log: logging.Logger, buffer: io.StringIO) -> dict[str, object]:
    buffer.seek(0)
    lines = buffer.read().splitlines()
    assert len(lines) == 1, lines
    found: dict[str, object] = json.loads(lines[0])
    return found


@pytest.fixture
def buffer(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Where log lines go, configured as for a process; afterwards logging is as it was."""
    root, stream = logging.root, io.StringIO()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in (*OURS, "aiokafka")}
    logging.getLogger("aiokafka").setLevel(logging.NOTSET)  # benchmarks and chaos silence it, and other tests run these
    monkeypatch.setattr("sys.stderr", stream)
    logging.config.dictConfig(logging_config(Settings.from_env({}), "gateway"))
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, one in levels.items():
        logging.getLogger(name).setLevel(one)


@pytest.mark.parametrize("text", [
    "from +821012345678", "from +82 10 1234 5678", "from 010-1234-5678", "from 01012345678", "from 02-123-4567",
    "from 821012345678 to 1666", f"got {FRAME}, quarantined", f"cut {FRAME[:40]}", f"key {KEY}",
    "mongodb://anbu:hunter2@mongo:27017/anbu", "POST https://hooks.slack.com/services/T0/B0/hunter2 gave 404",
    "GET http://kannel:13013/cgi-bin/sendsms?username=anbu&password=hunter2&to=1666&text=come%20home",
    "Authorization: Bearer abc.def", '{"type":"sms","text":"come home"}',
    "{'sender': 'my sister', 'id': 7}", """{"text": "she said \\"no\\" twice"}"""])
def test_personal_data_and_secrets_are_redacted(text: str) -> None:
    told = redacted(text)
    assert REDACTED in told
    for secret in ("1234", "123-4567", FRAME[:20], KEY[:10], "hunter2", "abc.def", "come home", "%20home",
                   "sister", "twice"):
        assert secret not in told, told


@pytest.mark.parametrize("odd", ["\udcb0", 1 << 64, {7: "seven"}], ids=["surrogate", "number", "key"])
def test_a_line_that_cannot_be_json_is_redacted(buffer: io.StringIO, odd: object,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our handler, `logging` would print the arguments of a line that it could not write."""
    log = logging.getLogger("agents.sender")
    ours = [one for one in logging.root.handlers if type(one) is logging.StreamHandler]
    with monkeypatch.context() as patched:  # what pytest catches of a surrogate, its workers cannot hand to each other
        patched.setattr(logging.root, "handlers", ours)
        log.error("from %s to %s", odd, "+821012345678", extra={"odd": odd})
    assert written(log, buffer)["level"] == "error"
    assert "1234" not in buffer.getvalue()


@pytest.mark.parametrize("text", [
    "lane 3: 1204 changelog records read, positions {'sms': 4294967295}", "42:no_report:2026-11-24:morning/10",
    "2026-11-24T09:00:00Z", "sms-0: expected 821234, got 821240: fetching again", "at 1795467845.123456 s",
    "/srv/anbu/lib/python3.11/site-packages/faust/transport/drivers/aiokafka.py", "10.0.12.34:9092 answers nothing",
    "sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b", "mongodb://mongo:27017/anbu",
    "0.0123456789"])
def test_facts_for_finding_a_fault_are_not_redacted(text: str) -> None:
    assert redacted(text) == text


@given(st.sampled_from(["+82", "82", "0"]), st.sampled_from(["10", "11", "16", "19"]),
       st.integers(0, 10**8 - 1), st.text(" ,;()[]\n", min_size=1, max_size=3))
def test_a_mobile_number_is_redacted_in_any_sentence(prefix: str, network: str, number: int, around: str) -> None:
    network = network if prefix != "82" else "10"
    digits = f"{number:08d}"
    told = redacted({"event": f"lost{around}{prefix}{network}{digits}{around}again", "numbers": [f"+8210{digits}"]})
    assert digits not in json.dumps(told)


def test_fields_are_redacted_by_name() -> None:
    told = redacted({"Sender": "kim", "record": {"original": {"raw": "x"}, "subject": 42, "at": b"+821012345678"}})
    assert told == {"Sender": REDACTED, "record": {"original": REDACTED, "subject": 42, "at": REDACTED}}


def test_a_log_line_of_a_library_is_redacted(buffer: io.StringIO) -> None:
    log = logging.getLogger("aiokafka.consumer")
    log.warning("cannot parse %r", {"sender": "+821012345678", "subject": 42})
    line = written(log, buffer)
    assert (line["process"], line["level"], line["logger"]) == ("gateway", "warning", "aiokafka.consumer")
    assert line["event"] == f"cannot parse {{'sender': \"{REDACTED}\", 'subject': 42}}"


def test_extra_fields_and_tracebacks_are_redacted(buffer: io.StringIO) -> None:
    log = logging.getLogger("gateway.publisher")
    try:
        int("no such number: 010-1234-5678")
    except ValueError:
        log.exception("refused", extra={"subject": 42, "sender": "kim"})
    line = written(log, buffer)
    assert (line["subject"], line["sender"]) == (42, REDACTED)
    assert "ValueError: invalid literal" in str(line["exception"])
    assert "1234" not in str(line)


def test_libraries_log_warnings_only(buffer: io.StringIO) -> None:
    logging.getLogger("aiokafka").info("chatter")
    logging.getLogger("streams.engine.lane").debug("chatter")
    assert buffer.getvalue() == ""
    logging.getLogger("streams.engine.lane").info("said")
    assert json.loads(buffer.getvalue())["event"] == "said"
