"""When and by which channel a question goes to a device: none is sent after its deadline, and retries end before it.

The part `asks` of the routes file names the channel for a gateway; `*` is for all other gateways. A gateway without a
channel asks no device.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

import orjson

from models.json_object import JsonView
from models.notifications.routes import EVERYWHERE, RoutesError, object_at

SHORTEST_S: Final = 1  # providers take the validity in whole seconds, from 1 on


class AskStatus(StrEnum):
    """What became of a question.

    SENT: the provider has taken it.
    FAILED: the provider refused it, or took it in no attempt before the deadline; or the record cannot be read.
    EXPIRED: it was read, or its turn came, too late.
    UNROUTED: the routes file names no channel for its gateway.
    """

    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"
    UNROUTED = "unrouted"


def ask_routes(document: JsonView, channels: Collection[str]) -> dict[str, str]:
    """The channel by gateway. channels: all channels that can send a text to any number. Raises RoutesError."""
    found = object_at(document.get("asks", {}), "asks")
    for gateway, channel in found.items():
        if not isinstance(channel, str) or channel not in channels:
            raise RoutesError(f"asks.{gateway}: no channel that sends SMS to any number is named {channel}; there are "
                              f"{', '.join(sorted(channels)) or 'none'}")
    return found


def channel_of(routes: Mapping[str, str], gateway: str) -> str | None:
    return routes.get(gateway) or routes.get(EVERYWHERE)


def has_asks(text: str) -> bool:
    """Whether a routes file names a channel for questions. False too if the file is broken: its reader reports that."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and bool(document.get("asks"))


def valid_s(until: int, now: float) -> int | None:
    """The whole seconds for which a question is still worth sending; None: it is too late."""
    left = int(until - now)
    return left if left >= SHORTEST_S else None


def retry_at(until: int, now: float, wait_s: float) -> float | None:
    """When a question is tried again; None: that would be too late."""
    at = now + wait_s
    return at if valid_s(until, at) is not None else None
