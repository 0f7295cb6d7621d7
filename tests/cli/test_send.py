"""`anbu send`: what lies in the topic afterwards is what a device of slot 7 would have sent."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from support.commands import Anbu
from support.gateway import RunningGateway, read_sms, running_gateway

from cli.broker import SubjectRecord, publish
from cli.post import post
from models.contract.registry import parse_profile
from models.report import StatusReport
from models.wire.frame import find_frame, open_frame, read_header
from models.wire.keys import KeyRing, parse_keks
from models.wire.payload import decode
from runtime.clock import SystemClock
from runtime.settings import Settings
from simulator.fleet import Fleet
from streams.topics import REGISTRY

SUBJECT = 1002
NOBODY, UNEQUIPPED = 5, 1003


@pytest.fixture
def gateway(settings: Settings, environ: dict[str, str]) -> Iterator[RunningGateway]:
    """A gateway and a fleet of three in the registry, of whom one has no device for `anbu send`."""
    fleet = Fleet(3)
    Path(environ["ANBU_KEK_FILE"]).write_bytes(orjson.dumps(fleet.keks()))
    profiles = {profile["subject"]: profile for profile in fleet.registry()}
    profiles[UNEQUIPPED]["devices"] = profiles[UNEQUIPPED]["devices"][:1]
    asyncio.run(publish([SubjectRecord(REGISTRY, subject, profile) for subject, profile in profiles.items()], settings))
    with running_gateway(settings, SystemClock()) as one:
        one.wait_until_up()
        environ["ANBU_GATEWAY_PORT"] = one.url.rsplit(":", 1)[1]
        yield one


def received(gateway: RunningGateway, environ: dict[str, str]) -> list[tuple[int, StatusReport]]:
    """(counter, report) of all that lies in the topic."""
    ring = KeyRing(parse_keks(Path(environ["ANBU_KEK_FILE"]).read_bytes()))
    device = parse_profile(Fleet(3).registry()[SUBJECT - 1001]).devices[1]
    cipher = ring.cipher(SUBJECT, device)
    assert cipher is not None
    found = []
    for records in asyncio.run(read_sms(gateway.settings)).values():
        for one in records:
            if one["type"] == "sms":
                frame = find_frame(one["text"], None)
                assert isinstance(frame, bytes)
                header = read_header(frame)
                assert (header.slot, header.subject, one["_key"]) == (7, SUBJECT, b"%d" % SUBJECT)
                report = decode(open_frame(cipher, header, frame, device.epoch) or b"", {})
                assert isinstance(report, StatusReport)
                found.append((header.counter, report))
    return sorted(found, key=lambda one: one[0])


def test_a_sent_report_contains_the_given_values(anbu: Anbu, gateway: RunningGateway, environ: dict[str, str]) -> None:
    done = anbu("send", SUBJECT, "--sos", "--mains-lost", "--battery", 9, "--signal", -103, "--temperature", -5,
                "--humidity", 40, "--idle", 600)
    assert (done.exit_code, done.stdout) == (0, "accepted: 7.1.1\n")
    assert anbu("send", SUBJECT, "--awake", "--window", "2026-11-24:afternoon").stdout == "accepted: 7.1.2\n"
    assert anbu("send", SUBJECT, "--window", "morning", "--gateway", gateway.url + "/", "--listens", "--answers",
                2).stdout == "accepted: 7.1.3\n"
    (_, first), (_, second), (_, third) = received(gateway, environ)
    assert (first.flags, first.window, first.battery_pct, first.signal_dbm) == (0b0100_0100, None, 9, -103)
    assert (first.temp_c, first.humidity_pct, first.idle_min) == (-5, 40, 600)
    assert abs((first.device_time or 0) - gateway.clock.now()) < 60
    assert (second.flags, second.window, second.battery_pct, second.idle_min) == (1, 2519 * 2 + 1, None, None)
    assert third.flags == 0
    assert [(one.listens, one.answers) for one in (first, second, third)] == [(False, None), (False, None), (True, 2)]
    assert third.window is not None
    assert third.window % 2 == 0


@pytest.mark.parametrize(("arguments", "status", "words"), [
    ((NOBODY, "--sos"), 1, "no person has the number 5"),
    ((UNEQUIPPED, "--sos"), 1, "no device in slot 7"),
    ((SUBJECT, "--window", "noon"), 2, "--window noon"),
    ((SUBJECT, "--window", "2026-02-30:morning"), 2, "--window"),
    ((SUBJECT, "--window", "2019-12-31:morning"), 2, "--window"),
    ((SUBJECT, "--sos", "--gateway", "http://127.0.0.1:1"), 1, "no gateway answers"),
    ((SUBJECT, "--battery", 101), 2, "--battery"),
    ((1 << 32, "--sos"), 2, "SUBJECT"),
])
def test_an_impossible_report_is_refused(anbu: Anbu, gateway: RunningGateway, arguments: tuple[object, ...],
                                         status: int, words: str) -> None:
    done = anbu("send", *arguments)
    assert (done.exit_code, words in done.stderr) == (status, True), done.stderr


def test_a_wrong_secret_or_key_is_reported(anbu: Anbu, gateway: RunningGateway, environ: dict[str, str],
                                           tmp_path: Path) -> None:
    done = anbu("send", SUBJECT, "--sos", ANBU_GATEWAY_SECRET="another")
    assert (done.exit_code, "401" in done.stderr) == (1, True)
    assert anbu("send", SUBJECT, "--sos", ANBU_GATEWAY_SECRET=None).exit_code == 2
    other = tmp_path / "other.json"
    other.write_text('{"k1":"' + "B" * 42 + "A=" + '"}')
    done = anbu("send", SUBJECT, "--sos", ANBU_KEK_FILE=str(other))
    assert (done.exit_code, "does not unwrap" in done.stderr) == (1, True)
    assert received(gateway, environ) == []
    assert anbu("send", SUBJECT, "--sos").stdout == "accepted: 7.1.3\n", "a counter is never used again"


async def test_a_delayed_request_is_signed_again(gateway: RunningGateway) -> None:
    """In the virtual time of a demo, five minutes pass in a fifth of a second."""
    present = gateway.clock.now()
    times = iter([present - 1000, present, present])
    async with httpx.AsyncClient() as http:
        await post(http, gateway.url, b'{"text":"W."}', gateway.settings, lambda: next(times))
    assert list(times) == []


def test_a_broker_that_is_away_is_reported_in_one_line(anbu: Anbu) -> None:
    done = anbu("send", SUBJECT, "--sos")
    assert (done.exit_code, done.stderr.count("\n"), "ANBU_KAFKA" in done.stderr) == (1, 1, True)
