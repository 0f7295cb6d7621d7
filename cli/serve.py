"""Serves one application on a port, until a signal or a fault of the application."""

from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

Failed = Callable[[BaseException], None]


def serve(make: Callable[[Failed], FastAPI], host: str, port: int, leave_s: int) -> None:
    """make: builds the application, which passes a fatal error to its argument. The error is raised here after the end.

    leave_s: the time for requests in progress at the end.
    """
    failures: list[BaseException] = []

    def failed(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    server = uvicorn.Server(uvicorn.Config(make(failed), host=host, port=port, log_config=None, access_log=False,
                                           timeout_graceful_shutdown=leave_s))
    try:
        server.run()
    finally:
        for error in failures:
            raise error
