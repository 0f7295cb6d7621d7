"""What `notify` has to tell, has told and could not tell: a queue that outlives every crash, and its receipts.

A delivery is written before the position in the topic moves; before it is sent it is claimed for a while, and after it
was sent there is a receipt, by conditional updates of one document each. So at most one process sends it at a time, and
none that has a receipt. What was claimed and has neither receipt nor failure when the claim ends (the process died) is
sent again: nobody can know whether it arrived.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pymongo import UpdateOne

from models.notifications.gathering import FEW, FEW_S, URGENT, Lately
from models.notifications.telling import STRUGGLING, DeliveryStatus, InLane, Stop, Thread, outdated
from models.times import format_time
from stores.connection import Connection
from stores.errors import mapped
from stores.people import People
from stores.ports import Claimed, Trouble
from stores.projection.collections import DELIVERIES, SCHEMA, THREADS

_UNFINISHED: Final = [DeliveryStatus.QUEUED, DeliveryStatus.SENDING]
KEPT_S: Final = 90 * 86_400


class Deliveries:
    """One database. url: mongodb://host:port/name, else ValueError. Methods raise StoreAwayError."""

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)
        self._queue = self._connection.database[DELIVERIES]
        self._threads = self._connection.database[THREADS]
        self._people = People(self._connection.database)

    # What has been decided

    async def thread(self, key: str) -> tuple[Thread, int]:
        """What was decided of an alert so far, and its version; 0: nothing."""
        with mapped():
            found = await self._threads.find_one({"_id": key})
        return (Thread(), 0) if found is None else (_thread(found), found["ver"])

    async def keep_thread(self, key: str, thread: Thread, version: int, subject: int | None, now: float) -> bool:
        """False: somebody else has changed it since that version was read (lanes share an incident)."""
        fields = {"schema": SCHEMA, "ver": version + 1, "subject": subject, "expires": _date(now + KEPT_S),
                  "channels": dict(thread.channels), "stopped": thread.stopped,
                  "lanes": {str(lane): [one.revision, one.active] for lane, one in thread.lanes.items()},
                  "told": [list(one) for one in thread.announced]}
        with mapped():
            if version == 0:
                done = await self._threads.update_one({"_id": key}, {"$setOnInsert": fields}, upsert=True)
                return done.upserted_id is not None
            done = await self._threads.update_one({"_id": key, "ver": version}, {"$set": fields})
            return bool(done.matched_count)

    async def queue(self, deliveries: Mapping[str, Mapping[str, Any]], now: float) -> set[str]:
        """Add deliveries by id; one that is there stays as it is. Returns the ids that are new."""
        if not deliveries:
            return set()
        common = {"schema": SCHEMA, "expires": _date(now + KEPT_S)}
        writes = [UpdateOne({"_id": key}, {"$setOnInsert": {**common, **one}}, upsert=True)
                  for key, one in deliveries.items()]
        with mapped():
            done = await self._queue.bulk_write(writes, ordered=False)
        return set((done.upserted_ids or {}).values())

    async def stop(self, thread: str, stops: Sequence[Stop], by: str) -> int:
        """What is queued below is not sent; one that is being sent is not tried again. Returns how many were queued."""
        stopped = 0
        for stop in stops:
            where: dict[str, Any] = {"thread": thread, "order": {"$lt": stop.below}}
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
        """Those of them who are erased: nothing is told of them any more."""
        return await self._people.erased(subjects)

    async def forget(self, subjects: Collection[int]) -> None:
        """Delete all of people who are erased: `erase` may have been faster than what was written of them."""
        with mapped():
            for collection in (self._queue, self._threads):
                await collection.delete_many({"subject": {"$in": sorted(subjects)}})

    # Sending

    async def due(self, channel: str, lanes: Collection[int], now: float, limit: int) -> list[Claimed]:
        """What is to be sent by a channel now, or was being sent by a process that is gone; the most urgent first."""
        where = {"channel": channel, "lane": {"$in": sorted(lanes)}, "due": {"$lte": now},
                 "status": {"$in": _UNFINISHED}}
        with mapped():
            found = await self._queue.find(where).sort([("urgency", 1), ("due", 1)]).to_list(limit)
        return [_claimed(one) for one in found]

    async def lately(self, channel: str, now: float, gathered_at: float | None) -> Lately:
        """How many wait for a channel, and how many it got one by one, as far as it matters."""
        mine = {"channel": channel, "urgency": {"$ne": URGENT}}
        with mapped():
            due = await self._queue.count_documents(
                {**mine, "status": {"$in": _UNFINISHED}, "due": {"$lte": now}}, limit=FEW + 1)
            # What was sent is still due when its claim would have ended, which is just after it was sent.
            sent = await self._queue.count_documents(
                {**mine, "status": DeliveryStatus.SENT, "due": {"$gt": now - FEW_S}, "digest": None}, limit=FEW + 1)
        return Lately(due, sent, gathered_at)

    async def notified(self, threads: Collection[str], channel: str) -> set[str]:
        """Those alerts of which the channel has, or may have, heard: not what it refused, or what never reached it."""
        if not threads:
            return set()
        with mapped():
            found: list[str] = await self._queue.distinct("thread", {
                "thread": {"$in": sorted(threads)}, "channel": channel,
                "$or": [{"status": {"$in": [DeliveryStatus.SENT, DeliveryStatus.SENDING]}}, {"unsure": True}]})
        return set(found)

    async def claim(self, some: Sequence[Claimed], owner: str, until: float) -> list[Claimed]:
        """Take them for one attempt; those are left out that somebody else has, or that were stopped. Nobody else
        sends them before `until`. owner: of this attempt alone."""
        # One whose claim has ended may have been sent by whoever is gone.
        await self._write([UpdateOne(_as_it_was(one), {"$set": {
            "status": DeliveryStatus.SENDING, "attempts": one.attempts + 1, "owner": owner, "due": until,
            "unsure": one.unsure or one.status is DeliveryStatus.SENDING}}) for one in some])
        with mapped():
            found = await self._queue.find({"_id": {"$in": [one.id for one in some]}, "owner": owner}).to_list(None)
        by_id = {one["_id"]: _claimed(one) for one in found}
        return [by_id[one.id] for one in some if one.id in by_id]

    async def receipt(self, some: Sequence[Claimed], status: DeliveryStatus, why: str, now: float, answer: str = "",
                      digest: str | None = None) -> int:
        """The end of these deliveries. Returns how many were still ours: of another the claim has ended, and another
        process has it. digest: the message in which they were gathered."""
        fields = {"status": status, "why": _kept(why), "answer": _kept(answer), "at": format_time(int(now)),
                  **({"digest": digest} if digest is not None else {})}
        gone = {"$unset": {"event": ""}} if status is not DeliveryStatus.FAILED else {}
        return await self._write([UpdateOne(
            {"_id": one.id, "status": one.status, "attempts": one.attempts},
            {"$set": {**fields, "unsure": one.unsure}, **gone}) for one in some])

    async def again(self, some: Sequence[Claimed], due: float, why: str, *, unsure: bool) -> None:
        """Try them again later, unless they were stopped meanwhile."""
        stopped = {"$gt": ["$stopped", None]}
        await self._write([UpdateOne(
            {"_id": one.id, "status": DeliveryStatus.SENDING, "attempts": one.attempts}, [{"$set": {
                "status": {"$cond": [stopped, DeliveryStatus.SUPERSEDED, DeliveryStatus.QUEUED]},
                "why": {"$cond": [stopped, "$stopped", {"$literal": _kept(why)}]},
                "due": due, "unsure": one.unsure or unsure}}]) for one in some])

    async def _write(self, writes: list[UpdateOne]) -> int:
        """Returns how many documents were still as the writes expect."""
        if not writes:
            return 0
        with mapped():
            return int((await self._queue.bulk_write(writes, ordered=False)).matched_count)

    async def fail_unknown(self, channels: Collection[str], lanes: Collection[int], before: float, now: float) -> int:
        """What has waited since before a moment for channels that are in the routes file no more has failed.

        Returns how many.
        """
        fields = {"status": DeliveryStatus.FAILED, "why": "the channel is no longer in the routes file",
                  "at": format_time(int(now))}
        with mapped():
            done = await self._queue.update_many(
                {"channel": {"$nin": sorted(channels)}, "status": {"$in": _UNFINISHED},
                 "lane": {"$in": sorted(lanes)}, "due": {"$lte": before}}, {"$set": fields})
        return int(done.modified_count)

    # For people

    async def waiting(self) -> dict[str, int]:
        """How many wait by channel."""
        with mapped():
            found = await self._queue.aggregate([
                {"$match": {"status": {"$in": _UNFINISHED}}},
                {"$group": {"_id": "$channel", "n": {"$sum": 1}}}]).to_list(None)
        return {one["_id"]: one["n"] for one in found}

    async def trouble(self, since: str) -> list[Trouble]:
        """By channel what failed at or after a time (RFC 3339, UTC), and what is tried again and again."""
        return await troubles(self._queue, since)

    async def listed(self, statuses: Collection[str], limit: int) -> list[dict[str, Any]]:
        """Deliveries, the newest alert first."""
        with mapped():
            found: list[dict[str, Any]] = await self._queue.find(
                {"status": {"$in": sorted(statuses)}}).sort([("changed_at", -1)]).to_list(limit)
        return found

    async def retry_failed(self, channel: str | None, now: float) -> int:
        """Queue again what failed, is not too old, and has not been overtaken since. Returns how many."""
        where: dict[str, Any] = {"status": DeliveryStatus.FAILED, "until": {"$gt": now}, "event": {"$exists": True}}
        if channel is not None:
            where["channel"] = channel
        queued = 0
        with mapped():
            failed = await self._queue.find(where).to_list(None)
        for one in failed:
            thread, _ = await self.thread(one["thread"])
            late = outdated(thread, one["channel"], one["order"])
            fields = {"status": DeliveryStatus.SUPERSEDED} if late else {"status": DeliveryStatus.QUEUED, "due": now}
            with mapped():
                done = await self._queue.update_one(
                    {"_id": one["_id"], "status": DeliveryStatus.FAILED}, {"$set": fields})
            queued += 0 if late else done.modified_count
        return queued

    def close(self) -> None:
        self._connection.close()


async def troubles(collection: Any, since: str) -> list[Trouble]:
    """collection: Motor's. Raises StoreAwayError."""
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
    """What somebody else says may be in an encoding that no document takes; a receipt must not fail for that."""
    return text.encode(errors="replace").decode()


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _thread(found: Mapping[str, Any]) -> Thread:
    return Thread(found["channels"], found["stopped"],
                  {int(lane): InLane(*one) for lane, one in found["lanes"].items()},
                  tuple((lane, revision) for lane, revision in found["told"]))


def _as_it_was(one: Claimed) -> dict[str, Any]:
    return {"_id": one.id, "status": one.status, "attempts": one.attempts, "due": one.due}


def _claimed(one: Mapping[str, Any]) -> Claimed:
    return Claimed(
        id=one["_id"], status=DeliveryStatus(one["status"]), thread=one["thread"], lane=one["lane"],
        subject=one["subject"], change=one["change"], urgency=one["urgency"], channel=one["channel"],
        attempts=one["attempts"], due=one["due"], until=one["until"], fallback=one["fallback"], unsure=one["unsure"],
        event=one["event"], stopped=one.get("stopped"),
    )
