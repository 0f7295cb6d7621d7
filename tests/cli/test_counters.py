"""A counter is used once, whatever happens: a repeated counter would repeat a nonce."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from cli.counters import COUNTERS, CounterError, next_counter


def test_counters_rise_and_are_of_one_device(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    assert [next_counter(folder, 42, 7, 1) for _ in range(3)] == [1, 2, 3]
    assert next_counter(folder, 43, 7, 1) == next_counter(folder, 42, 7, 2) == next_counter(folder, 42, 6, 1) == 1
    assert next_counter(folder, 42, 7, 1) == 4


def _several(folder: Path) -> list[int]:
    return [next_counter(folder, 42, 7, 1) for _ in range(25)]


def test_processes_at_the_same_moment_get_different_ones(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        given = [counter for ones in pool.map(_several, [tmp_path] * 4) for counter in ones]
    assert sorted(given) == list(range(1, 101))


@pytest.mark.parametrize("torn", [b"", b"1", b"rubbish"])
def test_a_crash_in_the_middle_repeats_no_counter(tmp_path: Path, torn: bytes) -> None:
    """The old file counts until the new file has replaced it."""
    assert _several(tmp_path)[-1] == 25
    (tmp_path / "send-42-7-1.new").write_bytes(torn)
    assert next_counter(tmp_path, 42, 7, 1) == 26


@pytest.mark.parametrize("rubbish", [b"", b"-5", b"12 ", b"\xff"])
def test_an_unreadable_counter_file_does_not_restart_the_counters(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "send-42-7-1").write_bytes(rubbish)
    with pytest.raises(CounterError, match="new key"):
        next_counter(tmp_path, 42, 7, 1)


def test_an_epoch_without_counters_left_is_reported(tmp_path: Path) -> None:
    (tmp_path / "send-42-7-1").write_bytes(b"%d" % (COUNTERS - 2))
    assert next_counter(tmp_path, 42, 7, 1) == COUNTERS - 1
    for _ in range(2):
        with pytest.raises(CounterError, match="used"):
            next_counter(tmp_path, 42, 7, 1)


def test_a_counter_is_on_the_disk_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced before it is renamed, and its folder after that."""
    synced: list[bytes] = []
    fsync = os.fsync

    def note(number: int) -> None:
        synced.append((tmp_path / "send-42-7-1").read_bytes() if (tmp_path / "send-42-7-1").exists() else b"")
        fsync(number)

    monkeypatch.setattr(os, "fsync", note)
    assert next_counter(tmp_path, 42, 7, 1) == 1
    assert synced == [b"", b"1"]
