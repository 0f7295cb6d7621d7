"""What several processes do with tasks of their own: notice a failure, and wait before a retry."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

_WAITS_S: Final = (0.5, 1.0, 2.0, 5.0)


def wait_s(attempt: int) -> float:
    """Seconds before the next attempt; attempt: 0 after the first failure."""
    return _WAITS_S[min(attempt, len(_WAITS_S) - 1)]


def watch(task: asyncio.Task[Any], on_failure: Callable[[BaseException], None]) -> None:
    """Call `on_failure` with the exception that ends the task; a cancellation is none."""

    def ended(done: asyncio.Task[Any]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            on_failure(error)

    task.add_done_callback(ended)


async def run_together(loops: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all until one fails or the caller is cancelled; return once all have ended."""
    tasks = [asyncio.create_task(one) for one in loops]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
