"""`anbu health`: checks whether a process on this machine is alive and works. The health check of a container runs it.

A process that answers is alive. A broker that is away is no reason to end a process, so it only counts for `--ready`.
This file imports little, because the check runs every few seconds.
"""

import json
import os
import urllib.error
import urllib.request
from typing import Any, Final, NamedTuple

import click

from runtime.settings import Settings, SettingsError

ANSWER_S: Final = 5.0
PROCESSES: Final = ("gateway", "web", "worker")
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - such a process listens here too


class Found(NamedTuple):
    """The state of one process. detail: in words, what is missing; said: the answer of the process, if JSON."""

    name: str
    live: bool
    ready: bool
    detail: str
    said: Any = None


def _get(address: str, token: str | None) -> tuple[int, bytes] | str:
    """Status and body, or the error."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - an address of ours, see `check`
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310 - likewise
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def _asked(name: str, host: str, port: int, path: str, token: str | None = None) -> Found:
    here = EVERYWHERE.get(host, host)
    place = f"[{here}]:{port}" if ":" in here else f"{here}:{port}"
    answer = _get(f"http://{place}{path}", token)
    if isinstance(answer, str):
        return Found(name, False, False, f"no process answers at {place}: {answer}")
    status, body = answer
    if status in (200, 503):
        waiting = "" if status == 200 else body.decode(errors="replace")[:200]
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        return Found(name, True, status == 200, waiting, said)
    return Found(name, False, False, f"{place} answers {status}: {body.decode(errors='replace')[:200]}")


def check(process: str, settings: Settings) -> list[Found]:
    """Check a process of this machine. A worker has a process for each agent."""
    if process == "gateway":
        return [_asked("gateway", settings.gateway_host, settings.gateway_port, "/health")]
    if process == "web":
        return [_asked("web", settings.web_host, settings.web_port, "/ready")]
    return [_asked(agent, settings.worker_host, settings.worker_port + number, "/health/", settings.worker_token)
            for number, agent in enumerate(settings.supervised)]


@click.command()
@click.argument("process", type=click.Choice(PROCESSES))
@click.option("--ready", is_flag=True, help="Check also that it is ready: the broker answers, and all is read.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answers as JSON, of a worker with its lanes.")
def health(process: str, *, ready: bool, as_json: bool) -> None:
    """Check whether a process on this machine is alive; exit status 0 if it is, else 1.

    Settings: port and token of the process.
    """
    try:
        found = check(process, Settings.from_env(os.environ))
    except SettingsError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from None
    if as_json:
        click.echo(json.dumps([one._asdict() for one in found]))
    else:
        for one in found:
            state = "ready" if one.ready else "alive, not ready" if one.live else "not there"
            click.echo(f"{one.name:<8} {state:<17} {one.detail}".rstrip())
    if not all(one.ready if ready else one.live for one in found):
        raise SystemExit(1)


if __name__ == "__main__":
    health()
