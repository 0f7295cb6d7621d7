"""`anbu ask`: what lies in the topic afterwards is a question that the agent `ask` sends."""

import asyncio
from pathlib import Path

import orjson
import pytest
from support.commands import Anbu

from cli.broker import SubjectRecord, publish, records
from models.contract.asks import Ask, parse_ask
from runtime.settings import Settings
from simulator.fleet import Fleet
from streams.partition import partition_of
from streams.topics import ASKS, REGISTRY

SUBJECT, NUMBERLESS = 1001, 1002


@pytest.fixture
def people(settings: Settings, environ: dict[str, str]) -> None:
    """A fleet of three in the registry; the first has a device with a number, and nobody is asked by the judgement."""
    fleet = Fleet(3)
    Path(environ["ANBU_KEK_FILE"]).write_bytes(orjson.dumps(fleet.keks()))
    profiles = {profile["subject"]: {**profile, "ask_min": None} for profile in fleet.registry()}
    profiles[SUBJECT]["devices"][0]["msisdn"] = "+821012345678"
    for subject in profiles.keys() - {SUBJECT}:
        for device in profiles[subject]["devices"]:
            device["msisdn"] = None
    asyncio.run(publish([SubjectRecord(REGISTRY, subject, one) for subject, one in profiles.items()], settings))


def questions(settings: Settings) -> list[tuple[int, Ask]]:
    async def read() -> list[tuple[int, Ask]]:
        return [(record.partition, parse_ask(orjson.loads(record.value))) async for polled in records(ASKS, settings)
                for record in polled.records]

    return asyncio.run(read())


def test_a_question_lies_in_the_lane_of_the_person(anbu: Anbu, settings: Settings, people: None) -> None:
    done = anbu("ask", SUBJECT)
    [(lane, question)] = questions(settings)
    assert (done.exit_code, done.stdout) == (0, f"asked: {question.id}\n")
    assert (lane, question.subject, question.to) == (partition_of(SUBJECT, settings.partitions), SUBJECT,
                                                     "+821012345678")
    assert 8 <= question.number <= 255


@pytest.mark.parametrize(("arguments", "status", "words"), [
    ((5,), 1, "no person has the number 5"),
    ((NUMBERLESS,), 1, "has a telephone number"),
    ((SUBJECT, "--slot", 7), 1, "has a telephone number"),
    ((SUBJECT, "--slot", 8), 2, "--slot")])
def test_a_device_that_cannot_be_asked_is_reported(anbu: Anbu, settings: Settings, people: None,
                                                   arguments: tuple[object, ...], status: int, words: str) -> None:
    done = anbu("ask", *arguments)
    assert (done.exit_code, words in done.stderr) == (status, True), done.stderr
    assert questions(settings) == []
