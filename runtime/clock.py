"""A process gets its time as a value: from the system, or in demo and tests from a clock that processes share."""

import mmap
import struct
import time
from pathlib import Path
from typing import Final, Protocol

_VALUE: Final = struct.Struct("d")  # has CLOCK_OCTETS octets; the settings check that


class Clock(Protocol):
    """A clock.

    now: epoch seconds, UTC.
    virtual: True if an owner moves the clock; then a process that waits must poll it.
    """

    @property
    def virtual(self) -> bool: ...

    def now(self) -> float: ...


class SystemClock:
    """The machine's clock."""

    virtual = False

    def now(self) -> float:
        return time.time()


class SharedClock:
    """A time in a file of 8 octets that every process maps. Only the owner moves it. An aligned write is atomic."""

    virtual = True

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _VALUE.size)

    @classmethod
    def create(cls, path: Path, at: float) -> "SharedClock":
        path.write_bytes(_VALUE.pack(at))
        return cls(path)

    def now(self) -> float:
        at: float = _VALUE.unpack_from(self._memory)[0]
        return at

    def set(self, at: float) -> None:
        """Move the time forward. Raises ValueError if `at` is earlier than now: no process expects that."""
        if at < self.now():
            raise ValueError(f"the clock stands at {self.now()}, it cannot go back to {at}")
        _VALUE.pack_into(self._memory, 0, at)


def clock_of(clock_file: str | None) -> Clock:
    """Return the clock of a process, by its setting ANBU_CLOCK_FILE."""
    return SystemClock() if clock_file is None else SharedClock(Path(clock_file))
