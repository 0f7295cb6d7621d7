"""Whatever can be wrong in a routes file is found at start-up, and told by its place in one line."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from models.notifications.asks import has_asks
from models.notifications.routes import RoutesError
from notifiers.routes_file import load

SLACK = {"type": "slack", "url": "https://hooks.slack.com/services/T/B/X"}
KANNEL = {"type": "kannel", "url": "http://127.0.0.1:13013/cgi-bin/sendsms", "user": "anbu", "password": "hush",
          "from": "1666", "to": "+821012345678"}
MAIL = {"type": "email", "host": "smtp.example.org", "from": "anbu@example.org", "to": ["team@example.org"]}
WHO = {"sites": {"*": {"default": ["team"]}}, "gateways": {"*": ["team"]}}


def document(**channel: Any) -> str:
    return orjson.dumps({"channels": {"team": channel}, **WHO}).decode()


@pytest.mark.parametrize(("text", "place"), [
    ("{", "is no JSON"), ("[]", "the file: must be an object"), ("{}", "channels: must be an object"),
    (orjson.dumps({"channels": {}, "site": {}}).decode(),
     "site: no such field; the fields are asks, channels, gateways, sites"),
    (orjson.dumps({"channels": {"Team 1": SLACK}, **WHO}).decode(), "channels.Team 1: a name has letters a to z"),
    (orjson.dumps({"channels": {"team": []}, **WHO}).decode(), "channels.team: must be an object"),
    (orjson.dumps({"channels": {}, **WHO}).decode(), "sites.*.default: no channel is named team"),
    (orjson.dumps({"channels": {"team": SLACK}, **WHO, "sites": {"*": {"default": [["team"]]}}}).decode(),
     "sites.*.default: no channel is named ['team']"),
    (document(), "channels.team.type: is missing"),
    (document(type="pigeon"), "channels.team.type: must be one of slack, email, kannel, twilio, http, webhook"),
    (document(type=["slack"]), "channels.team.type: must be a text"),
    (document(type="slack"), "channels.team.url_file: is missing"),
    (document(type="slack", url="hooks.slack.com"), "channels.team.url: must be a URL"),
    (document(type="slack", url="http://hooks.slack.com/x"), "channels.team.url: is http, which sends"),
    (document(type="slack", url="https://[hooks"), "channels.team.url: must be a URL"),
    (document(type="slack", url="https://hooks.slack.com:99999/x"), "channels.team.url: must be a URL"),
    (document(type="slack", url="https://hooks.slack.com/x\ny"), "channels.team.url: must be a URL"),
    *((document(type="slack", url=url), "channels.team.url: must be a URL") for url in (
        "https://a b/", "https://a%20b/", "https://a..b/", "https:///path", "https://a,b/",
        "https://" + "a" * 64 + ".org/", "https://hooks@/x", "https://")),
    (document(type="slack", url_file="/nowhere/at/all"), "channels.team.url_file: /nowhere/at/all cannot be read"),
    (document(**SLACK, chanel="x"), "channels.team.chanel: no such field"),
    (document(**SLACK, language="de"), "channels.team.language: must be one of ko, en"),
    (document(**SLACK, personal="yes"), "channels.team.personal: must be true or false"),
    (document(**SLACK, follow_up=["opened"]), "channels.team.follow_up: must be of acknowledged"),
    (document(**SLACK, follow_up="cleared"), "channels.team.follow_up: must be a list of texts"),
    (document(**{**KANNEL, "to": "Kim"}), "channels.team.to: must be one telephone number"),
    (document(**{**KANNEL, "to": ["+821012345678"]}), "channels.team.to: must be a text"),
    (document(**{**KANNEL, "user": " "}), "channels.team.user: must be a text"),
    (document(**{**KANNEL, "password": None}), "channels.team.password_file: is missing"),
    (document(**{**KANNEL, "password": "비밀"}), "channels.team.password: must be ASCII"),
    (document(**{**KANNEL, "from": "안부"}), "channels.team.from: must be ASCII"),
    (document(**{**MAIL, "to": []}), "channels.team.to: must be an address"),
    (document(**{**MAIL, "from": "Anbu"}), "channels.team.from: must be an address"),
    *((document(**{**MAIL, "host": host}), "channels.team.host: must be a name such as smtp.example.org") for host in (
        "smtp://h", "smtp.example.org:587", "a b", "a/b", "[::1]", "a..b", "anbu@h", "a" * 64)),
    *((document(**{**MAIL, "from": one}), "channels.team.from: must be an address") for one in (
        "anbu@", "@example.org", "anbu@a b", "anbu@a/b", "A\rB <anbu@example.org>")),
    (document(**MAIL, port=0), "channels.team.port: must be a port"),
    (document(**MAIL, security="ssl"), "channels.team.security: must be one of starttls, tls, none"),
    (document(**MAIL, security="none"), "channels.team.security: none sends messages unencrypted"),
    (document(**MAIL, ca_file="/nowhere"), "channels.team.ca_file: holds no certificates"),
    (document(**MAIL, user="anbu"), "channels.team.password_file: is missing"),
    (document(type="twilio", account="AC1", token="x", to="+821012345678"), "channels.team.from: is missing"),
    *((document(type="twilio", account="AC1", token="x", service="MG1", to=to), "channels.team.to: must be one tele")
      for to in ("821012345678", "01012345678", "+0821012345678", "+82 10 1234 5678", "1666")),
    (document(type="http", url="https://a.example.org"), "channels.team.json: set either json or form"),
    (document(type="http", url="https://a.example.org", json={}, authorization="Bearer x\ny"),
     "channels.team.authorization: must be ASCII"),
    (document(type="http", url="https://a.example.org", json=[1]), "channels.team.json: must be an object"),
    (document(type="http", url="https://a.example.org", json={}), "channels.team.json: lacks {text} and {title}"),
    (document(type="http", url="https://a.example.org", form={"to": "+82", "message": "{txt}"}),
     "channels.team.form: lacks {text} and {title}"),
    (document(type="http", url="https://a.example.org", json={"sms": [{"to": "{to}", "message": "{text}"}]}),
     "channels.team.to: is missing, but json has {to} in it"),
    (document(**SLACK)[:-1] + ', "sites": {"*": {"default": []}}}', "sites: the name is twice in the same object"),
    (document(type="webhook", url="https://a.example.org"), "channels.team.secret_file: is missing"),
], ids=lambda value: value[:40])
def test_a_wrong_channel_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(RoutesError) as refused:
        load(text, None)
    assert str(refused.value).startswith(place)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("channel", [
    *({"type": "slack", "url": url} for url in (
        "https://[::1]:8443/x", "https://[2001:db8::1]/x", "https://user:p%20w@hooks.example.org:8443/a/b?c=d e#f",
        "https://203.0.113.5/x", "https://my_slack/x", "https://안부.example.org/x", "https://xn--o39a10a.example.org./x",
        "http://localhost:8080", "http://[::1]:80/x")),
    {"type": "http", "url": "http://sms_gateway:8080/send", "plain": True, "to": "010-1234-5678",
     "json": {"to": "{to}", "text": "{text}"}},
    *({**KANNEL, "to": to} for to in ("01012345678", "1666", "+821012345678")),
    *({**MAIL, "host": host} for host in (
        "smtp.example.org.", "mail", "mail_1", "192.0.2.7", "2001:db8::7", "fe80::7%eth0", "메일.example.org")),
    *({**MAIL, "from": one, "to": [one]} for one in (
        "안부 <anbu@example.org>", '"a b"@example.org', "anbu@localhost", "anbu@[192.0.2.7]",
        "anbu@[IPv6:2001:db8::7]")),
    {"type": "twilio", "account": "AC1", "token": "x", "from": "ANBU", "to": "+12025550123"},
    {"type": "twilio", "account": "AC1", "token": "x", "from": "1666", "to": "+821012345678"},
], ids=str)
def test_a_correct_channel_is_accepted(channel: dict[str, Any]) -> None:
    assert load(document(**channel), None).channels["team"].type == channel["type"]


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(RoutesError, match="is empty"):
        load(document(type="slack", url_file=str(tmp_path / "secret")), None)


def test_the_follow_ups_of_each_kind_of_channel(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://hooks.slack.com/services/T/B/X\n")
    channels: dict[str, Any] = {
        "slack": {"type": "slack", "url_file": str(tmp_path / "url"), "personal": True, "language": "en"},
        "sms": KANNEL, "mail": {**MAIL, "follow_up": []},
        "hook": {"type": "webhook", "url": "http://inside/", "plain": True, "secret": "hush"}}
    found = load(orjson.dumps({"channels": channels, "sites": {"*": {"default": ["sms"]}},
                               "gateways": {"*": ["hook"]}}).decode(), "https://anbu.example.org")
    assert {name: sorted(one) for name, one in found.routes.follow_ups.items()} == {
        "slack": ["acknowledged", "cleared"], "sms": ["cleared"], "mail": [],
        "hook": ["acknowledged", "assigned", "cleared", "commented"]}
    assert found.channels["slack"].manner == ("en", True, "https://anbu.example.org")
    assert found.channels["hook"].type == "webhook"


ASK_HTTP: dict[str, Any] = {"type": "http", "url": "https://a.example.org", "json": {"to": "{to}", "m": "{text}"}}
NO_RECEIVER = {name: value for name, value in KANNEL.items() if name != "to"}


def asking(channel: dict[str, Any], **asks: Any) -> str:
    return orjson.dumps({"channels": {"team": SLACK, "sms": channel}, **WHO,
                         "asks": asks or {"seoul-1": "sms"}}).decode()


@pytest.mark.parametrize("channel", [
    NO_RECEIVER, {**NO_RECEIVER, "per_s": 0.5}, ASK_HTTP,
    {"type": "twilio", "account": "AC1", "token": "x", "from": "ANBU"},
    {**ASK_HTTP, "json": {"to": "{to}", "m": "{text}", "id": "{id}", "ttl": "{valid_s}"}},
], ids=str)
def test_a_channel_that_asks_devices_needs_no_receiver(channel: dict[str, Any]) -> None:
    found = load(asking(channel), None)
    assert (found.asks, [*found.ask_channels], [*found.channels]) == ({"seoul-1": "sms"}, ["sms"], ["team"])
    assert found.ask_channels["sms"].per_s == channel.get("per_s", 10)


@pytest.mark.parametrize("channel", [KANNEL, {**ASK_HTTP, "to": "+821012345678"}], ids=str)
def test_a_channel_may_send_both_messages_and_questions(channel: dict[str, Any]) -> None:
    found = load(asking(channel, **{"*": "sms", "seoul-1": "sms"}), None)
    assert [*found.channels] == ["team", "sms"]
    assert id(found.ask_channels["sms"].channel) == id(found.channels["sms"].channel)


def test_no_device_is_asked_unless_the_file_says_so() -> None:
    found = load(document(**SLACK), None)
    assert (found.asks, found.ask_channels) == ({}, {})
    assert [has_asks(text) for text in (document(**SLACK), asking(KANNEL), "{", "[]", '{"asks": {}}')] == [
        False, True, False, False, False]


@pytest.mark.parametrize(("text", "place"), [
    (asking(KANNEL)[:-1].replace('"asks":{"seoul-1":"sms"}', '"asks":["sms"]') + "}", "asks: must be an object"),
    (asking(KANNEL, **{"seoul-1": "sns"}), "asks.seoul-1: no channel that sends SMS to any number is named sns; there"),
    (asking(KANNEL, **{"seoul-1": ["sms"]}), "asks.seoul-1: no channel"),
    (asking(KANNEL, **{"seoul-1": "team"}), "asks.seoul-1: no channel that sends SMS to any number is named team; "),
    (asking(NO_RECEIVER, **{"*": "team"}), "channels.sms.to: is missing"),
    (asking({**KANNEL, "per_s": 0}), "channels.sms.per_s: must be a number a second"),
    (asking({**KANNEL, "per_s": True}), "channels.sms.per_s: must be a number a second"),
    (asking({**KANNEL, "per_s": 1001}), "channels.sms.per_s: must be a number a second"),
    (document(**KANNEL, per_s=5), "channels.team.per_s: no such field"),
    (asking({**ASK_HTTP, "json": {"m": "{text}"}}), "channels.sms.json: has no {to} in it: no question would arrive"),
    (asking({**ASK_HTTP, "json": {"m": "{to}"}}), "channels.sms.json: has no {text} in it: no question would arrive"),
    (asking({**ASK_HTTP, "json": {"m": "{to}{text}{link}"}}), "channels.sms.json: has {link} in it; questions by"),
    (asking({**ASK_HTTP, "to": "1", "json": {"m": "{to}{text}{valid_s}"}}), "channels.sms.json: has {valid_s} in it"),
    (asking(NO_RECEIVER).replace('"default":["team"]', '"default":["sms"]'), "sites.*.default: no channel is named"),
], ids=lambda value: value[:60])
def test_a_wrong_channel_for_questions_is_refused(text: str, place: str) -> None:
    with pytest.raises(RoutesError) as refused:
        load(text, None)
    assert str(refused.value).startswith(place)
