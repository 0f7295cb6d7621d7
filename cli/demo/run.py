"""One run of the demo. Time is virtual, and moves only while no request waits for an answer.

Time stands still while the gateway handles a request (of the fleet or of another client), while an SMS that is due has
no answer, or while a tick has no acknowledgement. So a slow machine makes the demo longer, never wrong.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.store import store_of
from cli.demo.system import VIRTUAL_TICK_S, System, ready
from gateway.adapters.generic import signed
from models.json_object import JsonObject
from models.times import format_time, parse_time
from simulator.fleet import Fleet
from simulator.network import SmsDelivery
from simulator.score import Score, score
from streams.kafka import kafka_options, started_producer, stop_consumer
from streams.partition import partition_of
from streams.topics import ALERTS, COMMANDS, QUARANTINE, REGISTRY, REPORTS, declare

AHEAD_S = 0.2  # how far virtual time may run ahead of --speed before the demo waits
Show = Callable[["Run"], None]


@dataclass(slots=True)
class Run:
    """The events so far. alerts: as a subscriber received them."""

    fleet: Fleet
    now: int
    sent: int = 0
    accepted: int = 0
    alerts: list[JsonObject] = field(default_factory=list)
    checkins: dict[tuple[int, str], tuple[int, str]] = field(default_factory=dict)
    refused: dict[bytes, str] = field(default_factory=dict)  # by origin
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def summary(self) -> JsonObject:
        """The figures of contracts.md."""
        verdict = self.verdict()
        return {
            "people": len(self.fleet.homes), "sent": self.sent, "accepted": self.accepted,
            "quarantined": dict(sorted(Counter(self.refused.values()).items())),
            "checkins": dict(sorted(Counter(result for _, result in self.checkins.values()).items())),
            "alerts": dict(sorted(Counter(one["data"]["kind"] for one in self.opened().values()).items())),
            "missed": len(verdict.missed), "false": len(verdict.false),
            "seconds": round(self.seconds, 1), "sms_per_second": round(self.sent / max(self.seconds, 0.001), 1),
        }

    def take(self, topic: str, value: JsonObject) -> None:
        """Take one record of an output topic. A repeat after a fault changes nothing."""
        if topic == ALERTS:
            self.alerts.append(value)
        elif topic == QUARANTINE:
            self.refused[orjson.dumps(value["origin"])] = value["reason"]
        elif value["type"] == "checkin":
            place, revision = (value["subject"], value["window"]), int(value["id"].rsplit("#", 1)[1])
            if revision > self.checkins.get(place, (0, ""))[0]:
                self.checkins[place] = (revision, value["result"])

    def opened(self) -> dict[str, JsonObject]:
        """The first revision of each alert; an incident once, whatever the number of lanes."""
        return {one["data"]["alert"]: one for one in self.alerts if one["data"]["revision"] == 1}

    def verdict(self) -> Score:
        return score(self.fleet.truth(), self.alerts)


class Demo:
    """Drives a started system through the days of its fleet."""

    def __init__(self, system: System, fleet: Fleet, speed: float, show: Show) -> None:
        self._system, self._fleet, self._speed, self._show = system, fleet, speed, show
        self._secret = system.settings.gateway_secret or ""
        self.run = Run(fleet, fleet.begin)

    async def prepare(self) -> None:
        """Topics, registry, and the names that the page shows."""
        settings = self._system.settings
        await declare(settings)
        async with started_producer(settings) as sender:
            await asyncio.gather(*[
                await sender.send(REGISTRY, orjson.dumps(profile), key=b"%d" % profile["subject"],
                                  partition=partition_of(profile["subject"], settings.partitions))
                for profile in self._fleet.registry()])
        store = store_of(settings)
        await asyncio.gather(*(store.set_contact(person.pop("subject"), person) for person in self._fleet.people()))
        store.close()

    async def wait_until_ready(self) -> None:
        """Wait until every part answers. Raises PartFailed if a part has exited."""
        system = self._system
        urls = [f"{system.gateway_url}/health", f"{system.page_url}ready", *(
            f"{system.worker_url(number)}/health/" for number in (0, 1))]
        async with httpx.AsyncClient(timeout=5) as http:
            while not all([await ready(http, url) for url in urls]):
                system.check()
                await asyncio.sleep(0.1)

    async def days(self) -> None:
        """Run all days of the fleet."""
        async with (started_producer(self._system.settings) as sender, httpx.AsyncClient(timeout=30) as http,
                    self._listening()):
            began = time.monotonic()
            for at, event in self._events():
                ahead = (at - self._fleet.begin) / self._speed - (time.monotonic() - began)
                if ahead > AHEAD_S:
                    await asyncio.sleep(ahead)
                await self._move(http, at)
                if isinstance(event, SmsDelivery):
                    await self._deliver(http, event)
                elif event is not None:
                    partition = partition_of(event["subject"], self._system.settings.partitions)
                    await sender.send_and_wait(COMMANDS, orjson.dumps(event), key=b"%d" % event["subject"],
                                               partition=partition)
                else:
                    await self._ticked(http, at)
                self._show(self.run)
            await self._settle(http)
            self.run.seconds = time.monotonic() - began

    async def go_on(self) -> None:
        """After the last day, time runs at the pace of the wall clock until the demo is ended."""
        began, at = time.monotonic(), self._system.clock.now()
        while True:
            self._system.clock.set(max(self._system.clock.now(), at + time.monotonic() - began))
            self._system.check()
            await asyncio.sleep(0.2)

    def _events(self) -> list[tuple[int, SmsDelivery | JsonObject | None]]:
        """In order of time; None: a tick is due. At one moment commands come first, the tick last."""
        events: list[tuple[int, int, SmsDelivery | JsonObject | None]] = [
            (parse_time(command["at"], "at"), 0, command) for command in self._fleet.commands()]
        events += [(delivery.at, 1, delivery) for delivery in self._fleet.deliveries()]
        events += [(at, 2, None) for at in range(self._fleet.begin, self._fleet.end + 1, VIRTUAL_TICK_S)]
        return [(at, event) for at, _, event in sorted(events, key=lambda one: one[:2])]

    async def _move(self, http: httpx.AsyncClient, at: int) -> None:
        """Move time to `at` once the gateway handles no request."""
        while (await self._status(http))["in_hand"]:
            await asyncio.sleep(0.002)
        self._system.clock.set(max(self._system.clock.now(), at))
        self.run.now = at

    async def _deliver(self, http: httpx.AsyncClient, delivery: SmsDelivery) -> None:
        """Post one SMS until it is accepted, as a provider does."""
        body = orjson.dumps({"id": delivery.id, "sender": delivery.sender, "recipient": delivery.recipient,
                             "text": delivery.text})
        headers = signed(self._secret, self._system.clock.now(), body)
        self.run.sent += 1
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await http.post(f"{self._system.gateway_url}/v1/sms", content=body, headers=headers)
                if answer.status_code == 202:
                    self.run.accepted += 1
                    return
            self._system.check()
            await asyncio.sleep(0.2)

    async def _ticked(self, http: httpx.AsyncClient, at: int) -> None:
        """Wait until the tick of this minute is acknowledged."""
        while parse_time((await self._status(http))["ticked"] or "1970-01-01T00:00:00Z", "ticked") < at:
            self._system.check()
            await asyncio.sleep(0.002)

    async def _status(self, http: httpx.AsyncClient) -> JsonObject:
        while True:
            try:
                found: JsonObject = (await http.get(f"{self._system.gateway_url}/status")).json()
            except httpx.TransportError:
                self._system.check()
                await asyncio.sleep(0.2)
            else:
                return found

    async def _settle(self, http: httpx.AsyncClient) -> None:
        """Wait until all is judged and written. The workers report their lag."""
        end = format_time(self._fleet.end)
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0.2)
            self._system.check()
            try:
                watch, record = [(await http.get(f"{self._system.worker_url(number)}/health/")).json()
                                 for number in (0, 1)]
            except (httpx.HTTPError, ValueError):
                continue
            judged = [until for lane in watch["lanes"].values() for until in lane["judged_until"].values()]
            waiting = sum(sum(lane["lag"].values()) for one in (watch, record) for lane in one["lanes"].values())
            done = len(watch["lanes"]) == self._system.settings.partitions and min(judged, default="") >= end
            quiet = quiet + 1 if done and not waiting else 0

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Subscribe to the output topics, as any other program could."""
        consumer = AIOKafkaConsumer(**kafka_options(self._system.settings), enable_auto_commit=False,
                                    auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign([TopicPartition(topic, number) for topic in (ALERTS, REPORTS, QUARANTINE)
                         for number in range(self._system.settings.partitions)])
        await consumer.seek_to_beginning()
        task = asyncio.create_task(self._listen(consumer))
        try:
            yield
            await asyncio.sleep(0.5)  # the last acknowledged records are on their way
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await stop_consumer(consumer)

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            self.run.take(record.topic, orjson.loads(record.value))
