"""The name under which Faust finds the worker's app: `faust -A streams.app worker`. `worker.app` composes it."""

from worker.app import app

__all__ = ["app"]
