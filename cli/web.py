"""`anbu web`: the process that serves the caseworkers' page."""

import contextlib
import json
import logging

import click
import uvicorn

from cli.database import opened
from cli.options import settings
from stores.queries import Queries
from streams import logs
from streams.clock import clock_of
from web.app import create_app
from web.service import Web

log = logging.getLogger(__name__)


@click.command()
@click.option("--openapi", is_flag=True, help="Print the description of the JSON API and end.")
def web(openapi: bool) -> None:
    """Serve the page for caseworkers, and the JSON API under /api/v1.

    On the loopback address unless ANBU_WEB_HOST says otherwise; then a token is needed (ANBU_WEB_TOKEN_FILE). Settings:
    ANBU_KAFKA, ANBU_MONGODB, ANBU_WEB_HOST, ANBU_WEB_PORT.
    """
    failures: list[BaseException] = []

    def failed(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    with settings() as found:
        logs.configure(found, "web")
        app = create_app(Web(found, clock_of(found.clock_file), opened(Queries, found)), failed)
        if openapi:
            click.echo(json.dumps(app.openapi(), indent=2))
            return
        host = f"[{found.web_host}]" if ":" in found.web_host else found.web_host
        log.info("the page is at http://%s:%d/", host, found.web_port)
        server = uvicorn.Server(uvicorn.Config(app, host=found.web_host, port=found.web_port, log_config=None,
                                               access_log=False, timeout_graceful_shutdown=2))
        with contextlib.suppress(KeyboardInterrupt):
            server.run()
        for error in failures:
            raise error
