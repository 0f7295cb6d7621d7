"""`anbu web`: the process that serves the caseworkers' page."""

import contextlib
import json
import logging

import click
from fastapi import FastAPI

from cli.database import opened
from cli.options import process_settings
from cli.serve import Failed, serve
from runtime import logs
from runtime.clock import clock_of
from stores.queries import Queries
from web.app import create_app
from web.service import Web

log = logging.getLogger(__name__)

_LEAVE_S = 2


@click.command()
@click.option("--openapi", is_flag=True, help="Print the OpenAPI description and exit.")
def web(openapi: bool) -> None:
    """Serve the page for caseworkers, and the JSON API under /api/v1.

    The default address is loopback. Another address (ANBU_WEB_HOST) needs a token (ANBU_WEB_TOKEN_FILE). Settings:
    ANBU_KAFKA, ANBU_MONGODB, ANBU_WEB_HOST, ANBU_WEB_PORT.
    """
    with process_settings() as settings:
        logs.configure(settings, "web")
        page = Web(settings, clock_of(settings.clock_file), opened(Queries, settings))
        if openapi:
            click.echo(json.dumps(create_app(page, lambda _: None).openapi(), indent=2))
            return

        def made(failed: Failed) -> FastAPI:
            app = create_app(page, failed)
            host = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
            log.info("the page is at http://%s:%d/", host, settings.web_port)
            return app

        with contextlib.suppress(KeyboardInterrupt):
            serve(made, settings.web_host, settings.web_port, _LEAVE_S)
