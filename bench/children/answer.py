"""What a measured process prints: lines to its own output, which Faust would otherwise turn into log lines."""

import json
import resource
import sys
from typing import Any


def line(text: str) -> None:
    """A line of its own, though Faust turns a wheel on the same output while it starts."""
    print(f"\n{text}", file=sys.__stdout__, flush=True)


def answer(**found: Any) -> None:
    """The last line. peak_mb: the most memory that the process ever had, in MB of 10^6 octets."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line(json.dumps({**found, "peak_mb": kilobytes * 1024 / 1e6}))
