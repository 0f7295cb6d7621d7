"""`anbu gateway`: the process that takes SMS in."""

import click
import uvicorn

from cli.options import settings
from gateway.app import create_app
from streams.clock import clock_of


@click.command()
def gateway() -> None:
    """Run the gateway: POST /v1/sms takes an SMS in, and ticks go into every partition.

    Settings: ANBU_KAFKA, ANBU_GATEWAY_NAME, ANBU_GATEWAY_SECRET, ANBU_GATEWAY_HOST, ANBU_GATEWAY_PORT, ANBU_TICK_S,
    ANBU_GATEWAY_ALONE.
    """
    with settings() as found:
        app = create_app(found, clock_of(found.clock_file))
    uvicorn.run(app, host=found.gateway_host, port=found.gateway_port, log_level="warning", access_log=False)
