"""`anbu gateway`: the process that accepts SMS."""

from functools import partial

import click
import orjson

from cli.options import process_settings
from cli.serve import serve
from gateway.app import create_app
from runtime import logs
from runtime.clock import SystemClock, clock_of
from runtime.settings import Settings

_LEAVE_S = 12  # an SMS is answered within 10


@click.command()
@click.option("--openapi", is_flag=True, help="Print the OpenAPI description and exit.")
def gateway(*, openapi: bool) -> None:
    """Run the gateway: POST /v1/sms accepts an SMS, and every partition gets ticks.

    Settings: ANBU_KAFKA, ANBU_GATEWAY_NAME, ANBU_GATEWAY_SECRET, ANBU_GATEWAY_HOST, ANBU_GATEWAY_PORT, ANBU_TICK_S,
    ANBU_GATEWAY_ALONE.
    """
    if openapi:
        app = create_app(Settings.from_env({"ANBU_GATEWAY_SECRET": "unused"}), SystemClock(), lambda _: None)
        click.echo(orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2))
        return
    with process_settings() as settings:
        logs.configure(settings, "gateway")
        serve(partial(create_app, settings, clock_of(settings.clock_file)), settings.gateway_host,
              settings.gateway_port, _LEAVE_S)
