"""`anbu backup` and `anbu restore` refuse to lose data, in one line that names a remedy."""

import asyncio
import json
import shutil
from pathlib import Path

import orjson
import pytest
from support.commands import Anbu

from cli.archive import ArchiveReader
from cli.backup import _registry
from cli.broker import SubjectRecord, Writable, publish, write
from runtime.settings import Settings
from stores.dump import aged
from streams.partition import partition_of
from streams.topics import REGISTRY

PROFILE = {"subject": 7, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", "since": "2026-11-01T00:00:00Z"}


@pytest.fixture
async def made(anbu: Anbu, environ: dict[str, str], database_url: str, settings: Settings, tmp_path: Path) -> Path:
    """A backup of a system with one person."""
    environ["ANBU_MONGODB"] = database_url
    await publish([SubjectRecord(REGISTRY, 7, PROFILE)], settings)
    folder = tmp_path / "made"
    return folder


def test_restore_refuses_a_system_that_does_not_fit(made: Path, anbu: Anbu, tmp_path: Path) -> None:
    done = anbu("backup", made, "--json")
    assert (done.exit_code, json.loads(done.stdout)["files"]["registry.gz"][0]) == (0, 1), done.output
    assert made.stat().st_mode & 0o777 == 0o700
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"k1": "B" * 43 + "="}))
    for why, status, changes in (
            ("topic registry is not empty", 1, {}),
            ("ANBU_KEK_FILE lacks keys of the backup (k1)", 2, {"ANBU_KEK_FILE": str(other)}),
            ("ANBU_PARTITIONS is 8, but the backup has 4 lanes", 2, {"ANBU_PARTITIONS": "8"}),
            ("ANBU_APP_ID is other", 2, {"ANBU_APP_ID": "other"})):
        done = anbu("restore", made, **changes)
        assert (done.exit_code, why in done.stderr) == (status, True), done.output
    assert "exists already" in anbu("backup", made).stderr
    assert anbu("backup", tmp_path / "another", "--keys", tmp_path / "another" / "keys").exit_code == 2


@pytest.mark.parametrize("away", [{"ANBU_MONGODB": "mongodb://127.0.0.1:1/anbu"}, {"ANBU_KAFKA": "127.0.0.1:1"}])
def test_a_backup_that_failed_can_be_repeated(made: Path, anbu: Anbu, away: dict[str, str]) -> None:
    assert anbu("backup", made, **away).exit_code == 1
    done = anbu("backup", made)
    assert done.exit_code == 0, done.stderr


async def test_a_forwarded_record_is_not_forwarded_again_after_a_restore(made: Path, anbu: Anbu,
                                                                         settings: Settings) -> None:
    """It would come to its person's partition once more, behind what is newer: an old profile, or one of the erased.
    Of 8 nobody has sent anything on yet."""
    mine, other = partition_of(7, settings.partitions), (partition_of(8, settings.partitions) + 1) % settings.partitions
    new = orjson.dumps({**PROFILE, "subject": 8})
    await write([Writable(REGISTRY, (mine + 1) % settings.partitions, b"7", orjson.dumps({**PROFILE, "site": "old"})),
                 Writable(REGISTRY, mine, b"seven", b"no JSON"), Writable(REGISTRY, other, b"8", new)], settings)
    assert (await asyncio.to_thread(anbu, "backup", made)).exit_code == 0
    assert {(one.partition, one.key, one.value) for one in _registry(ArchiveReader(made), settings)} == {
        (mine, b"7", orjson.dumps(PROFILE)), (mine, b"seven", b"no JSON"), (other, b"8", new)}


def test_an_incomplete_backup_is_refused(made: Path, anbu: Anbu, tmp_path: Path) -> None:
    assert anbu("backup", made).exit_code == 0
    manifest = json.loads((made / "manifest.json").read_text())

    def cut(folder: Path) -> None:
        (folder / "registry.gz").write_bytes((folder / "registry.gz").read_bytes()[:-3])

    def lose_a_lane(folder: Path) -> None:
        (folder / "lanes" / "0.gz").unlink()

    def lose_the_manifest(folder: Path) -> None:
        (folder / "manifest.json").unlink()

    def come_from_later(folder: Path) -> None:
        (folder / "manifest.json").write_text(json.dumps({**manifest, "version": 2}))

    for harm in (cut, lose_a_lane, lose_the_manifest, come_from_later):
        folder = tmp_path / harm.__name__
        shutil.copytree(made, folder)
        harm(folder)
        done = anbu("restore", folder)
        assert (done.exit_code, str(folder) in done.stderr) == (2, True), harm


def test_a_missing_broker_or_database_is_reported(anbu: Anbu, environ: dict[str, str], tmp_path: Path) -> None:
    environ["ANBU_MONGODB"] = "mongodb://127.0.0.1:1/anbu"
    done = anbu("backup", tmp_path / "made")
    assert (done.exit_code, "the database is away (ANBU_MONGODB)" in done.stderr) == (1, True)


def test_restored_documents_are_older_than_new_records() -> None:
    person = {"_id": "7", "subject": 7, "ver": 40, "excuses": {"9": {"id": "a"}, "10": {"id": "b"}, "-1": {"id": "c"}}}
    assert aged("people", person) == {"_id": "7", "subject": 7, "excuses": {
        "-3": {"id": "c"}, "-2": {"id": "a"}, "-1": {"id": "b"}}}
    assert aged("alerts", {"_id": "x", "ver": 3}) == {"_id": "x", "ver": 3}
    assert aged("people", {"_id": "7", "ver": 1}) == {"_id": "7"}
