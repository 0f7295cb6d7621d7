"""One application behind a port: until a signal, or until it cannot go on."""

from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

Failed = Callable[[BaseException], None]


def serve(make: Callable[[Failed], FastAPI], host: str, port: int, leave_s: int) -> None:
    """make: the application; it calls what it is given where it cannot go on, and that is raised here once it has
    ended. leave_s: for what is in hand then."""
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
