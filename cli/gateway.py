"""`anbu gateway`: the process that takes SMS in."""

import click
import orjson
import uvicorn

from cli.options import settings
from gateway.app import create_app
from streams import logs
from streams.clock import SystemClock, clock_of
from streams.settings import Settings

_LEAVE_S = 12  # an SMS is answered within 10


@click.command()
@click.option("--openapi", is_flag=True, help="Print the description of the HTTP interface, and end.")
def gateway(*, openapi: bool) -> None:
    """Run the gateway: POST /v1/sms takes an SMS in, and ticks go into every partition.

    Settings: ANBU_KAFKA, ANBU_GATEWAY_NAME, ANBU_GATEWAY_SECRET, ANBU_GATEWAY_HOST, ANBU_GATEWAY_PORT, ANBU_TICK_S,
    ANBU_GATEWAY_ALONE.
    """
    if openapi:
        app = create_app(Settings.from_env({"ANBU_GATEWAY_SECRET": "unused"}), SystemClock(), lambda _: None)
        click.echo(orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2))
        return
    with settings() as found:
        failures: list[BaseException] = []

        def failed(error: BaseException) -> None:
            failures.append(error)
            server.should_exit = True

        logs.configure(found, "gateway")
        app = create_app(found, clock_of(found.clock_file), failed)
        server = uvicorn.Server(uvicorn.Config(
            app, host=found.gateway_host, port=found.gateway_port, log_config=None, access_log=False,
            timeout_graceful_shutdown=_LEAVE_S))
        server.run()
        for error in failures:
            raise error
