"""The worker's app: `faust -A streams.app worker` runs the agent that ANBU_AGENTS names. `compose` builds it."""

import gc
import os
import sys

from runtime.settings import Settings, SettingsError
from worker.compose import build

# A worker makes and keeps thousands of small objects a second, none of them in a cycle. By default Python would search
# them for cycles after every 700 new objects, which takes a third of the time of a fold.
gc.freeze()
gc.set_threshold(50_000, 20, 100)


try:
    app = build(Settings.from_env(os.environ)).app
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    raise SystemExit(2) from None
