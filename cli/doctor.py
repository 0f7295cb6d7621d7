"""`anbu doctor`: checks keys, broker, topics, fencing, clock, database, numbers, lanes and answers, and reports what to
fix.

It changes nothing but a scratch topic of its own, which it removes.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from typing import Final, NamedTuple

import click
import orjson
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    ProducerFenced,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from rich.console import Console
from rich.text import Text

from cli.asked import answers
from cli.broker import broker_settings
from cli.registry import read_profiles
from cli.scratch import scratch_topic, tidy
from models.json_object import JsonObject, JsonView
from runtime.keks import parsed_keks
from runtime.settings import Settings, SettingsError
from stores.errors import StoreError, mapped
from stores.mongo import Store
from stores.people import People
from streams.engine.changelog import PLAN
from streams.engine.writer import Writer
from streams.kafka import administration, producer
from streams.topics import REGISTRY, topics

PATIENCE_S: Final = 30.0
SMALLEST_LANE: Final = 25  # people of one gateway: with fewer, an outage looks like people who sleep
CLOCK_S: Final = 5.0
_FORBIDDEN: Final = (ClusterAuthorizationFailedError, TopicAuthorizationFailedError, TransactionalIdAuthorizationFailed)
_COMPACTED: Final = {
    "cleanup.policy": "people with an old record are forgotten",
    "min.compaction.lag.ms": "the cleaner may remove records of an unfinished batch",
    "delete.retention.ms": "a worker that was away may miss an erasure",
    "max.compaction.lag.ms": "records of erased people may stay there for ever",
    "max.message.bytes": "an outage of very many people may end every worker that gets the lane",
}
_ACTIONS: Final = frozenset({"find", "insert", "update", "remove", "createCollection", "createIndex", "collMod"})
_COLOURS: Final = {"ok": "green", "warning": "yellow", "error": "red"}


class Finding(NamedTuple):
    """state: ok, warning, or error (status 1). detail: the finding, and the action."""

    check: str
    state: str
    detail: str


Check = Callable[[Settings], Awaitable[tuple[str, str]]]
"""Answers (state, detail). Raises SettingsError, KafkaError, StoreError, TimeoutError."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print each finding as JSON.")
def doctor(*, as_json: bool) -> None:
    """Check keys, broker, topics, fencing, clock, database, numbers, lanes and answers, and report what to fix.

    Status 1 if any finding is an error. It writes nothing but a scratch topic of its own, which it removes.
    """
    with broker_settings() as settings:
        findings = asyncio.run(examine(settings))
    for one in findings:
        if as_json:
            sys.stdout.write(orjson.dumps(one._asdict()).decode() + "\n")
        else:
            line = Text.assemble(f"{one.check:<9} ", (f"{one.state:<7}", _COLOURS[one.state]), f"  {one.detail}")
            Console(highlight=False, soft_wrap=True).print(line)
    sys.exit(1 if any(one.state == "error" for one in findings) else 0)


async def examine(settings: Settings) -> list[Finding]:
    """All checks, in order. If the broker is away, checks that need it are left out."""
    findings: list[Finding] = []
    away = False
    for name, check in CHECKS.items():
        if away and name in NEED_BROKER:
            continue
        try:
            state, detail = await asyncio.wait_for(check(settings), PATIENCE_S)
        except KafkaConnectionError:
            away, state = True, "error"
            detail = f"no broker answers at {settings.kafka}: see ANBU_KAFKA, ANBU_KAFKA_SECURITY and the broker's log"
        except (TimeoutError, KafkaTimeoutError, RequestTimedOutError):
            state, detail = "error", f"no answer within {PATIENCE_S:g} s"
        except _FORBIDDEN as error:
            state, detail = "error", (f"the broker does not authorize this user ({type(error).__name__}): see "
                                      f"ANBU_KAFKA_SECURITY_USER and the broker's access control lists")
        except (SettingsError, KafkaError, StoreError, ValueError) as error:
            state, detail = "error", str(error) or repr(error)
        findings.append(Finding(name, state, detail))
    return findings


async def _keys(settings: Settings) -> tuple[str, str]:
    return "ok", f"{len(parsed_keks(settings))} key-encryption keys"


async def _broker(settings: Settings) -> tuple[str, str]:
    async with administration(settings) as admin:
        nodes = len((await admin.describe_cluster())["brokers"])
    if nodes < settings.replication:
        return "error", f"ANBU_REPLICATION is {settings.replication}, but there are {nodes} brokers"
    if settings.replication < 3:
        return "warning", (f"there are {nodes} brokers, and ANBU_REPLICATION is {settings.replication}: a lost disk "
                           "loses its records; 3 is safe")
    return "ok", f"{nodes} brokers"


async def _topics(settings: Settings) -> tuple[str, str]:
    names = [topic.name for topic in topics(settings)]
    async with administration(settings) as admin:
        there = set(await admin.list_topics())
        missing = [name for name in names if name not in there]
        if missing:
            return "warning", f"missing: {', '.join(missing)}; the first worker or gateway creates them"
        counts = {one["topic"]: len(one["partitions"]) for one in await admin.describe_topics(names)}
        odd = {name: count for name, count in counts.items() if count != settings.partitions}
        if odd:
            return "error", (f"ANBU_PARTITIONS is {settings.partitions}, but {odd}: partitions cannot be changed under "
                             f"a running system, because keys would move and states would not. Set it to the number "
                             f"of the topics. Or start again on another broker with another database, because the "
                             f"offsets differ there: provision all people there, then move the gateways")
        compacted = {topic.name: topic.config for topic in topics(settings)
                     if topic.config["cleanup.policy"] == "compact"}
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in compacted])
    for _, _, _, topic, entries in (resource for answer in answers for resource in answer.resources):
        there_is = {name: value for name, value, *_ in entries}
        for name, wanted in compacted[topic].items():
            have = there_is.get(name)
            if not _kept(name, wanted, have):
                return "error", f"topic {topic}: {name} is {have}; set it to {wanted}, or {_COMPACTED[name]}"
    return "ok", f"{len(names)} topics of {settings.partitions} partitions"


def _kept(name: str, wanted: str, have: str | None) -> bool:
    if have is None or name == "cleanup.policy":
        return have == wanted
    return int(have) <= int(wanted) if name.startswith("max.compaction") else int(have) >= int(wanted)


async def _fencing(settings: Settings) -> tuple[str, str]:
    """Two writers of one name on a scratch topic: the broker has to reject the former as fenced."""
    if settings.guarantee == "none":
        return "warning", ("ANBU_GUARANTEE is none, which is for one worker on the embedded broker: "
                           "set it to fence on Apache Kafka")
    async with scratch_topic(settings) as (topic, name):
        former, latter = (Writer(replace(settings, app_id=name), 0) for _ in range(2))
        try:
            await former.start(topic)
            await latter.start(topic)
            try:
                await former.write(topic, [(PLAN, b"of the former")])
            except ProducerFenced as error:  # no other error proves fencing
                return "ok", f"the broker rejects a fenced writer ({type(error).__name__})"
        finally:
            await tidy(former.stop(), latter.stop())
    return "error", (f"the broker at {settings.kafka} accepts records of a fenced writer: a worker that stalled "
                     f"would spoil the states; use Apache Kafka, or one worker with ANBU_GUARANTEE=none")


async def _clock(settings: Settings) -> tuple[str, str]:
    """Compares the clocks by a record that the broker stamps."""
    async with scratch_topic(settings) as (topic, _):
        sender = producer(settings)
        try:
            await sender.start()
            before = time.time()
            written = await sender.send_and_wait(topic, b"", key=b"clock", partition=0)
            after = time.time()
        finally:
            await tidy(sender.stop())
    at = (written.timestamp or 0) / 1000
    apart = max(before - at, at - after, 0.0)
    if apart > CLOCK_S:
        return "error", (f"this machine's clock and the broker's are {apart:.0f} s apart, and the clock makes the "
                         "ticks: run NTP")
    return "ok", f"this machine's clock is at most {apart:.1f} s off the broker's"


async def _database(settings: Settings) -> tuple[str, str]:
    with closing(Store(settings.mongodb)) as store, mapped():
        await store.database.command("ping")
        status = {}
        if "@" in settings.mongodb:
            status = await store.database.command("connectionStatus", showPrivileges=True)
    name = store.database.name
    if lacking := not_allowed(status.get("authInfo", {}), name):
        return "error", (f"the user of ANBU_MONGODB may not {', '.join(sorted(lacking))} in {name}, so a worker would "
                         "wait for ever: give this user the roles readWrite and dbAdmin there")
    return "ok", f"database {name} answers"


def not_allowed(authenticated: JsonView, name: str) -> set[str]:
    """The needed actions that the user of a connection may not do in a database; empty without a user.

    authenticated: the answer of the server's connectionStatus.
    """
    if not authenticated.get("authenticatedUsers"):
        return set()
    may: set[str] = set()
    for one in authenticated["authenticatedUserPrivileges"]:
        resource = one["resource"]
        if resource.get("anyResource") or (resource.get("db") in ("", name) and resource.get("collection") == ""):
            may.update(one["actions"])
    return set(_ACTIONS - may)


async def _registered(settings: Settings) -> dict[int, JsonObject]:
    """Profiles by subject; none if the topic does not exist yet."""
    async with administration(settings) as admin:
        if REGISTRY not in await admin.list_topics():
            return {}
    return await read_profiles(settings)


async def _numbers(settings: Settings) -> tuple[str, str]:
    """The next person of an erased number would be judged, but neither recorded nor notified of."""
    with closing(Store(settings.mongodb)) as store:
        erased = await People(store.database).all_erased()
    if not erased:
        return "ok", "no person was erased"  # the registry of a nation takes long to read
    if again := sorted(erased & (await _registered(settings)).keys()):
        return "error", (f"erased numbers are registered: {', '.join(map(str, again[:10]))}; alerts on these people "
                         "reach no caseworker: run anbu erase again, and give these people other numbers")
    return "ok", "no erased number is registered"


async def _lanes(settings: Settings) -> tuple[str, str]:
    people = Counter(profile["gateway"] for profile in (await _registered(settings)).values()
                     if not profile.get("retired"))
    if not people:
        return "warning", "no person is registered yet: run anbu provision"
    gateway, fewest = min(people.items(), key=lambda one: one[1])
    if fewest < SMALLEST_LANE * settings.partitions:
        return "warning", (f"gateway {gateway} has {fewest} people in {settings.partitions} lanes: with fewer than "
                           f"{SMALLEST_LANE} in each, an outage may look like people who did not wake up; "
                           f"{max(1, fewest // SMALLEST_LANE)} partitions are enough")
    return "ok", f"{sum(people.values())} people, at least {fewest // settings.partitions} of each gateway in a lane"


CHECKS: Final[dict[str, Check]] = {"keys": _keys, "broker": _broker, "topics": _topics, "fencing": _fencing,
                                   "clock": _clock, "database": _database, "numbers": _numbers, "lanes": _lanes,
                                   "answers": answers}
NEED_BROKER: Final = ("topics", "fencing", "clock", "numbers", "lanes", "answers")
