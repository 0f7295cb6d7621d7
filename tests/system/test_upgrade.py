"""A worker of this version goes on where one of the version before was ended, at whichever moment, while SMS arrive.

tests/states/upgrade.jsonl has what such a worker read and left. The rules of this version judge all that comes after
its last `done`: nothing is lost, and nothing is said twice.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from support.audit import audit
from support.upgrade import Left, left
from support.worker import WorkerProcess

from cli.broker import Writable, write
from models.judgement import codec
from models.judgement.fold import CODE
from models.judgement.lane import LANE_KEY
from models.wire.keys import KeyRing, parse_keks
from runtime.settings import Settings
from streams.engine.changelog import DONE, PLAN
from streams.topics import ALERTS, REPORTS, changelog

ARRIVE_S = 6.0  # so long the SMS after the upgrade take: the worker starts meanwhile
DEADLINE = "2026-11-24T00:30:00Z"  # of the last batch with a plan; an outage opened then
OUTAGE = f"gateway_outage:seoul-1:{DEADLINE}"
FORMER_CODE = "2"


def test_the_former_worker_was_of_another_version() -> None:
    """Otherwise this file shows no upgrade. With a new version make tests/states/upgrade.jsonl by the one before."""
    log = left().log
    assert {json.loads(value)["code"] for key, value in log if key == PLAN} == {FORMER_CODE} != {CODE}
    assert {value[0] for key, value in log if key == LANE_KEY} == {codec.VERSION - 1}


def cut(found: Left, moment: str) -> tuple[Sequence[tuple[bytes, bytes]], Sequence[Writable]]:
    """What of its log and outputs a worker leaves that is killed at this moment of the batch of the deadline."""
    plan = max(number for number, (key, _) in enumerate(found.log) if key == PLAN)
    done = plan + [key for key, _ in found.log[plan:]].index(DONE)
    before = [one for one in found.outputs if moment_of(orjson.loads(one.value or b"")) != DEADLINE]
    return {"before its outputs": (found.log[:plan + 1], before),
            "before its states": (found.log[:plan + 1], found.outputs),
            "among its states": (found.log[:(plan + done) // 2], found.outputs),
            "after it": (found.log, found.outputs)}[moment]


def moment_of(said: Mapping[str, Any]) -> str:
    return str(said.get("time") or said.get("at"))


async def arrive(some: Sequence[Writable], settings: Settings) -> None:
    """One after the other, registry and commands too."""
    for one in some:
        await write([one], settings)
        await asyncio.sleep(ARRIVE_S / len(some))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("moment", ["before its outputs", "before its states", "among its states", "after it"])
async def test_a_worker_goes_on_where_one_of_the_version_before_was_ended(moment: str, tmp_path: Path) -> None:
    found = left()
    log, outputs = cut(found, moment)
    with WorkerProcess(tmp_path, ANBU_PARTITIONS="1", ANBU_KEK=json.dumps(found.keks)) as worker:
        states = [Writable(changelog(worker.settings), 0, key, value) for key, value in log]
        await write([*found.before, *states, *outputs], worker.settings)
        worker.start()
        await arrive(found.after, worker.settings)
        async with httpx.AsyncClient() as http:
            await worker.wait_idle(http)
        assert worker.terminate() == 0
        former = Counter(one.topic for one in (*states, *outputs))
        verdict = await audit(worker.settings, KeyRing(parse_keks(orjson.dumps(found.keks))), former)
        told = f"code {FORMER_CODE} folded the unfinished batch, and this is code {CODE}" in worker.log.read_text()
    assert (verdict.problems, verdict.repeats) == ([], 0)
    assert told is (moment != "after it")
    said = [one.value for one in verdict.said if one.topic in (ALERTS, REPORTS) and one.value is not None]
    if moment != "after it":  # both versions gave the deadline's records the same ids
        assert ids(said) == ids([orjson.loads(one.value or b"") for one in found.outputs])
    changes = Counter(one["data"]["change"] for one in said if one.get("type", "").startswith("kr.anbu"))
    assert changes["released"] + changes["cleared"] > 10, "the alerts that were held did not stay so"
    (end,) = [one["data"] for one in said if one["id"].startswith(OUTAGE) and one["data"]["change"] == "cleared"]
    assert end["revision"] == 2
    # Whether the first afternoon is asked is an accident: the profiles that ask for it may be read after its ticks.
    assert "2026-11-25:morning" in {one["window"] for one in verdict.asked}


def ids(said: Sequence[Mapping[str, Any]]) -> set[tuple[Any, str]]:
    """Of the records of the deadline."""
    return {(one["subject"], one["id"]) for one in said if moment_of(one) == DEADLINE}
