"""A worker is killed three times in the middle of a fleet's day, and judges as if nothing had happened.

Nothing is missed or false; and every state, output and document is what the pure core makes of the run's input.
"""

import os
import random
import signal
from pathlib import Path

import orjson
import pytest
from support.audit import audit
from support.broker import ON_KAFKA
from support.expected_history import expected
from support.history import documents, settle

from cli.demo.run import Demo, Run
from cli.demo.system import System
from local.kafka import LocalKafka
from models.wire.keys import KeyRing, parse_keks
from simulator.fleet import Fleet
from stores.mongo import Store

SEED, KILLS = 5, 3


def kill_an_agent(system: System, agent: str) -> None:
    """SIGKILL the child that runs one agent; its supervisor starts another."""
    os.kill(int((system.settings.data_path() / agent / "pid").read_text()), signal.SIGKILL)


@pytest.mark.timeout(280)
async def test_a_killed_worker_misses_no_alert(tmp_path: Path) -> None:
    fleet = Fleet(60, 1, seed=SEED)
    dice = random.Random(SEED)
    moments = sorted(dice.randint(fleet.begin + 5 * 3600, fleet.begin + 15 * 3600) for _ in range(KILLS))
    system = System(tmp_path, fleet, LocalKafka(tmp_path) if ON_KAFKA else None)

    def show(run: Run) -> None:
        if moments and run.now >= moments[0]:
            moments.pop(0)
            kill_an_agent(system, "watch")

    try:
        system.start_services()
        demo = Demo(system, fleet, 2880, show)
        await demo.prepare()
        system.start_parts()
        await demo.wait_until_ready()
        await demo.days()
        assert moments == []
        verdict = demo.run.verdict()
        assert (verdict.missed, verdict.false) == ([], [])
        keys = KeyRing(parse_keks(orjson.dumps(fleet.keks())))
        found = await audit(system.settings, keys)
        assert found.problems == []
        assert found.owners >= system.settings.partitions + KILLS, "the lanes were taken over after each kill"
        store = Store(system.settings.mongodb)
        await settle(store)
        assert await documents(store) == expected(found.said)
        store.close()
    finally:
        system.stop()
