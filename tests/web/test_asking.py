"""The button that asks a device: only a page with the key-encryption keys has it, and says why it does not ask."""

import asyncio
import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from support.page import (
    NOW,
    MemoryHistory,
    Running,
    StoppedClock,
    browser,
    csrf_of,
    person,
    progress,
    running_page,
    send,
    wait_until,
)

from cli.broker import records
from models.ask_by_hand import AskRefusal
from models.contract.asks import Ask, parse_ask
from models.wire.keys import wrap
from runtime.settings import Settings
from streams.partition import partition_of
from streams.topics import ASKS
from web.service import Web
from web.words import WORDS

KEK = bytes(32)
DOCUMENT = json.dumps({"k1": b64encode(KEK).decode()})
BUTTON = 'action="/people/7/ask"'


def registered(subject: int, msisdn: str | None = "+821012345678", **changes: Any) -> tuple[str, dict[str, Any], None]:
    wrapped = b64encode(wrap(KEK, bytes(12), bytes(16), subject, 0, 1)).decode()
    return "registry", {**person(subject)["profile"], **changes, "devices": [
        {"slot": 0, "epoch": 1, "kek": "k1", "key": wrapped, "msisdn": msisdn}]}, None


async def questions(settings: Settings) -> list[tuple[int, Ask]]:
    return [(record.partition, parse_ask(json.loads(record.value))) async for polled in records(ASKS, settings)
            for record in polled.records]


def test_every_reason_has_a_sentence() -> None:
    assert set(AskRefusal) <= WORDS.keys()


def test_a_page_without_the_keys_has_no_button(lonely: Running, history: MemoryHistory) -> None:
    history.of_one = {7: {"person": person(7)}}
    with browser(lonely, "en") as client:
        page = client.get("/people/7")
        answer = client.post("/people/7/ask", data={"csrf": csrf_of(page)})
    assert BUTTON not in page.text
    assert answer.status_code == 404


@pytest.mark.broker
def test_the_button_sends_a_question(settings: Settings, history: MemoryHistory) -> None:
    history.of_one = {subject: {"person": person(subject)} for subject in (7, 8, 9)}
    send(settings, *[("reports", progress(lane), lane) for lane in range(4)], registered(7, "+821011111111"),
         registered(7), registered(8, None), registered(9, grace_min=30, ask_min=[0], windows={
             "morning": {"open": "06:00", "close": "09:30"}}))
    with running_page(Web(replace(settings, kek=DOCUMENT), StoppedClock(NOW), history)) as page:
        wait_until(lambda: page.web.follower.lanes)
        with browser(page, "en") as client:
            shown = client.get("/people/7")
            assert BUTTON in shown.text
            form = {"csrf": csrf_of(shown)}
            said = [client.post(f"/people/{subject}/ask", headers={"x-anbu": "sentence"}, data=form)
                    for subject in (7, 8, 9, 10)]
    assert [one.status_code for one in said] == [200, 422, 422, 422]
    assert ["on its way" in said[0].text, "no device" in said[1].text, "by itself now" in said[2].text,
            "no device" in said[3].text] == [True] * 4
    [(lane, question)] = asyncio.run(questions(settings))
    assert (lane, question.subject, question.to) == (partition_of(7, 4), 7, "+821012345678")
    assert question.id == "2026-11-24:morning/9"
