"""The notifier on a real database: it stores the deliveries of a batch before it moves its position."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from support.endpoint import Endpoint
from support.notices import event
from support.notifier import Running, kafka, receipts, statuses, until, until_all

from agents.notify import NotifyAgent
from notifiers.routes_file import LoadedRoutes
from runtime.metrics import REGISTRY
from stores.deliveries import Deliveries
from stores.errors import StoreAwayError
from stores.mongo import Store
from stores.people import People


async def test_an_unreadable_record_does_not_stop_the_others(outbox: Deliveries, store: Store,
                                                             loaded: LoadedRoutes) -> None:
    one = Running(outbox, loaded)
    await one.agent.handle([kafka(b"no JSON"), kafka({}), kafka(event())])
    assert await receipts(store) == {"1/team": "queued"}


async def test_a_delivery_that_cannot_be_stored_does_not_stop_the_others(outbox: Deliveries, store: Store,
                                                                         loaded: LoadedRoutes) -> None:
    lost = {"channel": "unknown", "status": "failed"}
    before = REGISTRY.get_sample_value("anbu_deliveries_total", lost) or 0
    one = Running(outbox, loaded)
    await one.take(event(1, evidence=1 << 63), event(2))
    assert list(await statuses(store)) == ["2/2:no_report:2026-11-24:morning/1/team"]
    assert REGISTRY.get_sample_value("anbu_deliveries_total", lost) == before + 1


async def test_an_incident_of_several_lanes_is_notified_once(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
                                                             slack: Endpoint) -> None:
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


async def test_two_workers_notify_of_an_incident_once(outbox: Deliveries, store: Store, loaded: LoadedRoutes) -> None:
    """The lanes of both workers open and clear the incident at the same time."""
    workers = [Running(outbox, loaded) for _ in range(3)]
    for change in ("opened", "cleared"):
        await asyncio.gather(*(one.take(event("seoul-1", revision=1 + (change == "cleared"), change=change, lane=lane),
                                        lane=lane) for lane, one in enumerate(workers)))
    assert sorted(one.split("/")[-2] for one in await statuses(store)) == ["1", "2"]


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


async def test_a_database_that_is_away_is_detected_before_an_alert_comes(outbox: Deliveries,
                                                                         loaded: LoadedRoutes) -> None:
    before = REGISTRY.get_sample_value("anbu_database_waits_total") or 0
    async with Running(Away(outbox, ["fail_unknown"]), loaded).sending():
        await until(lambda: REGISTRY.get_sample_value("anbu_database_waits_total") == before + 1)


@pytest.mark.parametrize("steps", [["erased"], ["thread"], ["keep_thread"], ["queue"], ["stop"],
                                   ["keep_thread", "queue", "stop", "stop"]], ids="-".join)
async def test_a_database_that_is_away_loses_nothing(outbox: Deliveries, store: Store, loaded: LoadedRoutes,
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


@pytest.mark.parametrize("dies", [False, True])
async def test_no_delivery_stays_of_a_person_who_is_erased_during_the_decision(outbox: Deliveries, store: Store,
                                                                               loaded: LoadedRoutes,
                                                                               monkeypatch: pytest.MonkeyPatch, *,
                                                                               dies: bool) -> None:
    """`erase` runs after the notifier has read the list of erased people, and before it writes or dies."""
    people, decide = People(store.database), NotifyAgent._decide

    async def erased_meanwhile(*arguments: Any) -> None:
        monkeypatch.undo()
        await people.mark_erased(7, "2026-11-24T00:00:00Z")
        await people.delete(7)
        await decide(*arguments)
        if dies:
            raise SystemError

    monkeypatch.setattr(NotifyAgent, "_decide", erased_meanwhile)
    one, batch = Running(outbox, loaded), [event(7), event(8)]
    if dies:
        with pytest.raises(SystemError):
            await one.take(*batch)
    await one.take(*batch)
    assert await statuses(store) == {"8/8:no_report:2026-11-24:morning/1/team": "queued"}
    assert await store.database.threads.distinct("subject") == [8]
