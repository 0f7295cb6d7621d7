"""People from a CSV file: into the registry with keys made here, once; names into the database and nowhere else."""

import asyncio
import csv
import json
from base64 import b64decode
from pathlib import Path

import pytest
from support.commands import Anbu

from cli.broker import SubjectRecord, publish, sending
from cli.registry import read_profiles
from models.contract.registry import parse_profile
from models.profile import EscalationStep, Reminders
from models.wire.keys import unwrap
from runtime.settings import Settings
from stores.mongo import Store
from stores.people import People
from streams.topics import REGISTRY

KEK = bytes(32)
HEADER = "subject,site,gateway,tz,since"
ROW = "42,jongno,seoul-1,Asia/Seoul,2026-11-01T00:00:00+09:00"


@pytest.fixture(autouse=True)
def _database(environ: dict[str, str], database_url: str) -> None:
    """Whether a number is free is asked of the database."""
    environ["ANBU_MONGODB"] = database_url


def people(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "people.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def keys_in(path: Path) -> dict[tuple[int, int, int], bytes]:
    with path.open(encoding="utf-8") as file:
        return {(int(row["subject"]), int(row["slot"]), int(row["epoch"])): bytes.fromhex(row["key"])
                for row in csv.DictReader(file)}


def test_people_get_profiles_and_devices_get_keys(anbu: Anbu, settings: Settings, tmp_path: Path) -> None:
    done = anbu("provision", people(tmp_path, ROW, "43" + ROW[2:]))
    assert (done.exit_code, "2 people" in done.stdout) == (0, True)
    path = tmp_path / "people.keys.csv"
    assert path.stat().st_mode & 0o777 == 0o600
    made = keys_in(path)
    assert set(made) == {(42, 0, 1), (43, 0, 1)}
    assert len(set(made.values())) == 2
    registry = asyncio.run(read_profiles(settings))
    assert set(registry) == {42, 43}
    for subject, document in registry.items():
        profile = parse_profile(document)
        assert (profile.site, profile.gateway, profile.schedule.tz) == ("jongno", "seoul-1", "Asia/Seoul")
        assert [(device.slot, device.epoch, device.kek) for device in profile.devices] == [(0, 1, "k1"), (7, 1, "k1")]
        assert unwrap(KEK, profile.devices[0].key, subject, 0, 1) == made[subject, 0, 1]
        assert unwrap(KEK, profile.devices[1].key, subject, 7, 1) is not None


def test_a_second_provisioning_keeps_the_devices(anbu: Anbu, settings: Settings, tmp_path: Path) -> None:
    assert anbu("provision", people(tmp_path, ROW)).exit_code == 0
    before = asyncio.run(read_profiles(settings))[42]
    changed = people(tmp_path, ROW.replace("jongno", "mapo") + ",07:00-10:00,45", "44" + ROW[2:] + ",,",
                     header=HEADER + ",morning,grace_min")
    done = anbu("provision", changed, "--keys", tmp_path / "new.csv")
    assert (done.exit_code, "1 of them new" in done.stdout) == (0, True)
    after = asyncio.run(read_profiles(settings))
    assert after[42]["devices"] == before["devices"]
    assert (after[42]["site"], after[42]["grace_min"]) == ("mapo", 45)
    assert after[42]["windows"] == {"morning": {"open": "07:00", "close": "10:00"}}
    assert set(keys_in(tmp_path / "new.csv")) == {(44, 0, 1)}
    assert anbu("provision", people(tmp_path, ROW)).exit_code == 0, "nobody new, so no file of keys"


def test_a_new_person_is_asked_unless_the_row_says_otherwise(anbu: Anbu, settings: Settings, tmp_path: Path) -> None:
    rows = (f"{ROW},+821000000042,,10 backup; 30 team lead,30 0", f"43{ROW[2:]},,none,,", f"44{ROW[2:]},,5 20,,")
    header = HEADER + ",msisdn,ask_min,escalation,remind"
    assert anbu("provision", people(tmp_path, *rows, header=header)).exit_code == 0
    profiles = {subject: parse_profile(document) for subject, document in asyncio.run(read_profiles(settings)).items()}
    assert {subject: profile.ask_min for subject, profile in profiles.items()} == {42: (0, 15, 26), 43: (), 44: (5, 20)}
    assert [device.msisdn for device in profiles[42].devices] == ["+821000000042", None]
    assert [device.msisdn for device in profiles[43].devices] == [None, None]
    assert profiles[42].escalation == (EscalationStep(10, "backup"), EscalationStep(30, "team lead"))
    assert (profiles[42].remind, profiles[43].remind) == (Reminders(30, 0), None)


def test_a_known_person_keeps_what_the_row_does_not_name(anbu: Anbu, settings: Settings, tmp_path: Path) -> None:
    first = people(tmp_path, ROW + ",+821000000042,none", header=HEADER + ",msisdn,ask_min")
    assert anbu("provision", first).exit_code == 0
    assert anbu("rekey", 42, 0, "--keys", tmp_path / "second.csv").exit_code == 0
    assert anbu("provision", people(tmp_path, ROW)).exit_code == 0
    kept = parse_profile(asyncio.run(read_profiles(settings))[42])
    assert (kept.ask_min, [device.msisdn for device in kept.devices if device.slot == 0]) == (
        (), ["+821000000042", "+821000000042"])
    assert anbu("provision", people(tmp_path, ROW + ",+821000000043", header=HEADER + ",msisdn")).exit_code == 0
    assert anbu("rekey", 42, 0, "--keys", tmp_path / "third.csv", "--drop-oldest", "--msisdn",
                "+821000000044").exit_code == 0
    profile = parse_profile(asyncio.run(read_profiles(settings))[42])
    assert {device.epoch: device.msisdn for device in profile.devices if device.slot == 0} == {
        2: "+821000000043", 3: "+821000000044"}, "the row names the newest device"
    assert anbu("rekey", 42, 0, "--msisdn", "1666").exit_code == 2


def test_a_file_of_keys_is_never_overwritten(anbu: Anbu, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "people.keys.csv").write_text("the only copy")
    done = anbu("provision", people(tmp_path, ROW))
    assert (done.exit_code, "--keys" in done.stderr) == (2, True)
    assert (tmp_path / "people.keys.csv").read_text() == "the only copy"
    assert asyncio.run(read_profiles(settings)) == {}, "nobody is in the registry whose key nobody has"


def test_people_are_counted_and_not_keys(anbu: Anbu, settings: Settings, tmp_path: Path) -> None:
    """A person whom the registry knows without a home unit gets a key, and is not new."""
    assert anbu("provision", people(tmp_path, ROW), "--keys", tmp_path / "first.csv").exit_code == 0
    known = asyncio.run(read_profiles(settings))[42]
    asyncio.run(publish([SubjectRecord(REGISTRY, 42, {**known, "devices": []})], settings))
    done = anbu("provision", people(tmp_path, ROW, "43" + ROW[2:]), "--keys", tmp_path / "second.csv")
    assert (done.exit_code, "2 people are in the registry, 1 of them new" in done.stdout) == (0, True), done.output
    assert set(keys_in(tmp_path / "second.csv")) == {(42, 0, 1), (43, 0, 1)}


async def test_names_go_to_the_database_alone(anbu: Anbu, settings: Settings, tmp_path: Path, store: Store,
                                              database_url: str) -> None:
    path = people(tmp_path, ROW + ",김영자,+82101111,,", "43" + ROW[2:] + ",,,,",
                  header=HEADER + ",name,telephone,address,notes")
    done = await asyncio.to_thread(anbu, "provision", path, ANBU_MONGODB=database_url)
    assert done.exit_code == 0, done.output
    registry = await read_profiles(settings)
    assert "김영자" not in json.dumps(registry, ensure_ascii=False)
    assert set(registry) == {42, 43}
    found = [one async for one in store.database["people"].find({})]
    assert [(one["subject"], one["contact"]) for one in found] == [(42, {"name": "김영자", "telephone": "+82101111"})]


@pytest.mark.parametrize(("text", "words"), [
    ("", "columns"),
    ("subject,site\n1,a\n", "gateway, tz, since is missing"),
    (f"{HEADER},nmae\n{ROW},x\n", "the columns nmae are unknown"),
    (f"{HEADER}\nx{ROW}\n", "line 2: subject"),
    (f"{HEADER}\n{ROW}\n{ROW}\n", "line 3: 42 appears twice"),
    (f"{HEADER}\n{ROW},more\n", "line 2: the number of fields differs"),
    (f"{HEADER}\n42,jongno\n", "line 2: the number of fields differs"),
    (f"{HEADER}\n{ROW.replace('Asia/Seoul', 'Asia/Soul')}\n", "line 2: tz"),
    (f"{HEADER}\n{ROW.replace('+09:00', '')}\n", "line 2: since"),
    (f"{HEADER}\n{ROW.replace('jongno', '')}\n", "line 2: site"),
    (f"{HEADER}\n-1{ROW[2:]}\n", "line 2: subject"),
    (f"{HEADER},morning\n{ROW},6-9\n", "write 06:00-09:00"),
    (f"{HEADER},morning\n{ROW},09:00-06:00\n", "line 2: windows.morning"),
    (f"{HEADER},grace_min\n{ROW},half\n", "grace_min must be"),
    (f"{HEADER},msisdn\n{ROW},01012345678\n", "line 2: msisdn is 01012345678"),
    (f"{HEADER},ask_min\n{ROW},soon\n", "line 2: ask_min is soon; write minutes"),
    (f"{HEADER},ask_min\n{ROW},26 15\n", "line 2: ask_min is missing or wrong"),
    (f"{HEADER},remind\n{ROW},30\n", "line 2: remind is 30; write two numbers"),
    (f"{HEADER},escalation\n{ROW},backup 10\n", "line 2: escalation has backup 10; write minutes and a name"),
    (f"{HEADER},escalation\n{ROW},10 backup;\n", "line 2: escalation has an empty step"),
    (f'{HEADER}\n"{ROW}\n', "is no CSV"),
])
def test_a_wrong_file_is_refused_before_anything_is_done(anbu: Anbu, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    done = anbu("provision", path)
    assert (done.exit_code, words in done.stderr) == (2, True), done.stderr


def test_a_file_that_is_not_text_is_refused(anbu: Anbu, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(HEADER.encode() + b"\n\xff\xfe")
    assert anbu("provision", tmp_path / "people.csv").exit_code == 2


def test_a_missing_setting_is_reported_in_one_line(anbu: Anbu, tmp_path: Path) -> None:
    path = people(tmp_path, ROW)
    done = anbu("provision", path, ANBU_KEK_FILE=None)
    assert (done.exit_code, done.stderr.count("\n"), "ANBU_KEK_FILE" in done.stderr) == (2, 1, True)
    assert anbu("provision", path, "--kek", "k9").exit_code == 2
    done = anbu("provision", path)
    assert (done.exit_code, done.stderr.count("\n"), "ANBU_KAFKA" in done.stderr) == (1, 1, True)


def test_the_registry_is_read_as_the_judgement_reads_it(anbu: Anbu, settings: Settings, tmp_path: Path) -> None:
    """A tombstone ends a profile; a record that breaks the contract changes nothing."""
    assert anbu("provision", people(tmp_path, ROW, "43" + ROW[2:])).exit_code == 0
    before = asyncio.run(read_profiles(settings))

    async def write() -> None:
        async with sending(settings) as sender:
            for key, value in ((b"42", None), (b"43", b"{"), (b"43", b'{"subject":43}'), (b"x", None), (b"44", b"[]")):
                for partition in range(settings.partitions):
                    await sender.send_and_wait(REGISTRY, value, key=key, partition=partition)

    asyncio.run(write())
    assert asyncio.run(read_profiles(settings)) == {43: before[43]}
    assert b64decode(before[43]["devices"][0]["key"])


async def test_the_number_of_an_erased_person_is_not_used_again(anbu: Anbu, settings: Settings, tmp_path: Path,
                                                                store: Store) -> None:
    await People(store.database).mark_erased(43, "2026-11-24T00:00:00Z")
    done = await asyncio.to_thread(anbu, "provision", people(tmp_path, ROW, "43" + ROW[2:]))
    assert (done.exit_code, "43 was erased" in done.stderr) == (2, True)
    assert await read_profiles(settings) == {}, "neither of them"
    assert not (tmp_path / "people.keys.csv").exists()


def test_no_new_person_is_registered_without_the_database(anbu: Anbu, settings: Settings, tmp_path: Path) -> None:
    done = anbu("provision", people(tmp_path, ROW), ANBU_MONGODB="mongodb://127.0.0.1:1/anbu")
    assert (done.exit_code, "ANBU_MONGODB" in done.stderr) == (1, True)
    assert asyncio.run(read_profiles(settings)) == {}
