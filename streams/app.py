"""The composition root of a worker: `faust -A streams.app worker` runs the agent that ANBU_AGENTS names."""

import os
import sys
from typing import Any

from agents.watch import Watch
from streams import operator_views
from streams.clock import clock_of
from streams.engine.engine import Engine
from streams.settings import Settings, SettingsError
from streams.topics import INPUTS, changelog


def build(settings: Settings) -> Engine:
    """The engine of the one agent that the settings name. Raises SettingsError."""
    names = settings.agents or ("watch",)
    if len(names) != 1:
        raise SettingsError(f"ANBU_AGENTS: one worker runs one agent, not {', '.join(names)}; `anbu worker` starts all")
    options = operator_views.faust_options(settings)
    engine = _watch(settings, options)
    operator_views.add(engine, settings)
    return engine


def _watch(settings: Settings, options: dict[str, Any]) -> Engine:
    watch = Watch(settings, clock_of(settings.clock_file))
    engine = Engine(settings, settings.app_id, inputs=INPUTS, changelog=changelog(settings),
                    new_state=watch.new_state, fold=watch.fold, **options)

    @engine.app.task
    async def report_progress() -> None:
        await watch.report_progress(engine)

    @engine.app.task
    async def tick() -> None:
        await watch.tick(engine)

    return engine


try:
    app = build(Settings.from_env(os.environ)).app
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    raise SystemExit(2) from None
