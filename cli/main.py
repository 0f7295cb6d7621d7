"""The command `anbu`. Each file has a command or a group, and is imported when its command is called."""

from typing import Final

import click

from cli.lazy import Lazy, LazyGroup

COMMANDS: Final = {
    "alert": Lazy("cli.alerts", "Act on an alert: acknowledge, unacknowledge, assign, comment, resolve, reopen."),
    "alerts": Lazy("cli.alerts", "Print the published alerts in order of time, as sentences or as records."),
    "ask": Lazy("cli.ask", "Ask the device of SUBJECT whether the person is up."),
    "backup": Lazy(
        "cli.backup",
        "Write the history, the state of every lane and the registry into FOLDER, a new folder.",
    ),
    "bench": Lazy("cli.bench", "Measure how fast Anbu is, each figure beside its reference."),
    "demo": Lazy(
        "cli.demo.command",
        "Run the whole system on this machine, with an embedded broker and database and a simulated fleet of homes.",
    ),
    "doctor": Lazy(
        "cli.doctor",
        "Check keys, broker, topics, fencing, clock, database, numbers, lanes and answers, and report what to fix.",
    ),
    "erase": Lazy(
        "cli.erase",
        "Erase SUBJECT: keys, state, history, personal data, and their part in the figures of days.",
    ),
    "excuse": Lazy("cli.alerts", "Excuse SUBJECT on the local dates FROM to TO, both included (2026-11-24)."),
    "export": Lazy("cli.export", "Print all data of SUBJECT in the database as JSON, by collection."),
    "gateway": Lazy("cli.gateway", "Run the gateway: POST /v1/sms accepts an SMS, and every partition gets ticks."),
    "health": Lazy("cli.health", "Check whether a process on this machine is alive; exit status 0 if it is, else 1."),
    "kek": Lazy("cli.kek", "Manage the key-encryption keys of ANBU_KEK_FILE."),
    "migrate": Lazy(
        "cli.migrate",
        "Create and upgrade the collections: schemas, indexes, retention, and documents of older versions.",
    ),
    "notify": Lazy("cli.notify", "Manage notifications: check the routes, test a channel, list and retry deliveries."),
    "prove": Lazy(
        "cli.prove",
        "Measure what an alarm is worth, on simulated days in a closed loop with the judgement.",
    ),
    "provision": Lazy(
        "cli.provision",
        "Add people to the registry, from a CSV file whose first line names its columns.",
    ),
    "quarantine": Lazy(
        "cli.quarantine",
        "List the records that could not be processed, and send them to the judgement again.",
    ),
    "recompute": Lazy(
        "cli.recompute",
        "Recompute the figures of days and weeks from reports, check-ins and alerts, and list the figures that "
        "differed.",
    ),
    "rekey": Lazy("cli.rekey", "Give the device in SLOT of SUBJECT a new key, or an empty slot its first key."),
    "replay": Lazy("cli.replay", "Judge a recorded day and print the outputs."),
    "report": Lazy("cli.report", "Query the history."),
    "restore": Lazy(
        "cli.backup",
        "Restore a backup into an empty broker and an empty database, before gateway and worker start.",
    ),
    "retire": Lazy(
        "cli.retire",
        "Stop watching over SUBJECT: open alerts are cleared, reports go to quarantine, and windows are not judged.",
    ),
    "score": Lazy("cli.score", "Report missed, false and late alerts."),
    "send": Lazy(
        "cli.send",
        "Send one report of SUBJECT through the gateway, encrypted with the device key of slot 7.",
    ),
    "simulate": Lazy("cli.simulate", "Simulate the reports of a fleet of homes."),
    "unexcuse": Lazy("cli.alerts", "Withdraw the excuse of SUBJECT on the local dates FROM to TO, both included."),
    "web": Lazy("cli.web", "Serve the page for caseworkers, and the JSON API under /api/v1."),
    "worker": Lazy("cli.worker", "Run the agents of ANBU_AGENTS, a process each."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS,
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="anbu")
def main() -> None:
    """Anbu (안부) reports which people have woken up, which have not and why, and which need help now."""
