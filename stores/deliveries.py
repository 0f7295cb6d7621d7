"""The queue of `notify` outlives every crash: each delivery stays in it until the delivery has a receipt.

`notify` writes a delivery before the position in the topic moves. A sender claims the delivery for a limited time, then
sends it, then writes a receipt. Claim and receipt are conditional updates of one document. So at most one process sends
a delivery at a time, and no process sends a delivery that has a receipt. If a claim ends without a receipt or a failure
(the process died), the delivery is sent again, because nothing shows whether it arrived.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from pymongo import UpdateOne

from models.json_object import JsonView
from models.notifications.gathering import FEW, FEW_S, URGENT, Lately
from models.notifications.telling import STRUGGLING, DeliveryStatus, InLane, Stop, Thread, outdated
from models.times import DAY, format_time
from stores.connection import Connection, DriverCollection
from stores.errors import mapped
from stores.people import People
from stores.ports import Claimed, Trouble
from stores.projection.collections import DELIVERIES, SCHEMA, THREADS
from stores.projection.document import Document

_UNFINISHED: Final = [DeliveryStatus.QUEUED, DeliveryStatus.SENDING]
KEPT_S: Final = 90 * DAY


class Deliveries:
    """One database. Methods raise StoreAwayError.

    url: mongodb://host:port/name, else ValueError.
    """

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)
        self._queue = self._connection.database[DELIVERIES]
        self._threads = self._connection.database[THREADS]
        self._people = People(self._connection.database)

    # Decisions

    async def thread(self, key: str) -> tuple[Thread, int]:
        """Return the decisions about an alert so far, and their version; the version is 0 if there are none."""
        with mapped():
            found = await self._threads.find_one({"_id": key})
        return (Thread(), 0) if found is None else (_thread(found), found["ver"])

    async def keep_thread(self, key: str, thread: Thread, version: int, subject: int | None, now: float) -> bool:
        """Store the decisions. Returns False if another writer has changed them since `version` was read.

        There can be several writers, because lanes share an incident.
        """
        fields = {"schema": SCHEMA, "ver": version + 1, "subject": subject, "expires": _date(now + KEPT_S),
                  "channels": dict(thread.channels), "stopped": thread.stopped,
                  "lanes": {str(lane): [one.revision, one.active] for lane, one in thread.lanes.items()},
                  "told": [list(one) for one in thread.announced], "commands": list(thread.commands),
                  "held": thread.held, "released": thread.released}
        with mapped():
            if version == 0:
                done = await self._threads.update_one({"_id": key}, {"$setOnInsert": fields}, upsert=True)
                return done.upserted_id is not None
            done = await self._threads.update_one({"_id": key, "ver": version}, {"$set": fields})
            return bool(done.matched_count)

    async def queue(self, deliveries: Mapping[str, JsonView], now: float) -> set[str]:
        """Add deliveries by id. A delivery that exists stays unchanged. Returns the ids that are new."""
        if not deliveries:
            return set()
        common = {"schema": SCHEMA, "expires": _date(now + KEPT_S)}
        writes = [UpdateOne({"_id": key}, {"$setOnInsert": {**common, **one}}, upsert=True)
                  for key, one in deliveries.items()]
        with mapped():
            done = await self._queue.bulk_write(writes, ordered=False)
        return set((done.upserted_ids or {}).values())

    async def stop(self, thread: str, stops: Sequence[Stop], by: str) -> int:
        """Supersede queued deliveries below each stop; mark those that are being sent, so that they get no retry.

        Returns how many deliveries were queued.
        """
        stopped = 0
        for stop in stops:
            where: Document = {"thread": thread, "order": {"$lt": stop.below}}
            if stop.channel is not None:
                where["channel"] = stop.channel
            with mapped():
                done = await self._queue.update_many(
                    {**where, "status": DeliveryStatus.QUEUED},
                    {"$set": {"status": DeliveryStatus.SUPERSEDED, "why": by}})
                await self._queue.update_many({**where, "status": DeliveryStatus.SENDING}, {"$set": {"stopped": by}})
            stopped += done.modified_count
        return stopped

    async def erased(self, subjects: Collection[int]) -> set[int]:
        """Return the subjects that are erased: no channel is notified of them any more."""
        return await self._people.erased(subjects)

    async def forget(self, subjects: Collection[int]) -> None:
        """Delete all documents of erased people: `notify` may have written some after `erase` had deleted."""
        with mapped():
            for collection in (self._queue, self._threads):
                await collection.delete_many({"subject": {"$in": sorted(subjects)}})

    # Sending

    async def due(self, channel: str, lanes: Collection[int], now: float, limit: int) -> list[Claimed]:
        """Return the deliveries that a channel has to send now, the most urgent first.

        They include deliveries that another process claimed, if the claim has ended.
        """
        where = {"channel": channel, "lane": {"$in": sorted(lanes)}, "due": {"$lte": now},
                 "status": {"$in": _UNFINISHED}}
        with mapped():
            found = await self._queue.find(where).sort([("urgency", 1), ("due", 1)]).to_list(limit)
        return [_claimed(one) for one in found]

    async def lately(self, channel: str, now: float, gathered_at: float | None) -> Lately:
        """Count the deliveries that wait for a channel, and those that it got one by one, both up to FEW + 1."""
        mine = {"channel": channel, "urgency": {"$ne": URGENT}}
        with mapped():
            due = await self._queue.count_documents(
                {**mine, "status": {"$in": _UNFINISHED}, "due": {"$lte": now}}, limit=FEW + 1)
            # A sent delivery keeps as `due` the end of its claim, which is shortly after the moment of sending.
            sent = await self._queue.count_documents(
                {**mine, "status": DeliveryStatus.SENT, "due": {"$gt": now - FEW_S}, "digest": None}, limit=FEW + 1)
        return Lately(due, sent, gathered_at)

    async def notified(self, threads: Collection[str], channel: str) -> set[str]:
        """Return the alerts of which the channel was notified, or may have been.

        Deliveries that the channel refused, or that never reached it, do not count.
        """
        if not threads:
            return set()
        with mapped():
            found: list[str] = await self._queue.distinct("thread", {
                "thread": {"$in": sorted(threads)}, "channel": channel,
                "$or": [{"status": {"$in": [DeliveryStatus.SENT, DeliveryStatus.SENDING]}}, {"unsure": True}]})
        return set(found)

    async def claim(self, some: Sequence[Claimed], owner: str, until: float) -> list[Claimed]:
        """Claim deliveries for one attempt, and return the claimed ones.

        Deliveries that another process has claimed, or that were stopped, are left out.
        owner: a name of this attempt alone.
        until: the end of the claim, epoch seconds. No other process sends the deliveries before.
        """
        # If an earlier claim has ended, its process may have sent the delivery before it died.
        await self._write([UpdateOne(_as_it_was(one), {"$set": {
            "status": DeliveryStatus.SENDING, "attempts": one.attempts + 1, "owner": owner, "due": until,
            "unsure": one.unsure or one.status is DeliveryStatus.SENDING}}) for one in some])
        with mapped():
            found = await self._queue.find({"_id": {"$in": [one.id for one in some]}, "owner": owner}).to_list(None)
        by_id = {one["_id"]: _claimed(one) for one in found}
        return [by_id[one.id] for one in some if one.id in by_id]

    async def receipt(self, some: Sequence[Claimed], status: DeliveryStatus, why: str, now: float, answer: str = "",
                      digest: str | None = None) -> int:
        """Write the final status of these deliveries.

        Returns how many were still claimed by this process. The claim of the others has ended, and another process has
        them.
        digest: the id of the message that gathered them.
        """
        fields = {"status": status, "why": _kept(why), "answer": _kept(answer), "at": format_time(int(now)),
                  **({"digest": digest} if digest is not None else {})}
        gone = {"$unset": {"event": ""}} if status is not DeliveryStatus.FAILED else {}
        return await self._write([UpdateOne(
            {"_id": one.id, "status": one.status, "attempts": one.attempts},
            {"$set": {**fields, "unsure": one.unsure}, **gone}) for one in some])

    async def again(self, some: Sequence[Claimed], due: float, why: str, *, unsure: bool) -> None:
        """Queue a retry at `due`. Deliveries that were stopped meanwhile are superseded instead."""
        stopped = {"$gt": ["$stopped", None]}
        await self._write([UpdateOne(
            {"_id": one.id, "status": DeliveryStatus.SENDING, "attempts": one.attempts}, [{"$set": {
                "status": {"$cond": [stopped, DeliveryStatus.SUPERSEDED, DeliveryStatus.QUEUED]},
                "why": {"$cond": [stopped, "$stopped", {"$literal": _kept(why)}]},
                "due": due, "unsure": one.unsure or unsure}}]) for one in some])

    async def _write(self, writes: list[UpdateOne]) -> int:
        """Write, and return how many documents the conditions of the writes still matched."""
        if not writes:
            return 0
        with mapped():
            return int((await self._queue.bulk_write(writes, ordered=False)).matched_count)

    async def fail_unknown(self, channels: Collection[str], lanes: Collection[int], before: float, now: float) -> int:
        """Mark deliveries as failed whose channel is no longer in the routes file. Returns how many.

        channels: the channels in the routes file.
        before: epoch seconds; only deliveries that were due at this time or earlier fail.
        """
        fields = {"status": DeliveryStatus.FAILED, "why": "the channel is no longer in the routes file",
                  "at": format_time(int(now))}
        with mapped():
            done = await self._queue.update_many(
                {"channel": {"$nin": sorted(channels)}, "status": {"$in": _UNFINISHED},
                 "lane": {"$in": sorted(lanes)}, "due": {"$lte": before}}, {"$set": fields})
        return int(done.modified_count)

    # Operators

    async def waiting(self) -> dict[str, int]:
        """Count the unfinished deliveries by channel."""
        with mapped():
            found = await self._queue.aggregate([
                {"$match": {"status": {"$in": _UNFINISHED}}},
                {"$group": {"_id": "$channel", "n": {"$sum": 1}}}]).to_list(None)
        return {one["_id"]: one["n"] for one in found}

    async def trouble(self, since: str) -> list[Trouble]:
        """Return by channel the deliveries that failed at or after `since`, and those with many attempts.

        since: RFC 3339, UTC.
        """
        return await troubles(self._queue, since)

    async def listed(self, statuses: Collection[str], limit: int) -> list[Document]:
        """Return deliveries, the newest alert first."""
        with mapped():
            found: list[Document] = await self._queue.find(
                {"status": {"$in": sorted(statuses)}}).sort([("changed_at", -1)]).to_list(limit)
        return found

    async def retry_failed(self, channel: str | None, now: float) -> int:
        """Queue the failed deliveries that are neither too old nor outdated by a newer revision. Returns how many."""
        where: Document = {"status": DeliveryStatus.FAILED, "until": {"$gt": now}, "event": {"$exists": True}}
        if channel is not None:
            where["channel"] = channel
        queued = 0
        with mapped():
            failed = await self._queue.find(where).to_list(None)
        for one in failed:
            thread, _ = await self.thread(one["thread"])
            stopped = outdated(thread, one["channel"], one["order"])
            fields = {"status": DeliveryStatus.SUPERSEDED} if stopped else {"status": DeliveryStatus.QUEUED, "due": now}
            with mapped():
                done = await self._queue.update_one(
                    {"_id": one["_id"], "status": DeliveryStatus.FAILED}, {"$set": fields})
            queued += 0 if stopped else done.modified_count
        return queued

    def close(self) -> None:
        self._connection.close()


async def troubles(collection: DriverCollection, since: str) -> list[Trouble]:
    """Return the troubles of each channel. Raises StoreAwayError."""
    found: dict[str, Trouble] = {}
    where = {"$or": [{"status": DeliveryStatus.FAILED, "at": {"$gte": since}},
                     {"status": {"$in": _UNFINISHED}, "attempts": {"$gte": STRUGGLING}}]}
    with mapped():
        async for one in collection.find(where, {"channel": 1, "status": 1, "why": 1}).sort([("changed_at", 1)]):
            before = found.get(one["channel"], Trouble(one["channel"], 0, 0, ""))
            failed = one["status"] == DeliveryStatus.FAILED
            found[one["channel"]] = Trouble(one["channel"], before.failed + failed, before.struggling + (not failed),
                                            one.get("why") or before.why)
    return [found[name] for name in sorted(found)]


def _kept(text: str) -> str:
    """Replace characters that no document can hold: a provider's answer must not make a receipt fail."""
    return text.encode(errors="replace").decode()


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _thread(found: JsonView) -> Thread:
    return Thread(found["channels"], found["stopped"],
                  {int(lane): InLane(*one) for lane, one in found["lanes"].items()},
                  tuple((lane, revision) for lane, revision in found["told"]),
                  tuple(found.get("commands", ())), found.get("held", 0), found.get("released", 0))


def _as_it_was(one: Claimed) -> Document:
    return {"_id": one.id, "status": one.status, "attempts": one.attempts, "due": one.due}


def _claimed(one: JsonView) -> Claimed:
    return Claimed(
        id=one["_id"], status=DeliveryStatus(one["status"]), thread=one["thread"], lane=one["lane"],
        subject=one["subject"], change=one["change"], urgency=one["urgency"], channel=one["channel"],
        attempts=one["attempts"], due=one["due"], until=one["until"], fallback=one["fallback"], unsure=one["unsure"],
        event=one["event"], stopped=one.get("stopped"),
    )
