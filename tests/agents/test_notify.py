"""`notify` on a real database, against servers that answer as providers do, fail, dawdle and come back.

What has a receipt is sent once; what has none is sent at last; and no channel waits for another.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiokafka import ConsumerRecord
from support.endpoint import Answer, Endpoint
from support.notices import NOW, event
from support.page import StoppedClock

from agents import senders
from agents.notify import NotifyAgent
from agents.senders import Senders
from models.telling import TOO_OLD_S, Status
from notifiers.routes_file import Loaded, load
from stores.collections import BY_NAME, DELIVERIES, THREADS
from stores.deliveries import Deliveries
from stores.errors import StoreAwayError
from stores.mongo import Store
from stores.retention import DEFAULT_DAYS
from stores.structure import Structure

PATIENCE_S = 20.0


class Lanes:
    """Which lanes there are, and which have been read to their end."""

    def __init__(self) -> None:
        self.has = {0, 1, 2}
        self.known = {0, 1, 2}

    def mine(self) -> set[int]:
        return set(self.has)

    async def read_to_end(self) -> set[int]:
        return set(self.known)


@pytest.fixture
def slack() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


@pytest.fixture
def duty() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """With the collections that `notify` writes, and no others: to prepare all takes longer than most tests here."""
    one = Store(database_url)
    await Structure(one.database, DEFAULT_DAYS, [BY_NAME[DELIVERIES], BY_NAME[THREADS]]).prepare()
    yield one
    await one.database.client.drop_database(one.database.name)
    one.close()


@pytest.fixture
async def outbox(store: Store, database_url: str) -> AsyncIterator[Deliveries]:
    one = Deliveries(database_url)
    yield one
    one.close()


@pytest.fixture
def loaded(slack: Endpoint, duty: Endpoint) -> Loaded:
    return routes_to(slack, duty)


def routes_to(slack: Endpoint, duty: Endpoint, **more: Any) -> Loaded:
    sms = {"type": "http", "url": f"{duty.url}/sms", "to": "+821012345678", "json": {"text": "{text}", "id": "{id}"},
           "language": "en"}
    return load(orjson.dumps({
        "channels": {"team": {"type": "slack", "url": f"{slack.url}/hook"}, "duty": sms, **more},
        "sites": {"*": {"default": ["team"], "tz": "Asia/Seoul", "quiet": {"from": "21:00", "to": "07:00"},
                        "routes": [{"severity": ["critical"], "channels": ["team", "duty"]},
                                   {"escalated_to": "backup", "channels": ["duty"]}]}},
        "gateways": {"*": ["team"]}}).decode(), "https://anbu.example.org")


class Running:
    """A notifier as it runs in a worker, but that a test gives it the records."""

    def __init__(self, outbox: Any, loaded: Loaded, clock: StoppedClock | None = None,
                 lanes: Lanes | None = None) -> None:
        self.clock, self.lanes = clock or StoppedClock(NOW), lanes or Lanes()
        self.senders = Senders(outbox, loaded.channels, self.lanes, self.clock, lambda: 0.5)
        self.agent = NotifyAgent(outbox, loaded.routes, self.clock, self.senders.wake, _soon)

    async def take(self, *events: dict[str, Any], lane: int = 0) -> None:
        await self.agent.handle([kafka(one, lane) for one in events])

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.senders.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _soon(_seconds: float) -> None:
    await asyncio.sleep(0)


def kafka(value: Any, lane: int = 0) -> ConsumerRecord:
    octets = value if isinstance(value, bytes) else orjson.dumps(value)
    return ConsumerRecord("alerts", lane, 0, 0, 0, None, octets, None, 0, 0, ())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)


async def receipts(store: Store) -> dict[str, str]:
    """Every delivery's status, by revision/channel."""
    return {"/".join(one["_id"].split("/")[-2:]): one["status"] async for one in store.database.deliveries.find()}


async def settled(store: Store, expected: dict[str, str]) -> None:
    """Until the receipts are these."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := await receipts(store)) != expected:
            await asyncio.sleep(0.02)
    assert found == expected


async def test_sent_once_with_a_receipt(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint,
                                        duty: Endpoint) -> None:
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event(severity="critical"))
        await settled(store, {"1/team": "sent", "1/duty": "sent"})
        await one.take(event(severity="critical"))  # a repeat, as after a fault
        await one.take(event(7))
        await until(lambda: len(slack.requests) == 2)
    assert (len(slack.requests), len(duty.requests)) == (2, 1)
    assert duty.requests[0].json["id"] == "42/42:no_report:2026-11-24:morning/1/duty"
    document = await store.database.deliveries.find_one({"channel": "duty"})
    assert document is not None
    assert ("event" in document, document["attempts"], document["subject"]) == (False, 1, 42)


async def test_a_slow_channel_holds_up_nothing(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint,
                                               duty: Endpoint) -> None:
    slack.usual = Answer(delay_s=1.5)
    one = Running(outbox, loaded)
    async with one.sending():
        for subject in range(1, 4):
            await one.take(event(subject, severity="critical"))
        await until(lambda: len(duty.requests) == 3)
        found = await receipts(store)
        assert not any(status == "sent" for name, status in found.items() if name.endswith("team"))


async def test_failures_are_tried_again(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint) -> None:
    slack.answers += [Answer(503), Answer(cut=True)]
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        for number in (1, 2):
            await until_tried(store, number)
            one.clock.at += 10
            one.senders.wake()
        await settled(store, {"1/team": "sent"})
    texts = [request.json["blocks"][0]["text"]["text"] for request in slack.requests]
    # The second may have arrived: the third says so. The first had an answer.
    assert ["이미 받으셨을" in text for text in texts] == [False, False, True]


async def test_too_many_requests_quiet_the_whole_channel(outbox: Deliveries, store: Store, loaded: Loaded,
                                                         slack: Endpoint) -> None:
    slack.answers.append(Answer(429, headers={"retry-after": "30"}))
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event(1))
        await until_tried(store, 1)
        await one.take(event(2))
        one.clock.at += 29
        one.senders.wake()
        await asyncio.sleep(0.3)
        assert len(slack.requests) == 1
        one.clock.at += 2
        one.senders.wake()
        await until(lambda: len(slack.requests) == 3)


async def until_tried(store: Store, attempts: int) -> None:
    """Until so many attempts have failed, and the next is waited for."""
    async with asyncio.timeout(PATIENCE_S):
        while not await store.database.deliveries.count_documents({"status": "queued", "attempts": attempts}):
            await asyncio.sleep(0.02)


async def test_given_up_loudly(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint,
                               duty: Endpoint) -> None:
    slack.usual = Answer(404, "no_service")
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        await settled(store, {"1/team": "failed"})
    (trouble,) = await outbox.trouble("2026-11-24T00:00:00Z")
    assert trouble == ("team", 1, 0, "HTTP 404: no_service")
    assert await outbox.trouble("2026-11-25T00:00:00Z") == []
    # Mended, and tried again by the one who runs it.
    slack.usual = Answer()
    assert await outbox.retry_failed("duty", NOW) == 0
    assert await outbox.retry_failed("team", NOW) == 1
    async with Running(outbox, routes_to(slack, duty)).sending():
        await settled(store, {"1/team": "sent"})


async def test_a_channel_that_never_works_is_trouble_long_before_it_is_given_up(
        outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint) -> None:
    slack.usual = Answer(503)
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        for number in (1, 2, 3):
            await until_tried(store, number)
            one.clock.at += 300
            one.senders.wake()
        await until_tried(store, 4)
        (trouble,) = await outbox.trouble("2026-11-24T00:00:00Z")
        assert (trouble.failed, trouble.struggling) == (0, 1)
        one.clock.at = NOW + TOO_OLD_S + 1
        one.senders.wake()
        await settled(store, {"1/team": "failed"})


@pytest.mark.parametrize(("later", "expected"), [
    ({"change": "acknowledged"}, {"1/team": "superseded", "2/team": "superseded"}),
    ({"change": "cleared"}, {"1/team": "superseded", "2/team": "superseded"}),
    ({"change": "raised"}, {"1/team": "superseded", "2/team": "sent"}),
    ({"change": "escalated", "escalated_to": "backup"}, {"1/team": "sent", "2/duty": "sent"}),
    ({"change": "commented"}, {"1/team": "sent"})], ids=lambda one: str(one.get("change", "")))
async def test_what_waits_is_stopped_by_what_came_later(outbox: Deliveries, store: Store, loaded: Loaded,
                                                        later: dict[str, Any], expected: dict[str, str]) -> None:
    """Also where the later revision has not been read yet: nothing goes out before its lane is read to the end."""
    one = Running(outbox, loaded)
    one.lanes.known = set()
    async with one.sending():
        await one.take(event())
        await asyncio.sleep(0.3)
        assert await receipts(store) == {"1/team": "queued"}
        await one.take(event(revision=2, **later))
        one.lanes.known = {0}
        one.senders.wake()
        await settled(store, expected)


async def test_what_was_told_is_followed_up(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint,
                                            duty: Endpoint) -> None:
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event(severity="critical"))
        await settled(store, {"1/team": "sent", "1/duty": "sent"})
        await one.take(event(revision=2, change="acknowledged", severity="critical", by="Kim", acknowledged_by="Kim"))
        await one.take(event(revision=3, change="cleared", severity="critical"))
        await settled(store, {"1/team": "sent", "1/duty": "sent", "2/team": "sent", "3/team": "sent", "3/duty": "sent"})
    assert "Kim" not in str(slack.requests)
    assert [request.json["text"].splitlines()[0] for request in duty.requests] == [
        "[Anbu CRITICAL] jongno, no. 42: Nothing heard", "[Anbu Over] jongno, no. 42: Nothing heard"]


async def test_a_clearing_while_the_alarm_is_being_tried(outbox: Deliveries, store: Store, loaded: Loaded,
                                                         slack: Endpoint) -> None:
    """An attempt in hand is not taken back, nor repeated; and the clearing is told, as the alarm may have come."""
    slack.answers.append(Answer(cut=True, delay_s=0.6))
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        await until(lambda: len(slack.requests) == 1)
        await one.take(event(revision=2, change="cleared"))
        await settled(store, {"1/team": "superseded", "2/team": "sent"})
    assert len(slack.requests) == 2


async def test_old_ones_are_not_sent(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    await one.take(event(at=NOW - TOO_OLD_S - 1), event(7))
    one.clock.at += TOO_OLD_S + 1  # while nothing ran
    async with one.sending():
        async with asyncio.timeout(PATIENCE_S):
            while set((await statuses(store)).values()) != {"expired"}:
                await asyncio.sleep(0.02)
    assert slack.requests == []


async def statuses(store: Store) -> dict[str, str]:
    return {one["_id"]: one["status"] async for one in store.database.deliveries.find()}


async def test_quiet_hours(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint) -> None:
    night = NOW - 12 * 3600
    one = Running(outbox, loaded, StoppedClock(night))
    async with one.sending():
        await one.take(event(1, "low_battery", severity="maintenance", at=night))
        await one.take(event(2, "low_battery", severity="maintenance", at=night))
        await one.take(event(2, "low_battery", 2, "cleared", severity="maintenance", at=night + 60))
        await one.take(event(3, at=night))
        await until(lambda: len(slack.requests) == 1)
        one.clock.at = NOW - 3600  # 08:30: later than six hours, but not after the quiet hours
        one.senders.wake()
        await until(lambda: len(slack.requests) == 2)
        await until_all(store)
    assert [request.json["text"].split(":")[0] for request in slack.requests] == ["[안부 주의] jongno 3번",
                                                                                 "[안부 점검] jongno 1번"]


async def until_all(store: Store) -> None:
    """Until everything has a receipt."""
    async with asyncio.timeout(PATIENCE_S):
        while await store.database.deliveries.count_documents(
                {"status": {"$in": ["queued", "sending"]}}):
            await asyncio.sleep(0.02)


async def test_an_incident_over_the_lanes(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    async with one.sending():
        for lane in (2, 0, 1):
            await one.take(event("seoul-1", lane=lane), lane=lane)
        await until(lambda: len(slack.requests) == 1)
        await until_all(store)
        for lane in (0, 2, 2, 1):
            await one.take(event("seoul-1", revision=2, change="cleared", lane=lane), lane=lane)
        await until(lambda: len(slack.requests) == 2)
        await until_all(store)
    assert list(await statuses(store)) == ["2/gateway_outage:seoul-1:2026-11-24/1/team",
                                           "1/gateway_outage:seoul-1:2026-11-24/2/team"]


async def test_two_workers_tell_an_incident_once(outbox: Deliveries, store: Store, loaded: Loaded) -> None:
    """Their lanes open and clear it at the same time."""
    workers = [Running(outbox, loaded) for _ in range(3)]
    for change in ("opened", "cleared"):
        await asyncio.gather(*(one.take(event("seoul-1", revision=1 + (change == "cleared"), change=change, lane=lane),
                                        lane=lane) for lane, one in enumerate(workers)))
    assert sorted(one.split("/")[-2] for one in await statuses(store)) == ["1", "2"]


async def test_two_workers_send_it_once(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint) -> None:
    slack.usual = Answer(delay_s=0.2)
    first, second = Running(outbox, loaded), Running(outbox, loaded)
    async with first.sending(), second.sending():
        for subject in range(1, 9):
            await first.take(event(subject))
            second.senders.wake()
        await until_all(store)
    assert len(slack.requests) == 8


async def test_what_was_being_sent_when_the_process_died(outbox: Deliveries, store: Store, loaded: Loaded,
                                                         slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    await one.take(event())
    (due,) = await outbox.due("team", {0}, NOW, 9)
    claimed = await outbox.claim(due, "a process that is gone", NOW + senders.CLAIM_S)
    assert claimed is not None
    assert await outbox.claim(due, "another", NOW + 1) is None
    async with one.sending():
        await asyncio.sleep(0.3)
        assert slack.requests == []  # it may still be at it
        one.clock.at += senders.CLAIM_S + 1
        one.senders.wake()
        await settled(store, {"1/team": "sent"})
    assert "이미 받으셨을" in str(slack.requests[0].json["blocks"])
    assert not await outbox.receipt(claimed, Status.FAILED, "I come too late", NOW)
    assert await receipts(store) == {"1/team": "sent"}


async def test_what_was_stopped_while_its_sender_was_dead(outbox: Deliveries, store: Store, loaded: Loaded,
                                                          slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    await one.take(event())
    (due,) = await outbox.due("team", {0}, NOW, 9)
    await outbox.claim(due, "a process that is gone", NOW + senders.CLAIM_S)
    await one.take(event(revision=2, change="cleared"))
    one.clock.at += senders.CLAIM_S + 1
    async with one.sending():  # the alarm may have gone out: that it is over is told, the alarm is not told again
        await settled(store, {"1/team": "superseded", "2/team": "sent"})
    assert [request.json["text"].split()[1] for request in slack.requests] == ["종료]"]


async def test_what_failed_is_not_sent_again_once_it_is_over(outbox: Deliveries, store: Store, loaded: Loaded,
                                                             slack: Endpoint) -> None:
    slack.answers.append(Answer(404))
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        await settled(store, {"1/team": "failed"})
        await one.take(event(revision=2, change="acknowledged"))
        await settled(store, {"1/team": "failed", "2/team": "superseded"})
        assert await outbox.retry_failed(None, NOW) == 0
    assert await receipts(store) == {"1/team": "superseded", "2/team": "superseded"}


@pytest.mark.parametrize(("opening", "expected"), [
    (Answer(404), {"1/team": "failed", "2/team": "superseded"}),             # it refused
    (Answer(503), {"1/team": "superseded", "2/team": "superseded"}),         # it said that it has not taken it
    (Answer(cut=True), {"1/team": "superseded", "2/team": "sent"}),          # nobody knows
    (Answer(), {"1/team": "sent", "2/team": "sent"})], ids=["refused", "busy", "cut", "taken"])
async def test_an_end_is_told_where_the_beginning_may_have_been(
        outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint, opening: Answer,
        expected: dict[str, str]) -> None:
    slack.answers.append(opening)
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        async with asyncio.timeout(PATIENCE_S):  # until the attempt has come to its end
            while not await store.database.deliveries.count_documents({"status": {"$ne": "sending"}, "attempts": 1}):
                await asyncio.sleep(0.02)
        await one.take(event(revision=2, change="cleared"))
        await settled(store, expected)


async def test_an_end_is_not_told_where_the_beginning_was_too_old_after_it_never_got_through(
        outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint) -> None:
    slack.usual = Answer(503)
    one = Running(outbox, loaded)
    async with one.sending():
        await one.take(event())
        await until_tried(store, 1)
        one.clock.at = NOW + TOO_OLD_S + 1
        one.senders.wake()
        await settled(store, {"1/team": "failed"})
        slack.usual = Answer()
        await one.take(event(revision=2, change="cleared", at=NOW + TOO_OLD_S + 1))
        await settled(store, {"1/team": "failed", "2/team": "superseded"})


async def test_who_is_erased_is_not_told_of(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    await one.take(event(7))
    await store.database.erased.insert_many([{"_id": "7", "schema": 1}, {"_id": "8", "schema": 1}])
    await one.take(event(8), event(9))
    async with one.sending():
        await until(lambda: len(slack.requests) == 1)
        await until_all(store)
    assert await statuses(store) == {
        "7/7:no_report:2026-11-24:morning/1/team": "superseded", "9/9:no_report:2026-11-24:morning/1/team": "sent"}


async def test_lanes_of_others_are_left_alone(outbox: Deliveries, store: Store, loaded: Loaded,
                                              slack: Endpoint) -> None:
    one = Running(outbox, loaded)
    one.lanes.has = {1}
    async with one.sending():
        await one.take(event(7), lane=0)
        await one.take(event(8), lane=1)
        await until(lambda: len(slack.requests) == 1)
    assert await receipts_of(store, "7") == ["queued"]


async def test_a_lane_that_is_not_read_keeps_back_no_other(outbox: Deliveries, store: Store, loaded: Loaded,
                                                           slack: Endpoint) -> None:
    """However much is due in it, and however urgent that is."""
    one = Running(outbox, loaded)
    one.lanes.known = {1}
    async with one.sending():
        await one.take(*(event(100 + number, severity="critical") for number in range(senders.AT_ONCE * 5)), lane=0)
        await one.take(event(8), lane=1)
        await until(lambda: len(slack.requests) == 1)
        assert await receipts_of(store, "8") == ["sent"]
    assert set(await receipts_of(store, "100")) == {"queued"}


async def receipts_of(store: Store, subject: str) -> list[str]:
    return [status for name, status in (await statuses(store)).items() if name.startswith(f"{subject}/")]


async def test_a_channel_that_is_no_longer_there(outbox: Deliveries, store: Store, loaded: Loaded, slack: Endpoint,
                                                 duty: Endpoint) -> None:
    more = {"type": "slack", "url": f"{slack.url}/more"}
    one = Running(outbox, routes_to(slack, duty, more=more))
    await one.take(event())
    await store.database.deliveries.update_many({}, {"$set": {"channel": "more"}})
    second = Running(outbox, loaded, StoppedClock(NOW + 601))
    async with second.sending():
        await settled(store, {"1/team": "failed"})
    assert (await outbox.trouble("2026-11-24T00:00:00Z"))[0].why == "the channel is no longer in the routes file"


async def test_what_cannot_be_read_holds_up_nothing(outbox: Deliveries, store: Store, loaded: Loaded) -> None:
    one = Running(outbox, loaded)
    await one.agent.handle([kafka(b"no JSON"), kafka({}), kafka(event())])
    assert await receipts(store) == {"1/team": "queued"}


class Away:
    """A database that is away at each step once."""

    def __init__(self, outbox: Deliveries, methods: Sequence[str]) -> None:
        self._outbox, self._methods = outbox, list(methods)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._outbox, name)

        async def call(*args: Any, **options: Any) -> Any:
            if name in self._methods:
                self._methods.remove(name)
                if name not in ("erased", "thread"):
                    await method(*args, **options)  # it was done all the same: only the answer was lost
                raise StoreAwayError("nobody answers")
            return await method(*args, **options)

        return call


@pytest.mark.parametrize("steps", [["erased"], ["thread"], ["keep_thread"], ["queue"], ["stop"],
                                   ["keep_thread", "queue", "stop", "stop"]], ids="-".join)
async def test_a_database_that_is_away_loses_nothing(outbox: Deliveries, store: Store, loaded: Loaded,
                                                     steps: list[str]) -> None:
    one = Running(Away(outbox, steps), loaded)
    await one.take(event(severity="critical"), event(revision=2, change="raised", severity="critical"))
    await one.take(event("seoul-1", lane=0))
    assert await statuses(store) == {
        "42/42:no_report:2026-11-24:morning/1/team": "superseded",
        "42/42:no_report:2026-11-24:morning/1/duty": "superseded",
        "42/42:no_report:2026-11-24:morning/2/team": "queued",
        "42/42:no_report:2026-11-24:morning/2/duty": "queued",
        "0/gateway_outage:seoul-1:2026-11-24/1/team": "queued"}
