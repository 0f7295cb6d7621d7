"""The questions of a round at their provider: none is lost, none is sent past its deadline, none has other octets.

The clock of the agent `ask` is not that of the judgement: it begins in the night or at noon, and goes as fast as any
other. So all questions are in time, or those of the morning are too late. A question may be sent more than once: its
device drops the second.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from support.endpoint import Endpoint, Request
from support.proxy import Proxy, proxy

from models.times import parse_time
from runtime.clock import SharedClock

STEP_S: Final = 0.05
LONGEST_S: Final = 600  # so long no round lasts
SENT: Final = {"to": "{to}", "text": "{text}", "id": "{id}", "valid": "{valid_s}"}
PLACEHOLDER: Final = "http://127.0.0.1:9/hook"  # of a team that no agent of a round notifies


class Asking:
    """The world of the agent `ask`: its provider, the line to it, and its clock.

    begins: what the clock shows when the round begins, epoch seconds.
    variables: the settings of the agent.
    """

    def __init__(self, provider: Endpoint, line: Proxy, clock: Path, begins: int) -> None:
        self.provider, self.line, self.begins = provider, line, begins
        self._clock = SharedClock.create(clock, begins)
        devices = {"type": "http", "url": f"http://127.0.0.1:{line.port}/sms", "per_s": 1000, "json": SENT}
        self.variables = {"ANBU_CLOCK_FILE": str(clock), "ANBU_ROUTES": orjson.dumps({
            "channels": {"devices": devices, "team": {"type": "slack", "url": PLACEHOLDER}}, "asks": {"*": "devices"},
            "sites": {"*": {"default": ["team"]}}, "gateways": {"*": ["team"]}}).decode()}

    @asynccontextmanager
    async def clock(self) -> AsyncIterator[None]:
        """The clock goes until the block ends; without it no attempt would be due again."""
        task = asyncio.create_task(self._go(time.monotonic()))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _go(self, began: float) -> None:
        while True:
            self._clock.set(self.begins + time.monotonic() - began)
            await asyncio.sleep(STEP_S)


@contextmanager
def asking(folder: Path, begins: int) -> Iterator[Asking]:
    folder.mkdir(parents=True, exist_ok=True)
    with Endpoint() as provider, proxy(urlsplit(provider.url).port or 0) as line:
        yield Asking(provider, line, folder / "clock", begins)


def wrong(asked: Iterable[dict[str, Any]], sent: Sequence[Request], begins: int) -> list[str]:
    """What is wrong with the questions of a round, in words.

    asked: the records of topic `asks`, repeats included.
    sent: what the provider has taken, all of it.
    begins: when the round began by the clock of the agent, epoch seconds.
    """
    found, problems, taken = dict[str, dict[str, Any]](), list[str](), set[str]()
    for record in asked:
        key = f"{record['subject']}/{record['id']}"
        if found.setdefault(key, record) != record:
            problems.append(f"question {key} stands on the topic with other octets: {record} after {found[key]}")
    for request in sent:
        one = request.json
        question = found.get(one["id"])
        if question is None or (question["to"], question["text"]) != (one["to"], one["text"]):
            problems.append(f"question {one['id']} was sent as {one}, and is {question}")
        elif parse_time(question["until"], "until") < begins + int(one["valid"]):
            problems.append(f"question {one['id']} was sent past its deadline {question['until']}: {one}")
        taken.add(one["id"])
    problems += [f"question {key} was never sent: {record}" for key, record in found.items()
                 if parse_time(record["until"], "until") > begins + LONGEST_S and key not in taken]
    for record in found.values():
        if not parse_time(record["at"], "at") < parse_time(record["until"], "until"):
            problems.append(f"asked past the deadline: {record}")
    return problems
