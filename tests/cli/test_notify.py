"""`anbu notify`: the routes are checked, a channel is tried, and what was not delivered is seen and sent again."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.endpoint import Answer, Endpoint
from support.notices import event

from cli.main import main
from local.embedded import free_port
from models.notifications.message import Manner, message_of
from models.notifications.notice import notice_of
from notifiers.fields import Fields
from notifiers.routes_file import load
from notifiers.webhook import Webhook
from stores.mongo import Store

DOCUMENT = (Path(__file__).parents[2] / "docs" / "notify.md").read_text(encoding="utf-8")


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["notify", *arguments], env={"ANBU_ROUTES": None, **environ})


def routes(url: str) -> str:
    return json.dumps({"channels": {"team": {"type": "slack", "url": url}}, "sites": {"*": {"default": ["team"]}},
                       "gateways": {"*": ["team"]}})


def test_the_example_of_the_handbook_is_right(tmp_path: Path) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    for name in ("slack", "smtp", "kannel"):
        (tmp_path / name).write_text("https://hooks.example.org/x")
    text = example.replace("/run/routes", str(tmp_path))
    done = run("check", ANBU_ROUTES=text)
    assert done.exit_code == 0
    assert "site jongno: team; 4 rules" in done.stdout
    assert "channel mail: email, en" in done.stdout
    assert "devices of seoul-1: asked by devices, kannel, 10 a second at most" in done.stdout
    assert load(text, None).routes.of_alert("jongno", "sos", "critical", "backup").channels == ("duty",)


async def test_the_receiver_of_the_handbook_refuses_a_forged_webhook() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(f"import hashlib, hmac\n{source}", scope)  # noqa: S102 - our own handbook
    with Endpoint() as endpoint:
        webhook = Webhook.build(Fields({"url": endpoint.url, "secret": "hush"}, "x"))
        await webhook.send(message_of(notice_of(event()), "1", Manner()))
        await webhook.close()
    (request,) = endpoint.requests
    headers = {name.title(): value for name, value in request.headers.items()}
    now = int(headers["X-Anbu-Timestamp"])
    assert scope["authentic"](b"hush", headers, request.body, now)
    assert not scope["authentic"](b"hush", headers, request.body + b" ", now)
    assert not scope["authentic"](b"other", headers, request.body, now)
    assert not scope["authentic"](b"hush", headers, request.body, now + 301)


@pytest.mark.parametrize(("environ", "said"), [
    ({}, "ANBU_ROUTES_FILE is not set"),
    ({"ANBU_ROUTES": "{}"}, "ANBU_ROUTES_FILE: channels: must be an object"),
    ({"ANBU_ROUTES_FILE": "/nowhere"}, "ANBU_ROUTES_FILE: /nowhere cannot be read"),
    ({"ANBU_ROUTES": routes("https://a.example.org"), "ANBU_PUBLIC_URL": "anbu"}, "ANBU_PUBLIC_URL: must be a URL")])
def test_wrong_settings_are_reported_in_one_line(environ: dict[str, str], said: str) -> None:
    done = run("check", **environ)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_a_test_message_is_sent_to_a_channel() -> None:
    with Endpoint(Answer(), Answer(503), Answer(404, "no_service")) as slack:
        done = [run("test", "team", ANBU_ROUTES=routes(slack.url)) for _ in range(3)]
        unknown = run("test", "duty", ANBU_ROUTES=routes(slack.url))
    assert [one.exit_code for one in (*done, unknown)] == [0, 1, 1, 2]
    assert "team has accepted the message" in done[0].stdout
    assert "may accept it later: HTTP 503" in done[1].stderr
    assert "rejects the message: HTTP 404: no_service" in done[2].stderr
    assert "no channel is named duty; the channels are team" in unknown.stderr
    assert "시험 메시지" in str(slack.requests[0].json["blocks"])


def test_a_missing_database_is_reported() -> None:
    done = run("list", ANBU_MONGODB=f"mongodb://127.0.0.1:{free_port()}/anbu?serverSelectionTimeoutMS=100")
    assert (done.exit_code, "ANBU_MONGODB" in done.stderr) == (1, True)


async def test_failed_deliveries_are_listed_and_sent_again(store: Store, database_url: str) -> None:
    base = {"schema": 1, "thread": "1/a", "alert": "1:sos:0.1.1", "revision": 1, "order": 1, "channel": "team",
            "attempts": 1, "due": 0.0, "lane": 0, "subject": 1, "changed_at": "2026-11-24T00:00:00Z",
            "severity": "critical", "until": 4e9, "event": {}, "status": "failed", "why": "HTTP 404"}
    await store.database.deliveries.insert_many([
        {**base, "_id": "1", "at": "2026-11-24T00:00:05Z"},
        {**base, "_id": "2", "at": "2026-11-24T00:00:05Z", "until": 1.0},  # too old by now
        {**base, "_id": "3", "status": "queued", "why": None, "at": None, "channel": "duty"}])

    async def told(*arguments: str) -> Result:
        return await asyncio.to_thread(run, *arguments, ANBU_MONGODB=database_url)

    assert len((await told("list", "--json")).stdout.splitlines()) == 2
    line = (await told("list", "--failed", "--most", "1")).stdout
    assert line.split() == ["2026-11-24T00:00:00Z", "failed", "team", "critical", "1:sos:0.1.1", "HTTP", "404"]
    assert [json.loads(one)["channel"] for one in (await told("list", "--waiting", "--json")).stdout.splitlines()] == [
        "duty"]
    assert "queued again: 0" in (await told("retry", "--channel", "duty")).stdout
    assert "queued again: 1" in (await told("retry")).stdout
    assert len((await told("list", "--waiting", "--json")).stdout.splitlines()) == 2
    assert len((await told("list", "--all", "--json")).stdout.splitlines()) == 3
