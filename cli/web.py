"""`anbu web`: the process that serves the caseworkers' page."""

import click
import uvicorn

from cli.options import settings
from streams.clock import clock_of
from web.app import create_app


@click.command()
def web() -> None:
    """Serve the page for caseworkers.

    On the loopback address unless ANBU_WEB_HOST says otherwise; then a token is needed (ANBU_WEB_TOKEN_FILE). Settings:
    ANBU_KAFKA, ANBU_MONGODB, ANBU_WEB_HOST, ANBU_WEB_PORT.
    """
    with settings() as found:
        app = create_app(found, clock_of(found.clock_file))
    uvicorn.run(app, host=found.web_host, port=found.web_port, log_level="warning", access_log=False,
                timeout_graceful_shutdown=2)
