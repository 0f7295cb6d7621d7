"""The questions of a round at their provider: none is lost, none is sent past its deadline, none has other octets.

It is noon for the agent `ask`. So the questions of the morning are too late, and those of the afternoon are not. A
question may be sent more than once: its device drops the second.
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
SENT: Final = {"to": "{to}", "text": "{text}", "id": "{id}", "valid": "{valid_s}"}
PLACEHOLDER: Final = "http://127.0.0.1:9/hook"  # of a team that no agent of a round notifies


class Asking:
    """The world of the agent `ask`: its provider, the line to it, and its clock.

    noon: what the clock shows when the round begins, epoch seconds.
    variables: the settings of the agent.
    """

    def __init__(self, provider: Endpoint, line: Proxy, clock: Path, noon: int) -> None:
        self.provider, self.line, self.noon = provider, line, noon
        self._clock = SharedClock.create(clock, noon)
        devices = {"type": "http", "url": f"http://127.0.0.1:{line.port}/sms", "per_s": 1000, "json": SENT}
        self.variables = {"ANBU_CLOCK_FILE": str(clock), "ANBU_ROUTES": orjson.dumps({
            "channels": {"devices": devices, "team": {"type": "slack", "url": PLACEHOLDER}}, "asks": {"*": "devices"},
            "sites": {"*": {"default": ["team"]}}, "gateways": {"*": ["team"]}}).decode()}

    @asynccontextmanager
    async def clock(self) -> AsyncIterator[None]:
        """The clock goes as fast as any other until the block ends; without it no attempt would be due again."""
        task = asyncio.create_task(self._go(time.monotonic()))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _go(self, began: float) -> None:
        while True:
            self._clock.set(self.noon + time.monotonic() - began)
            await asyncio.sleep(STEP_S)


@contextmanager
def asking(folder: Path, noon: int) -> Iterator[Asking]:
    folder.mkdir(parents=True, exist_ok=True)
    with Endpoint() as provider, proxy(urlsplit(provider.url).port or 0) as line:
        yield Asking(provider, line, folder / "clock", noon)


def wrong(asked: Iterable[dict[str, Any]], sent: Sequence[Request], noon: int) -> list[str]:
    """What is wrong with the questions of a round, in words.

    asked: the records of topic `asks`, repeats included.
    sent: what the provider has taken, all of it.
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
        elif parse_time(question["until"], "until") < noon + int(one["valid"]):
            problems.append(f"question {one['id']} was sent past its deadline {question['until']}: {one}")
        taken.add(one["id"])
    problems += [f"question {key} was never sent: {record}" for key, record in found.items()
                 if parse_time(record["until"], "until") > noon and key not in taken]
    for record in found.values():
        if not parse_time(record["at"], "at") < parse_time(record["until"], "until"):
            problems.append(f"asked past the deadline: {record}")
    return problems
