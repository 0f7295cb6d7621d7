"""A channel of any kind, made as the routes file makes it, and a message for it."""

from typing import Any

from models.notifications.message import Manner, Message, message_of
from notifiers.fields import Fields
from notifiers.ports import Channel
from notifiers.routes_file import ADAPTERS
from support.notices import notice

ID = "42/42:no_report:2026-11-24:morning/1/team"


def message(**facts: Any) -> Message:
    return message_of(notice(**facts), ID, Manner("ko", public_url="https://anbu.example.org"))


def channel(kind: str, **fields: Any) -> Channel:
    one = Fields({"type": kind, **fields}, "channels.test")
    made = ADAPTERS[kind](one)
    one.get("type")
    one.nothing_else()
    return made
