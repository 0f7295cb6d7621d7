"""One round: a load, faults at moments from the seed, and then the verdict on everything that was said, kept, asked."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Final

import orjson
from support.audit import Audit, audit
from support.expected_history import expected
from support.history import documents, settle

from chaos.asked import Asking, asking, wrong
from chaos.faults import SESSION_S, Faults
from chaos.load import load, send
from chaos.system import PROPER, Ground, System
from models.wire.keys import KeyRing, parse_keks
from simulator.fleet import Fleet
from stores.mongo import Store
from stores.projection.collections import DAYS
from stores.upkeep import Upkeep
from streams.kafka import producer
from streams.topics import declare

PARTITIONS: Final = 8
PEOPLE: Final = 150
# The fleet's scenario, and the time of day at which the agent `ask` begins: at noon the morning's are too late.
SCENARIOS: Final[tuple[tuple[str, int], ...]] = (("usual", 0), ("outage", 12 * 3600))
LOAD_S: Final = 12.0
FIRST_FAULT_S: Final = 0.5
BETWEEN_S: Final = (0.5, 3.0)
DRAINED_S: Final = 60.0


@dataclass
class Outcome:
    """problems: in words; empty where all is right."""

    seed: int
    problems: list[str] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    exits: Counter[int] = field(default_factory=Counter)
    inputs: int = 0
    outputs: int = 0
    repeats: int = 0
    asked: int = 0
    owners: int = 0
    seconds: float = 0.0

    def take(self, found: Audit) -> None:
        """The verdict. Where nothing was read, nothing said, or nobody asked, nothing was shown."""
        self.problems += found.problems
        if not found.inputs or not found.outputs or not found.asked:
            self.problems.append(f"{found.inputs} inputs, {found.outputs} outputs, and {len(found.asked)} questions: "
                                 f"this shows nothing")
        self.inputs, self.outputs = found.inputs, found.outputs
        self.repeats, self.owners, self.asked = found.repeats, found.owners, len(found.asked)


async def play(seed: int, ground: Ground, folder: Path) -> Outcome:
    began, outcome = time.monotonic(), Outcome(seed)
    scenario, begins = SCENARIOS[seed % len(SCENARIOS)]
    fleet = Fleet(PEOPLE, 1, seed=seed, scenario=scenario)
    with asking(folder / "asking", fleet.begin + begins) as provider:
        await _play(ground, folder, fleet, provider, outcome)
    outcome.seconds = time.monotonic() - began
    return outcome


async def _play(ground: Ground, folder: Path, fleet: Fleet, provider: Asking, outcome: Outcome) -> None:
    keks, dice = orjson.dumps(fleet.keks()), Random(outcome.seed)
    system = System(ground, folder / "workers", f"chaos-{outcome.seed}", PARTITIONS, keks.decode(), SESSION_S, provider)
    faults = Faults(system, dice)
    try:
        await declare(system.settings)
        async with provider.clock():
            outcome.problems += await _storm(system, faults, fleet, dice)
    finally:
        outcome.problems += system.stop()
        outcome.acts, outcome.exits = faults.done, system.exits
    found = await audit(system.settings, KeyRing(parse_keks(keks)))
    outcome.take(found)
    outcome.problems += wrong(found.asked, provider.provider.requests, provider.begins)
    outcome.problems += [f"a worker left with status {status}" for status in system.exits if status not in PROPER]
    store = Store(system.settings.mongodb)  # not through the proxy
    await settle(store)
    kept, said = await documents(store), expected(found.said)
    outcome.problems += [f"database: {name} {key} is {kept.get(name, {}).get(key)!r}, should be {said[name].get(key)!r}"
                         for name in kept.keys() | said.keys()
                         for key in kept.get(name, {}).keys() | said.get(name, {}).keys()
                         if kept.get(name, {}).get(key) != said.get(name, {}).get(key)]
    dates = sorted({day.partition("/")[0] for day in kept.get(DAYS, {})})
    if dates:
        first, last = date.fromisoformat(dates[0]), date.fromisoformat(dates[-1])
        outcome.problems += [f"database: anbu recompute changes {one}" async for _, others in Upkeep(store).recompute(
            first, last, dry_run=True) for one in others]
    store.close()
    await system.forget()


async def _storm(system: System, faults: Faults, fleet: Fleet, dice: Random) -> list[str]:
    lines = await asyncio.to_thread(lambda: list(load(fleet, system.partitions, dice)))
    sender = producer(system.settings, linger_ms=5)
    await sender.start()
    # Everybody is registered before the day begins, or most reports would be of nobody.
    await send(sender, lines[:PEOPLE], system.partitions, 0.1)
    problems = await drain(system)
    loading = asyncio.create_task(send(sender, lines[PEOPLE:], system.partitions, LOAD_S))
    try:
        next_act = time.monotonic() + FIRST_FAULT_S
        while not loading.done():
            system.tend()
            await faults.tend()
            if time.monotonic() >= next_act:
                await faults.act(dice.choice(faults.names))
                next_act = time.monotonic() + dice.uniform(*BETWEEN_S)
            await asyncio.sleep(0.05)
        await loading
    finally:
        loading.cancel()
        await faults.mend()
        await sender.stop()
    return problems or await drain(system)


async def drain(system: System) -> list[str]:
    """Until nothing waits any more; in words, what still does when time is up."""
    deadline = time.monotonic() + DRAINED_S
    system.tend()
    while left := await system.behind():
        if time.monotonic() > deadline:
            waiting = ", ".join(f"{place}: {count}" for place, count in left.items())
            return [f"{sum(left.values())} records still wait after {DRAINED_S:g} s ({waiting})",
                    *await system.health()]
        system.tend()
        await asyncio.sleep(0.3)
    return []
