"""Checks by the query plan of the database (`explain`) that a query is served by an index."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import pytest
from pymongo import monitoring

from stores.mongo import Store

OF_AN_INDEX = {"IXSCAN", "IDHACK", "EXPRESS_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN"}


class Closed(Protocol):
    def close(self) -> None: ...


Asking = TypeVar("Asking", bound=Closed)


class Finds(monitoring.CommandListener):
    """Every `find` that a client sends."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "find":
            self.commands.append({name: value for name, value in event.command.items()
                                  if name in ("find", "filter", "sort", "projection", "limit")})

    def succeeded(self, _: monitoring.CommandSucceededEvent) -> None:
        """Ignored."""

    def failed(self, _: monitoring.CommandFailedEvent) -> None:
        """Ignored."""


def stages(query_plan: Any) -> set[str]:
    if isinstance(query_plan, dict):
        return {query_plan["stage"]} if isinstance(query_plan.get("stage"), str) and not query_plan.keys() & {
            "inputStage", "inputStages"} else set().union(*map(stages, query_plan.values()))
    return set().union(*map(stages, query_plan)) if isinstance(query_plan, list) else set()


async def served_by_an_index(store: Store, connect: Callable[[], Asking],
                             ask: Callable[[Asking], Awaitable[Any]]) -> None:
    """Fail if a query that `ask` sends is not served by an index."""
    finds = Finds()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pymongo.monitoring._LISTENERS", monitoring._Listeners([finds], [], [], [], []))
        one = connect()
    await ask(one)
    one.close()
    assert finds.commands
    for command in finds.commands:
        found = await store.database.command({"explain": command, "verbosity": "queryPlanner"})
        used = stages(found["queryPlanner"]["winningPlan"])
        assert used <= OF_AN_INDEX, (command, used)
    scan = await store.database.command({"explain": {"find": "alerts", "filter": {"why.ko": "가"}},
                                         "verbosity": "queryPlanner"})
    assert stages(scan["queryPlanner"]["winningPlan"]) == {"COLLSCAN"}, "otherwise the engine does not tell"
