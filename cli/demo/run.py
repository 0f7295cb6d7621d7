"""One run of the demo. Time is virtual, and moves only while no request waits for an answer.

Time stands still while the gateway handles a request (of the fleet or of another client), while an SMS that is due has
no answer, or while a tick has no acknowledgement. At the moments at which devices are asked, time runs no faster than
the wall clock until the questions are with their provider: its channel sends so many a second. So a slow machine makes
the demo longer, never wrong.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.store import store_of
from cli.demo.provider import DeviceProvider
from cli.demo.system import RUNNING, VIRTUAL_TICK_S, System, ready
from cli.provision import ASK_MIN
from gateway.adapters.generic import signed
from models.json_object import JsonObject
from models.times import format_time, parse_time
from simulator.calendar import AFTERNOON, CLOSE_MIN, MORNING
from simulator.fleet import Fleet
from simulator.happenings import Happening, Happenings
from simulator.network import SmsDelivery
from simulator.score import Score, score
from streams.kafka import kafka_options, started_producer, stop_consumer
from streams.partition import partition_of
from streams.topics import ALERTS, ASKS, COMMANDS, QUARANTINE, REGISTRY, REPORTS, declare

AHEAD_S = 0.2  # how far virtual time may run ahead of --speed before the demo waits
FETCH_WAIT_MS = 50  # the broker answers no other request of a subscriber meanwhile
Show = Callable[["Run"], None]


@dataclass(slots=True)
class Run:
    """The events so far.

    alerts: as a subscriber received them.
    questions: the questions to devices, each as SUBJECT/ID, and until when each may be sent.
    """

    fleet: Fleet
    happenings: Happenings
    now: int
    sent: int = 0
    accepted: int = 0
    alerts: list[JsonObject] = field(default_factory=list)
    questions: dict[str, int] = field(default_factory=dict)
    checkins: dict[tuple[int, str], tuple[int, str]] = field(default_factory=dict)
    refused: dict[bytes, str] = field(default_factory=dict)  # by origin
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def summary(self) -> JsonObject:
        """The figures of the run: counts, and the real time that it took."""
        verdict = self.verdict()
        return {
            "people": len(self.fleet.homes), "sent": self.sent, "accepted": self.accepted,
            "quarantined": dict(sorted(Counter(self.refused.values()).items())),
            "checkins": dict(sorted(Counter(result for _, result in self.checkins.values()).items())),
            "alerts": dict(sorted(Counter(one["data"]["kind"] for one in self.opened().values()).items())),
            "questions": len(self.questions), "missed": len(verdict.missed), "false": len(verdict.false),
            "seconds": round(self.seconds, 1), "sms_per_second": round(self.sent / max(self.seconds, 0.001), 1),
        }

    def take(self, topic: str, value: JsonObject) -> None:
        """Take one record of an output topic. A repeat after a fault changes nothing."""
        if topic == ALERTS:
            self.alerts.append(value)
        elif topic == ASKS:
            self.questions[f"{value['subject']}/{value['id']}"] = parse_time(value["until"], "until")
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
        return score(self.fleet.truth_of(self.happenings.sent, self.happenings.deliveries), self.alerts)


class Demo:
    """Drives a started system through the days of its fleet."""

    def __init__(self, system: System, fleet: Fleet, speed: float, show: Show) -> None:
        self._system, self._fleet, self._speed, self._show = system, fleet, speed, show
        self._secret = system.settings.gateway_secret or ""
        self._happenings = Happenings(fleet)
        self._provider = DeviceProvider(self._happenings.ask, system.clock.now)
        calendar = fleet.calendar
        self._asking = {calendar.at(day, CLOSE_MIN[half] + minutes) for day in range(calendar.days)
                        for half in (MORNING, AFTERNOON) for minutes in ASK_MIN}
        self.run = Run(fleet, self._happenings, fleet.begin)

    async def prepare(self) -> None:
        """Topics, registry, and the names that the page shows."""
        settings = self._system.settings
        await declare(settings)
        async with started_producer(settings) as sender:
            await asyncio.gather(*[
                await sender.send(REGISTRY, orjson.dumps(profile), key=b"%d" % profile["subject"],
                                  partition=partition_of(profile["subject"], settings.partitions))
                for profile in self._fleet.registry(ASK_MIN)])
        store = store_of(settings)
        await asyncio.gather(*(store.set_contact(person.pop("subject"), person) for person in self._fleet.people()))
        store.close()

    async def wait_until_ready(self) -> None:
        """Wait until every part answers. Raises PartFailed if a part has exited."""
        system = self._system
        urls = [f"{system.gateway_url}/health", f"{system.page_url}ready", *(
            f"{system.worker_url(agent)}/health/" for agent in RUNNING)]
        async with httpx.AsyncClient(timeout=5) as http:
            while not all([await ready(http, url) for url in urls]):
                system.check()
                await asyncio.sleep(0.1)

    async def days(self) -> None:
        """Run all days of the fleet."""
        async with (started_producer(self._system.settings) as sender, httpx.AsyncClient(timeout=30) as http,
                    self._listening() as consumer, self._provider.serving(self._system.provider_port)):
            began = time.monotonic()
            for tick in range(self._fleet.begin, self._fleet.end + 1, VIRTUAL_TICK_S):
                while (found := self._happenings.next(tick)) is not None:
                    await self._move(http, found[0], began)
                    await self._happen(http, sender, found[1])
                    self._show(self.run)
                await self._move(http, tick, began)
                await self._ticked(http, tick)
                if tick in self._asking:
                    await self._asked(http, consumer, tick)
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

    async def _move(self, http: httpx.AsyncClient, at: int, began: float) -> None:
        """Move time to `at`, at the demo's speed, once the gateway handles no request.

        began: the start of the run, by the clock of `time.monotonic`.
        """
        ahead = (at - self._fleet.begin) / self._speed - (time.monotonic() - began)
        if ahead > AHEAD_S:
            await asyncio.sleep(ahead)
        while (await self._status(http))["in_hand"]:
            await asyncio.sleep(0.002)
        self._system.clock.set(max(self._system.clock.now(), at))
        self.run.now = at

    async def _happen(self, http: httpx.AsyncClient, sender: AIOKafkaProducer, happening: Happening) -> None:
        if isinstance(happening, SmsDelivery):
            await self._deliver(http, happening)
        else:
            partition = partition_of(happening["subject"], self._system.settings.partitions)
            await sender.send_and_wait(COMMANDS, orjson.dumps(happening), key=b"%d" % happening["subject"],
                                       partition=partition)

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

    async def _asked(self, http: httpx.AsyncClient, consumer: AIOKafkaConsumer, at: int) -> None:
        """Wait until the tick at `at` is judged, and its questions are with the provider."""
        began = time.monotonic()
        while not await self._is_judged(http, at):
            await self._creep(at, began)
        ends = await consumer.end_offsets([one for one in consumer.assignment() if one.topic == ASKS])
        while not (all([await consumer.position(one) >= end for one, end in ends.items()]) and self._are_taken()):
            await self._creep(at, began)

    async def _creep(self, at: int, began: float) -> None:
        """Let time run from `at` on at the pace of the wall clock, and stop before the next tick."""
        self._system.check()
        now = min(at + time.monotonic() - began, at + VIRTUAL_TICK_S - 1)
        self._system.clock.set(max(self._system.clock.now(), now))
        await asyncio.sleep(0.005)

    def _are_taken(self) -> bool:
        """Whether the provider has all questions that may still be sent."""
        now = self._system.clock.now()
        return all(name in self._provider.taken or until <= now for name, until in self.run.questions.items())

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
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0.2)
            self._system.check()
            done = await self._is_judged(http, self._fleet.end)
            watch, record = await self._lanes(http, "watch"), await self._lanes(http, "record")
            waiting = sum(sum(lane["lag"].values()) for one in (watch, record) for lane in one.values())
            quiet = quiet + 1 if done and watch and record and not waiting else 0

    async def _is_judged(self, http: httpx.AsyncClient, at: int) -> bool:
        """Whether all lanes have judged up to `at`, durably."""
        lanes = await self._lanes(http, "watch")
        judged = [until for lane in lanes.values() for until in lane["judged_until"].values()]
        return len(lanes) == self._system.settings.partitions and min(judged, default="") >= format_time(at)

    async def _lanes(self, http: httpx.AsyncClient, agent: str) -> JsonObject:
        """The lanes of an agent as it reports them; none while it restarts."""
        try:
            found: JsonObject = (await http.get(f"{self._system.worker_url(agent)}/health/")).json()["lanes"]
        except (httpx.HTTPError, ValueError):
            return {}
        return found

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Subscribe to the output topics, as any other program could."""
        consumer = AIOKafkaConsumer(**kafka_options(self._system.settings), enable_auto_commit=False,
                                    auto_offset_reset="earliest", fetch_max_wait_ms=FETCH_WAIT_MS)
        await consumer.start()
        consumer.assign([TopicPartition(topic, number) for topic in (ALERTS, REPORTS, QUARANTINE, ASKS)
                         for number in range(self._system.settings.partitions)])
        await consumer.seek_to_beginning()
        task = asyncio.create_task(self._listen(consumer))
        try:
            yield consumer
            await asyncio.sleep(0.5)  # the last acknowledged records are on their way
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await stop_consumer(consumer)

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            self.run.take(record.topic, orjson.loads(record.value))
