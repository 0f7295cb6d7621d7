"""SMS through a real Kannel to a telephone: long Korean texts, final refusals, and a Kannel that was away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.asking import TEXT
from support.kannel import PASSWORD, Kannel, running_kannel
from support.notices import notice

from models.notifications.message import Manner, Message, message_of
from notifiers.fields import Fields
from notifiers.kannel import Kannel as Channel
from notifiers.ports import GiveUpError, RetryError, Text

pytestmark = [pytest.mark.notify, pytest.mark.timeout(120)]
PATIENCE_S = 30.0


def message(**facts: Any) -> Message:
    return message_of(notice(**facts), "1", Manner("ko", public_url="https://anbu.example.org"))


def channel(kannel: Kannel, **fields: Any) -> Channel:
    return Channel.build(Fields({"url": kannel.url, "user": "anbu", "password": PASSWORD, "from": "1666",
                                 "to": "+821012345678", **fields}, "channels.duty"))


@pytest.fixture
async def kannel(tmp_path: Path) -> AsyncIterator[Kannel]:
    with running_kannel(tmp_path) as one:
        yield one


async def arrived(kannel: Kannel, number: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(kannel.sms) < number:
            await asyncio.sleep(0.02)


async def accepted(one: Channel, what: Message) -> str:
    """Until smsbox has found bearerbox: it says 503 so long."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await one.send(what)
            except RetryError:
                await asyncio.sleep(0.1)


async def test_a_long_korean_text_arrives_whole(kannel: Kannel) -> None:
    one = channel(kannel)
    what = message(severity="critical", kind="sos")
    assert len(what.text) > 70  # more than one SMS
    assert (await accepted(one, what)).startswith("0:")
    await arrived(kannel, 1)
    assert kannel.sms == [("1666", "+821012345678", what.text)]
    await one.close()


async def test_a_wrong_password_gives_the_delivery_up(kannel: Kannel) -> None:
    one = channel(kannel, password="wrong")
    with pytest.raises(GiveUpError, match="403"):
        await one.send(message())
    await one.close()
    assert kannel.sms == []


async def test_a_kannel_that_was_away_gets_the_message_later(kannel: Kannel) -> None:
    one = channel(kannel)
    kannel.stop_smsbox()
    with pytest.raises(RetryError) as raised:
        await one.send(message())
    assert not raised.value.unsure
    kannel.start_smsbox()
    await accepted(one, message())
    await arrived(kannel, 1)
    await one.close()


async def test_a_question_arrives_in_one_sms(kannel: Kannel) -> None:
    one = channel(kannel)
    question = Text("42/2026-11-24:morning/2", "+821000000042", TEXT, 900)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await one.send_text(question)
                break
            except RetryError:
                await asyncio.sleep(0.1)
    await arrived(kannel, 1)
    assert kannel.sms == [("1666", "+821000000042", TEXT)]
    await one.close()
