"""A topic for an experiment. It is deleted afterwards, also after a failure."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiokafka.admin import NewTopic

from runtime.settings import Settings, SettingsError
from streams.kafka import administration

TIDY_S: Final = 5.0


@asynccontextmanager
async def scratch_topic(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """A topic with a new name, whose records the broker stamps; and a new name for writers."""
    name = f"{settings.app_id}-doctor-{uuid.uuid4().hex[:12]}"
    async with administration(settings) as admin:
        made = await admin.create_topics([NewTopic(name, 1, 1, topic_configs={
            "message.timestamp.type": "LogAppendTime"})])
        for _, code, *_ in made.topic_errors:
            if code:
                raise SettingsError(f"a scratch topic cannot be made: error {code} of the broker")
        try:
            yield name, name
        finally:
            await tidy(admin.delete_topics([name]))


async def tidy(*closing: Coroutine[Any, Any, Any]) -> None:
    """Close clients within TIDY_S. Errors change no finding; a client without a broker would retry for minutes."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*closing, return_exceptions=True), TIDY_S)
