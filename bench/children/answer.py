"""A measured process prints to its original output, since Faust would turn the lines into log lines."""

import json
import resource
import sys
from typing import Any


def line(text: str) -> None:
    """Print a separate line, although Faust shows a spinner on the same output while it starts."""
    print(f"\n{text}", file=sys.__stdout__, flush=True)


def answer(**found: Any) -> None:
    """Print the last line: the result, and `peak_mb`, the most memory that the process had, in MB of 10^6 octets."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line(json.dumps({**found, "peak_mb": kilobytes * 1024 / 1e6}))
