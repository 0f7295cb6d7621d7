"""The folder of a backup: compressed files, and a manifest of them. Only files in the manifest are restored.

    manifest.json            version, when, partitions, keys by fingerprint, records and SHA-256 of each file
    database/NAME.bson.gz    the documents of a collection
    lanes/NUMBER.gz          the state of a lane as of its last whole batch: MessagePack, [key, value] each
    registry.gz              the newest record of each subject: MessagePack, [partition, key, value]
"""

import contextlib
import gzip
import hashlib
import json
import shutil
from collections.abc import AsyncIterable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgpack

VERSION: Final = 1
MANIFEST: Final = "manifest.json"


class ArchiveError(Exception):
    """The folder is not a complete backup; the text names the fault."""


class Manifest(NamedTuple):
    """files: by name, (records, SHA-256). keks: by name, a fingerprint to compare keys."""

    at: str
    partitions: int
    app_id: str
    keks: dict[str, str]
    files: dict[str, tuple[int, str]]
    version: int = VERSION


def fingerprint(kek: bytes) -> str:
    """Reveals nothing of the key: 256 random bits cannot be found by their hash."""
    return hashlib.sha256(b"anbu kek fingerprint" + kek).hexdigest()[:16]


class ArchiveWriter:
    """A new folder. It is a backup only once the manifest is there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True)
        self._folder = folder
        self._files: dict[str, tuple[int, str]] = {}

    @contextlib.contextmanager
    def dropped_unless_whole(self) -> Iterator[None]:
        """Delete the folder of an incomplete backup: a retry of the command needs the name."""
        try:
            yield
        except BaseException:
            shutil.rmtree(self._folder)
            raise

    async def write(self, name: str, records: AsyncIterable[bytes]) -> int:
        """Write a file of records with known ends. Returns their number."""
        path, count = self._folder / name, 0
        path.parent.mkdir(exist_ok=True)
        with gzip.open(path, "wb", compresslevel=6) as file:
            async for one in records:
                file.write(one)
                count += 1
        self._files[name] = count, _digest(path)
        return count

    def finish(self, at: str, partitions: int, app_id: str, keks: dict[str, bytes]) -> Manifest:
        manifest = Manifest(at, partitions, app_id, {name: fingerprint(kek) for name, kek in keks.items()}, self._files)
        (self._folder / MANIFEST).write_text(json.dumps(manifest._asdict(), indent=1))
        return manifest


class ArchiveReader:
    """A complete backup. Raises ArchiveError if it is not complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            document["files"] = {name: tuple(one) for name, one in document["files"].items()}
            self.manifest = Manifest(**document)
        except (OSError, ValueError, TypeError, LookupError):
            raise ArchiveError(f"{folder} is not a finished backup: {MANIFEST} is missing or wrong") from None
        if self.manifest.version != VERSION:
            raise ArchiveError(f"{folder} has version {self.manifest.version}, but this Anbu reads version {VERSION}")
        for name, (_, digest) in self.manifest.files.items():
            if not (folder / name).is_file() or _digest(folder / name) != digest:
                raise ArchiveError(f"{folder / name} is missing or has changed")

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self.manifest.files if name.startswith(prefix))

    def packed(self, name: str) -> Iterator[Any]:
        """The records of a file of MessagePack."""
        with gzip.open(self._folder / name, "rb") as file:
            yield from msgpack.Unpacker(file, raw=True)

    def bson(self, name: str) -> Iterator[bytes]:
        """The documents of a file of BSON. Each document begins with its length in four octets."""
        with gzip.open(self._folder / name, "rb") as file:
            while head := file.read(4):
                yield head + file.read(int.from_bytes(head, "little") - 4)


async def packed(records: Iterable[list[Any]]) -> AsyncIterable[bytes]:
    for one in records:
        yield msgpack.packb(one)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
