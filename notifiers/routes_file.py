"""Every fault of the routes file is found at start-up, and reported in one line.

This file reads the whole routes file: the channels, which their adapters make, and the rules. docs/notify.md has the
schema.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from models.contract.why import LANGUAGES
from models.json_object import JsonObject
from models.notifications.asks import ask_routes
from models.notifications.message import Manner
from models.notifications.routes import Routes, RoutesError, object_at, only, routes_of
from models.notifications.telling import FOLLOW_UPS
from notifiers.fields import Fields
from notifiers.kannel import Kannel
from notifiers.mail import Mail
from notifiers.plain_http import PlainHttp
from notifiers.ports import Channel, TextChannel
from notifiers.slack import Slack
from notifiers.twilio import Twilio
from notifiers.webhook import Webhook

ADAPTERS: Final[Mapping[str, Callable[[Fields], Channel]]] = {
    "slack": Slack.build, "email": Mail.build, "kannel": Kannel.build, "twilio": Twilio.build, "http": PlainHttp.build,
    "webhook": Webhook.build}
# An SMS costs money and wakes people, so an acknowledgement is reported only on channels that cost nothing.
_FOLLOW_UPS: Final[Mapping[str, list[str]]] = {
    "slack": ["acknowledged", "cleared"], "webhook": [one.value for one in sorted(FOLLOW_UPS)]}
PER_S: Final = 10.0
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}", re.ASCII)


class Configured(NamedTuple):
    """A channel, and the manner of its messages.

    type: the type in the routes file.
    """

    type: str
    channel: Channel
    manner: Manner


class AskChannel(NamedTuple):
    """A channel that sends questions to devices.

    type: the type in the routes file.
    per_s: how many questions it sends a second at most.
    """

    type: str
    channel: TextChannel
    per_s: float


class LoadedRoutes(NamedTuple):
    """The routes file.

    channels: by name, the channels of messages.
    asks: by gateway, the name of the channel of its questions to devices.
    ask_channels: by name, the channels of such questions.
    """

    routes: Routes
    channels: dict[str, Configured]
    asks: Mapping[str, str]
    ask_channels: dict[str, AskChannel]


def load(text: str, public_url: str | None) -> LoadedRoutes:
    """Read the routes file. Raises RoutesError.

    public_url: the URL of the page for users, without a slash at the end.
    """
    try:
        document = object_at(orjson.loads(text), "the file")
        json.loads(text, object_pairs_hook=_each_once)
    except orjson.JSONDecodeError as error:
        raise RoutesError(f"is no JSON: {error}") from None
    only(document, "", ("channels", "sites", "gateways", "asks"))
    channels: dict[str, Configured] = {}
    ask_channels: dict[str, AskChannel] = {}
    follow_ups: dict[str, frozenset[str]] = {}
    asking = list(object_at(document.get("asks", {}), "asks").values())
    for name, one in object_at(document.get("channels"), "channels").items():
        place = f"channels.{name}"
        if _NAME.fullmatch(name) is None:
            raise RoutesError(f"{place}: a name has letters a to z, digits, _ and -, 41 at most")
        fields = Fields(object_at(one, place), place, asks=name in asking)
        made = _channel(fields, public_url)
        if fields.asks and isinstance(made.channel, TextChannel):
            ask_channels[name] = AskChannel(made.type, made.channel, fields.rate("per_s", PER_S))
        if not fields.asks_alone:
            channels[name], follow_ups[name] = made, _follow_ups(fields)
        fields.nothing_else()
    asks = ask_routes(document, ask_channels)
    return LoadedRoutes(routes_of(document, follow_ups), channels, asks, ask_channels)


def _each_once(pairs: list[tuple[str, Any]]) -> JsonObject:
    """Refuse a name that comes twice: the second value would replace the first, whose people would get no message."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RoutesError(f"{twice}: the name is twice in the same object")
    return found


def _channel(fields: Fields, public_url: str | None) -> Configured:
    kind = fields.one_of("type", None, tuple(ADAPTERS))
    manner = Manner(fields.one_of("language", "ko", LANGUAGES), fields.flag("personal"), public_url)
    return Configured(kind, ADAPTERS[kind](fields), manner)


def _follow_ups(fields: Fields) -> frozenset[str]:
    default = _FOLLOW_UPS.get(fields.text("type"), ["cleared"])
    chosen = frozenset(fields.texts("follow_up", default))
    if not chosen <= FOLLOW_UPS:
        raise fields.wrong("follow_up", f"must be of {', '.join(sorted(FOLLOW_UPS))}")
    return chosen
