"""Keys change and each device is still accepted: a new device, a new key-encryption key, a retired person."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from support.commands import Anbu

from cli.registry import read_profiles
from models.contract.inputs import Record
from models.judgement.fold import Fold
from models.judgement.lane import LaneState
from models.report import StatusReport
from models.wire.frame import TAG_OCTETS, seal, to_text
from models.wire.keys import KeyRing, message_key, parse_keks
from models.wire.payload import encode
from runtime.settings import Settings

ROW = "42,jongno,seoul-1,Asia/Seoul,2026-11-01T00:00:00+09:00"
SUBJECT = 42
Keys = dict[tuple[int, int], bytes]


@pytest.fixture
def provisioned(anbu: Anbu, settings: Settings, tmp_path: Path) -> Keys:
    """42 with a home unit; its key by (slot, epoch)."""
    path = tmp_path / "people.csv"
    path.write_text(f"subject,site,gateway,tz,since\n{ROW}\n", encoding="utf-8")
    assert anbu("provision", path).exit_code == 0
    return keys_in(tmp_path / "people.keys.csv")


@pytest.fixture(autouse=True)
def _database(environ: dict[str, str], database_url: str) -> None:
    """Whether a number is free is asked of the database."""
    environ["ANBU_MONGODB"] = database_url


def keys_in(path: Path) -> Keys:
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return {(int(slot), int(epoch)): bytes.fromhex(key) for _, slot, epoch, key in rows}


def profile_of(settings: Settings) -> dict[str, Any]:
    return asyncio.run(read_profiles(settings))[SUBJECT]


@pytest.fixture
def heard(settings: Settings, environ: dict[str, str]) -> Callable[..., str]:
    """heard(slot, epoch, key): what the judgement says to a first frame of that device, by the registry as it is."""
    def said(slot: int, epoch: int, key: bytes) -> str:
        fold, lane = Fold(KeyRing(parse_keks(Path(environ["ANBU_KEK_FILE"]).read_bytes()))), LaneState(0)
        plaintext = encode(StatusReport(device_time=1_790_000_000, window=None, flags=1, idle_min=None,
                                         first_activity_min=None, battery_pct=None, signal_dbm=None, temp_c=None,
                                         humidity_pct=None))
        cipher = AESCCM(message_key(key, SUBJECT, slot, epoch), tag_length=TAG_OCTETS)
        sms = {"text": to_text(seal(cipher, SUBJECT, slot, epoch, 1, plaintext)), "received_at": "2026-09-21T14:13:20Z"}
        outputs = [*fold(lane, Record("registry", 0, 0, b"42", orjson.dumps(profile_of(settings)))),
                   *fold(lane, Record("sms", 0, 0, b"42", orjson.dumps(sms)))]
        answers = [(output.topic, orjson.loads(output.value or b"")) for output in outputs]
        return next(str(value["reason"]) if topic == "quarantine" else "heard" for topic, value in answers)

    return said


def test_a_new_device_is_accepted_beside_the_old_one(anbu: Anbu, settings: Settings, tmp_path: Path, provisioned: Keys,
                                                     heard: Callable[..., str]) -> None:
    done = anbu("rekey", SUBJECT, 0, "--keys", tmp_path / "new.csv")
    assert (done.exit_code, "epoch 2" in done.stdout) == (0, True)
    assert (tmp_path / "new.csv").stat().st_mode & 0o777 == 0o600
    new = keys_in(tmp_path / "new.csv")
    assert set(new) == {(0, 2)}
    assert (heard(0, 1, provisioned[0, 1]), heard(0, 2, new[0, 2])) == ("heard", "heard")
    assert heard(0, 2, provisioned[0, 1]) == "not_authentic"


def test_no_device_loses_its_key_without_a_confirmation(anbu: Anbu, settings: Settings, tmp_path: Path,
                                                        provisioned: Keys, heard: Callable[..., str]) -> None:
    assert anbu("rekey", SUBJECT, 0, "--keys", tmp_path / "2.csv").exit_code == 0
    before = profile_of(settings)
    done = anbu("rekey", SUBJECT, 0, "--keys", tmp_path / "3.csv")
    assert (done.exit_code, "--drop-oldest" in done.stderr) == (2, True)
    assert (profile_of(settings), (tmp_path / "3.csv").exists()) == (before, False)
    assert anbu("rekey", SUBJECT, 0, "--keys", tmp_path / "3.csv", "--drop-oldest").exit_code == 0
    assert heard(0, 1, provisioned[0, 1]) == "bad_epoch"
    assert heard(0, 2, keys_in(tmp_path / "2.csv")[0, 2]) == "heard"
    assert heard(0, 3, keys_in(tmp_path / "3.csv")[0, 3]) == "heard"


def test_a_wearable_gets_its_first_key(anbu: Anbu, settings: Settings, tmp_path: Path, provisioned: Keys,
                                       heard: Callable[..., str]) -> None:
    assert anbu("rekey", SUBJECT, 1, "--keys", tmp_path / "new.csv").exit_code == 0
    assert heard(1, 1, keys_in(tmp_path / "new.csv")[1, 1]) == "heard"
    assert heard(0, 1, provisioned[0, 1]) == "heard"


@pytest.mark.parametrize(("arguments", "status", "words"), [
    (("rekey", 5, 0), 1, "no person has the number 5"),
    (("rekey", SUBJECT, 8), 2, "SLOT"),
    (("rekey", SUBJECT, 0, "--kek", "k9"), 2, "no key k9"),
    (("retire", 5), 1, "no person has the number 5"),
    (("kek", "rotate", "--to", "k9"), 2, "no key k9"),
])
def test_an_impossible_change_of_keys_is_refused(anbu: Anbu, provisioned: Keys, arguments: tuple[object, ...],
                                                 status: int, words: str) -> None:
    done = anbu(*arguments)
    assert (done.exit_code, words in done.stderr) == (status, True), done.output


def test_a_new_key_encryption_key_changes_no_device_key(anbu: Anbu, settings: Settings, environ: dict[str, str],
                                                        provisioned: Keys, heard: Callable[..., str]) -> None:
    path = Path(environ["ANBU_KEK_FILE"])
    keks = orjson.loads(path.read_bytes())
    path.write_bytes(orjson.dumps(keks | {"k2": "B" * 43 + "="}))
    done = anbu("kek", "rotate", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (
        0, {"to": "k2", "people": 1, "rewrapped": 2, "keys": {"k2": 2}, "lost": []})
    path.write_bytes(orjson.dumps({"k2": "B" * 43 + "="}))
    assert heard(0, 1, provisioned[0, 1]) == "heard", "without the old one"
    assert "0 keys of 1 people" in anbu("kek", "rotate").stdout


def test_a_key_that_does_not_unwrap_is_named_and_kept(anbu: Anbu, settings: Settings, environ: dict[str, str],
                                                      provisioned: Keys) -> None:
    before = profile_of(settings)
    Path(environ["ANBU_KEK_FILE"]).write_bytes(orjson.dumps({"k2": "B" * 43 + "="}))
    done = anbu("kek", "rotate")
    assert (done.exit_code, "42: the key of slot 0, epoch 1" in done.stderr, "anbu rekey 42 0" in done.stderr) == (
        1, True, True)
    assert profile_of(settings) == before


def test_a_retired_person_is_not_watched_until_retirement_is_undone(anbu: Anbu, settings: Settings, provisioned: Keys,
                                                                    heard: Callable[..., str]) -> None:
    before = profile_of(settings)
    assert "is watched over already" in anbu("retire", SUBJECT, "--undo").stdout
    assert "is retired" in anbu("retire", SUBJECT).stdout
    assert profile_of(settings) == {**before, "retired": True}
    assert heard(0, 1, provisioned[0, 1]) == "retired"
    assert "already" in anbu("retire", SUBJECT).stdout
    assert anbu("retire", SUBJECT, "--undo").exit_code == 0
    assert heard(0, 1, provisioned[0, 1]) == "heard"
