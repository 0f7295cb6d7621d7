"""`anbu bench recovery`: a worker reads the state of a nation back; the seconds, and the peak memory of the worker.

Faust's own recovery of a table with the same values is measured beside it, with fewer people, and scaled. The people
have lived through three weeks of windows, so their states have full size.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from copy import copy
from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from bench import nation
from bench.child import Child
from bench.core import lived
from bench.figures import Figure, ProgressLine, checked
from bench.stage import Row, Stage, inputs_done, stage
from models.judgement import codec
from models.judgement.fold import Fold
from models.judgement.lane import LANE_KEY, LaneState
from models.wire.keys import KeyRing
from streams.engine.changelog import DONE
from streams.partition import partition_of
from streams.topics import SMS, changelog

NAME: Final = "recovery"
TEMPLATES: Final = 500
WINDOWS: Final = 42
FAUST_SHARE: Final = 20
BATCH: Final = 2000
PATIENCE_S: Final = 900.0
AT_MOST_S, AT_MOST_MB, AIM_PEOPLE = 10, 400, 1_000_000


class LivedStates:
    """States of any number of people, copied from a few people who have lived through windows. Each person has an own
    wrapped key."""

    def __init__(self, templates: int = TEMPLATES, windows: int = WINDOWS) -> None:
        self._lane = lived(range(1, templates + 1), windows, Fold(KeyRing(nation.KEKS)))
        self._templates = [self._lane.somebody(subject) for subject in range(1, templates + 1)]

    def batches(self, people: range, partitions: int) -> Iterator[Row]:
        """The rows as a worker writes them: first the lane's own record, then batches, each with its `done`."""
        for number in range(partitions):
            yield number, LANE_KEY, self.lane()
        counts, progress = Counter[int](), ProgressLine("states written", len(people))
        for row in self.rows(people, partitions):
            yield row
            progress.add()
            counts[row[0]] += 1
            if counts[row[0]] % BATCH == 0:
                yield row[0], DONE, inputs_done({})
        for number in range(partitions):
            yield number, DONE, inputs_done({})

    def rows(self, people: range, partitions: int) -> Iterator[Row]:
        for subject in people:
            person = copy(self._templates[subject % len(self._templates)])
            device = person.profile.devices[0]
            own = replace(device, key=blake2b(b"%d" % subject, digest_size=len(device.key)).digest())
            person.profile = replace(person.profile, subject=subject, devices=(own,))
            yield partition_of(subject, partitions), b"%d" % subject, codec.pack_person(person)

    def lane(self) -> bytes:
        """The gateways' times, as of the last window."""
        return times(self._lane)


def times(lane: LaneState) -> bytes:
    return codec.pack_times(lane.times.values())


def recovery(address: str | None, people: int = AIM_PEOPLE) -> list[Figure]:
    """Raises WrongResultError, SettingsError, EmbeddedError."""
    with stage(address) as one:
        return asyncio.run(_recovery(one, people))


async def _recovery(one: Stage, count: int) -> list[Figure]:
    states, settings = LivedStates(), await one.app("recovery")
    few, partitions = max(count // FAUST_SHARE, 1), settings.partitions
    await one.write(changelog(settings), states.batches(range(1, count + 1), partitions))
    with Child(one, "watch", settings.app_id, SMS, "0") as worker:
        found = await worker.answer(PATIENCE_S)
    checked(found["people"] == count, f"{found['people']} of {count} people were recovered")
    table_app = one.name("table")
    await one.create(f"{table_app}-people-changelog")
    await one.write(f"{table_app}-people-changelog", states.rows(range(1, few + 1), partitions))
    with Child(one, "plain_faust", table_app, SMS, "0") as table:
        plain = await table.answer(PATIENCE_S)
    checked(plain["people"] == few, f"Faust recovered {plain['people']} of {few} people")
    seconds, scaled = found["opened_s"], plain["opened_s"] * count / few
    whole = count == AIM_PEOPLE  # the aims are a million people's
    return [Figure(NAME, "people", count),
            Figure(NAME, "seconds", seconds, AT_MOST_S if whole else None, at_most=True),
            Figure(NAME, "peak_mb", found["peak_mb"], AT_MOST_MB if whole else None, at_most=True),
            Figure(NAME, "people_per_s", count / seconds),
            Figure(NAME, "faust_seconds_scaled", scaled),
            Figure(NAME, "ratio_to_faust", scaled / seconds)]
