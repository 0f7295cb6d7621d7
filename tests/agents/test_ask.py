"""Questions to devices: each is sent in time or counted, and neither a provider nor a crash loses or delays another."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from support.asking import NOW, TEXT, UNTIL, RunningAsk, http, question, routes
from support.endpoint import Answer, Endpoint
from support.notifier import until

from runtime.metrics import REGISTRY


@pytest.fixture
def sms() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


@pytest.fixture
def other() -> Iterator[Endpoint]:
    with Endpoint() as one:
        yield one


@pytest.fixture
def one(sms: Endpoint) -> RunningAsk:
    return RunningAsk(routes({"sms": http(sms)}, {"seoul-1": "sms"}))


def counted(status: str, gateway: str = "seoul-1") -> float:
    found = REGISTRY.get_sample_value("anbu_questions_total", {"gateway": gateway, "status": status})
    assert found is not None  # there before it counts: a rule sees it rise
    return found


async def test_a_question_goes_to_its_device(one: RunningAsk, sms: Endpoint) -> None:
    before = counted("sent")
    async with one.sending():
        await one.take(question())
        await until(lambda: counted("sent") == before + 1)
    (request,) = sms.requests
    valid = int(request.json["valid"])
    assert request.json == {"to": "+821000000042", "text": TEXT, "id": "42/2026-11-24:morning/2", "valid": str(valid)}
    assert 890 <= valid <= UNTIL - NOW
    assert request.headers["idempotency-key"] == "42/2026-11-24:morning/2"


async def test_the_position_stays_before_a_question_in_hand(one: RunningAsk, sms: Endpoint) -> None:
    """So a crash loses none. What was sent behind it comes again, and its device ignores it."""
    sms.answers += [Answer(503), Answer(200)]
    before = counted("sent")
    assert one.agent.held(0) == {}
    async with one.sending():
        await one.take(question(1), offset=7)
        await until(lambda: len(sms.requests) == 1)
        await one.take(question(2))
        await until(lambda: counted("sent") == before + 1)
        assert (one.agent.held(0), one.agent.held(1)) == ({"asks": 7}, {})
        one.clock.shift += 10
        await until(lambda: counted("sent") == before + 2)
        assert one.agent.held(0) == {}
    assert [request.json["id"][0] for request in sms.requests] == ["1", "2", "1"]


async def test_an_unanswered_attempt_is_repeated_with_the_same_text(one: RunningAsk, sms: Endpoint) -> None:
    """The provider may have sent it: the device ignores the same octets."""
    sms.answers.append(Answer(cut=True))
    async with one.sending():
        await one.take(question())
        await until(lambda: len(sms.requests) == 1)
        one.clock.shift += 10
        await until(lambda: len(sms.requests) == 2)
    first, second = sms.requests
    assert first.json["text"] == second.json["text"]
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert int(second.json["valid"]) <= int(first.json["valid"]) - 10


@pytest.mark.parametrize("left_s", [-1, 0])
async def test_a_question_that_is_read_too_late_is_dropped(one: RunningAsk, sms: Endpoint, left_s: int) -> None:
    before = counted("expired")
    async with one.sending():
        await one.take(question(until=NOW + left_s))
        assert counted("expired") == before + 1
    assert (sms.requests, one.agent.held(0)) == ([], {})


async def test_nothing_old_is_sent_when_a_provider_comes_back(one: RunningAsk, sms: Endpoint) -> None:
    sms.usual = Answer(503)
    failed, expired = counted("failed"), counted("expired")
    async with one.sending():
        await one.take(*(question(number) for number in range(20)))
        await until(lambda: len(sms.requests) == 20)
        sms.usual = Answer(200)
        one.clock.shift += UNTIL - NOW
        await until(lambda: counted("failed") + counted("expired") == failed + expired + 20)
        assert one.agent.held(0) == {}
    assert len(sms.requests) == 20


async def test_a_retry_that_would_be_too_late_is_not_made(one: RunningAsk, sms: Endpoint) -> None:
    sms.answers.append(Answer(503, headers={"retry-after": "60"}))
    before = counted("failed")
    async with one.sending():
        await one.take(question(until=NOW + 60))
        await until(lambda: counted("failed") == before + 1)
    assert len(sms.requests) == 1


async def test_a_pause_holds_for_the_whole_channel(one: RunningAsk, sms: Endpoint) -> None:
    """A provider that limits the rate would refuse the other questions too."""
    sms.answers.append(Answer(429, headers={"retry-after": "30"}))
    before = counted("sent")
    async with one.sending():
        await one.take(question(1))
        await until(lambda: one.agent.held(0) == {"asks": 0} and len(sms.requests) == 1)
        await asyncio.sleep(0.2)
        await one.take(question(2), question(3))
        one.clock.shift += 28
        await asyncio.sleep(0.3)
        assert len(sms.requests) == 1
        one.clock.shift += 2
        await until(lambda: counted("sent") == before + 3)


async def test_a_provider_that_hangs_delays_no_other(sms: Endpoint, other: Endpoint) -> None:
    one = RunningAsk(routes({"slow": http(sms, per_s=4), "good": http(other)}, {"seoul-1": "slow", "*": "good"}))
    sms.usual = Answer(200, delay_s=5)
    async with one.sending():
        await one.take(*(question(number) for number in range(30)))
        await one.take(question(50, gateway="busan-1"), question(51, gateway="busan-2"))
        await until(lambda: len(other.requests) == 2)
        assert one.agent.held(0) == {"asks": 0}
    assert len(sms.requests) <= 8


async def test_a_channel_keeps_its_rate_and_the_nearest_deadline_goes_first(sms: Endpoint) -> None:
    one = RunningAsk(routes({"sms": http(sms, per_s=20)}, {"seoul-1": "sms"}))
    await one.take(*(question(number, until=UNTIL - number) for number in range(9)))
    async with one.sending():
        await asyncio.sleep(0.3)
        assert 2 <= len(sms.requests) <= 8  # six slots, and a busy machine
        await until(lambda: len(sms.requests) == 9)
    assert sms.requests[0].json["id"].startswith("8/")


async def test_what_a_provider_refuses_for_good_is_given_up(one: RunningAsk, sms: Endpoint) -> None:
    sms.answers.append(Answer(400))
    before = counted("failed")
    async with one.sending():
        await one.take(question())
        await until(lambda: counted("failed") == before + 1)
    assert (len(sms.requests), one.agent.held(0)) == (1, {})


async def test_what_cannot_be_sent_is_reported_once_a_minute(
        one: RunningAsk, caplog: pytest.LogCaptureFixture) -> None:
    before, unreadable = counted("failed", "unknown"), b'{"type": "ask"}'
    with caplog.at_level(logging.WARNING, "agents.ask"):
        await one.take(*(question(number, gateway="mars") for number in range(50)), unreadable, b"{", unreadable)
        assert caplog.messages == []
        one.agent.report_now()
    assert caplog.messages == [
        "50 questions to devices of mars were not sent (unrouted): the routes file names no channel in `asks`",
        "3 questions to devices of unknown were not sent (failed): mostly the record cannot be read: to"]
    assert counted("failed", "unknown") == before + 3
    assert "8210" not in caplog.text
    one.agent.report_now()
    assert len(caplog.messages) == 2


async def test_a_question_of_a_lost_lane_is_left_to_its_next_owner(one: RunningAsk, sms: Endpoint) -> None:
    sms.answers.append(Answer(503))
    before = counted("sent")
    async with one.sending():
        await one.take(question(1), offset=7)
        await until(lambda: len(sms.requests) == 1)
        one.lanes[0] = "the lane, after another worker had it"
        assert one.agent.held(0) == {}
        await one.take(question(1), offset=7)
        await until(lambda: counted("sent") == before + 1)
        one.clock.shift += 10
        await asyncio.sleep(0.2)
        assert one.agent.held(0) == {}
    assert len(sms.requests) == 2


async def test_an_attempt_in_hand_may_end_at_the_end(one: RunningAsk, sms: Endpoint) -> None:
    sms.usual = Answer(200, delay_s=0.3)
    before = counted("sent")
    async with one.sending():
        await one.take(question())
        await until(lambda: len(sms.requests) == 1)
    assert counted("sent") == before + 1
