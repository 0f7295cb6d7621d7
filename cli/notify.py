"""`anbu notify`: checks the routes file, tests a channel, lists deliveries and retries them."""

import asyncio
import json

import click

from cli.database import with_reader
from cli.options import process_settings
from models.json_object import JsonObject
from models.notifications.message import message_of
from models.notifications.notice import notice_of
from models.notifications.routes import RoutesError
from models.notifications.telling import DeliveryStatus
from models.times import format_time
from notifiers.ports import ATTEMPT_S, GiveUpError, RetryError
from notifiers.routes_file import Configured, LoadedRoutes, load
from runtime.clock import clock_of
from runtime.settings import Settings, SettingsError
from stores.deliveries import Deliveries


@click.group()
def notify() -> None:
    """Manage notifications: check the routes, test a channel, list and retry deliveries."""


def _loaded(settings: Settings) -> LoadedRoutes:
    """Raises SettingsError if the routes are missing or wrong."""
    try:
        return load(settings.routes_document(), settings.public_url)
    except RoutesError as error:
        raise SettingsError(f"ANBU_ROUTES_FILE: {error}") from None


@notify.command()
def check() -> None:
    """Check the file of ANBU_ROUTES_FILE, and list its sites, gateways and channels."""
    with process_settings() as settings:
        loaded = _loaded(settings)
    for name, site in loaded.routes.sites.items():
        click.echo(f"site {name}: {', '.join(site.default)}; {len(site.rules)} rules")
    for name, channels in loaded.routes.gateways.items():
        click.echo(f"gateway {name}: {', '.join(channels)}")
    for name, channel in loaded.asks.items():
        asker = loaded.ask_channels[channel]
        click.echo(f"devices of {name}: asked by {channel}, {asker.type}, {asker.per_s:g} a second at most")
    for name, one in loaded.channels.items():
        click.echo(f"channel {name}: {one.type}, {one.manner.language}{', with names' if one.manner.personal else ''}")


@notify.command()
@click.argument("channel")
def test(channel: str) -> None:
    """Send one test message to CHANNEL; exit status 1 if the channel does not accept it.

    An accepted message may still not arrive: check at the receiver.
    """
    with process_settings() as settings:
        loaded = _loaded(settings)
        if channel not in loaded.channels:
            raise SettingsError(f"no channel is named {channel}; the channels are {', '.join(sorted(loaded.channels))}")
        now = int(clock_of(settings.clock_file).now())
    try:
        answer = asyncio.run(_send(loaded.channels[channel], now))
    except (RetryError, TimeoutError) as error:
        raise click.ClickException(f"{channel} has not accepted the message, but may accept it later: "
                                   f"{error or 'no answer'}") from None
    except GiveUpError as error:
        raise click.ClickException(f"{channel} rejects the message: {error}") from None
    click.echo(f"{channel} has accepted the message{f' ({answer})' if answer else ''}: check that it has arrived")


async def _send(configured: Configured, now: int) -> str:
    at = format_time(now)
    why = {"ko": "채널 확인을 위한 시험 메시지입니다. 실제 상황이 아닙니다.",
           "en": "This message tests the channel. No person needs help."}
    event: JsonObject = {
        "specversion": "1.0", "id": f"test/{now}", "source": "/anbu", "type": "kr.anbu.alert.test", "subject": "0",
        "time": at, "datacontenttype": "application/json",
        "data": {"alert": "0:test", "revision": 1, "change": "test", "kind": "test", "severity": "test",
                 "active": False, "site": "test", "changed_at": at, "why": why}}
    message = message_of(notice_of(event), f"test/{now}", configured.manner)
    try:
        async with asyncio.timeout(ATTEMPT_S):
            return await configured.channel.send(message)
    finally:
        await configured.channel.close()


@notify.command("list")
@click.option("--failed", "chosen", flag_value="failed", default="failed", help="Failed deliveries (the default).")
@click.option("--waiting", "chosen", flag_value="waiting", help="Deliveries in the queue.")
@click.option("--all", "chosen", flag_value="all", help="All deliveries, receipts too.")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 10_000),
              help="Number of deliveries, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def list_(*, chosen: str, most: int, as_json: bool) -> None:
    """List deliveries: failed, waiting, or all."""
    statuses = {"failed": [DeliveryStatus.FAILED], "waiting": [DeliveryStatus.QUEUED, DeliveryStatus.SENDING],
                "all": list(DeliveryStatus)}[chosen]
    found = with_reader(Deliveries, lambda outbox: outbox.listed([one.value for one in statuses], most))
    for one in found:
        if as_json:
            shown = ("alert", "revision", "channel", "status", "attempts", "why", "changed_at", "at", "severity",
                     "digest")
            click.echo(json.dumps({name: one.get(name) for name in shown}))
        else:
            click.echo(f"{one['changed_at']}  {one['status']:<10}  {one['channel']:<12}  {one['severity']:<11}  "
                       f"{one['alert']:<34}  {one.get('why') or one.get('digest') or ''}".rstrip())
    if not found and not as_json:
        click.echo("none", err=True)


@notify.command()
@click.option("--channel", help="Only deliveries of this channel.")
def retry(*, channel: str | None) -> None:
    """Retry failed deliveries that are less than six hours old. Fix their cause first."""
    with process_settings() as settings:
        now = clock_of(settings.clock_file).now()
    click.echo(f"queued again: {with_reader(Deliveries, lambda outbox: outbox.retry_failed(channel, now))}")
