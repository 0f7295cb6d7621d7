"""The command `anbu`: one file a command, put together here."""

import click

from cli.alerts import alert, alerts, excuse, unexcuse
from cli.backup import backup, restore
from cli.bench import bench
from cli.demo.command import demo
from cli.doctor import doctor
from cli.erase import erase
from cli.export import export
from cli.gateway import gateway
from cli.health import health
from cli.kek import kek
from cli.migrate import migrate
from cli.notify import notify
from cli.provision import provision
from cli.quarantine import quarantine
from cli.recompute import recompute
from cli.rekey import rekey
from cli.replay import replay
from cli.report import report
from cli.retire import retire
from cli.score import score
from cli.send import send
from cli.simulate import simulate
from cli.web import web
from cli.worker import worker


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="anbu")
def main() -> None:
    """Anbu (안부): who has woken up, who has not and why, and who needs help now."""


for command in (alert, alerts, backup, bench, demo, doctor, erase, excuse, export, gateway, health, kek, migrate,
                notify, provision, quarantine, recompute, rekey, replay, report, restore, retire, score, send,
                simulate, unexcuse, web, worker):
    main.add_command(command)
