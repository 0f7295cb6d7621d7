"""Counters of `anbu send`. A counter used twice with a key is a nonce used twice, so it is on the disk before its use.

A new counter is written beside the old file and renamed over it, and the folder is synced too. So neither a crash nor a
loss of power takes it back.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

COUNTERS: Final = 1 << 24  # of one epoch: the field has three octets


class CounterError(RuntimeError):
    """There is no counter to use; the text says what to do."""


def next_counter(folder: Path, subject: int, slot: int, epoch: int) -> int:
    """A counter that this folder gives only once. Raises CounterError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"send-{subject}-{slot}-{epoch}"
    with path.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        counter = _last(path) + 1
        if counter >= COUNTERS:
            raise CounterError(f"all counters of slot {slot}, epoch {epoch} are used: {subject} needs a new key there")
        _write(path, counter)
    return counter


def _last(path: Path) -> int:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return 0
    if not text.isdigit():
        raise CounterError(f"{path} holds no number, so the used counters are unknown: a new key is needed")
    return int(text)


def _write(path: Path, counter: int) -> None:
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(b"%d" % counter)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
