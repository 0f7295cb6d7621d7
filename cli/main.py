"""The command `anbu`: one file a command. A file is imported when its command is called."""

from typing import Final

import click

from cli.lazy import Lazy, LazyGroup

COMMANDS: Final = {
    "alert": Lazy("cli.alerts", "Do something about an alert: acknowledge, assign, comment, resolve."),
    "alerts": Lazy(
        "cli.alerts",
        "Print the alerts that have been published, in order of time, as sentences or as they are.",
    ),
    "backup": Lazy(
        "cli.backup",
        "Write history, the state of every lane and the registry into FOLDER, which must not be there yet.",
    ),
    "bench": Lazy("cli.bench", "How fast Anbu is, each figure beside what it is compared with."),
    "demo": Lazy(
        "cli.demo.command",
        "Run the whole system on this machine, with an embedded broker and database and a simulated fleet of homes.",
    ),
    "doctor": Lazy(
        "cli.doctor",
        "Check settings, keys, broker, topics, fencing, clock, database, numbers and lanes, and say what to mend.",
    ),
    "erase": Lazy(
        "cli.erase",
        "Erase SUBJECT: keys, state, history, personal data, and their part in the figures of days.",
    ),
    "excuse": Lazy(
        "cli.alerts",
        "Expect nothing of SUBJECT on the local dates FROM to TO, both included (2026-11-24).",
    ),
    "export": Lazy("cli.export", "Print all that the database has of SUBJECT as JSON, by collection."),
    "gateway": Lazy("cli.gateway", "Run the gateway: POST /v1/sms takes an SMS in, and ticks go into every partition."),
    "health": Lazy("cli.health", "Ask whether a process on this machine is alive; exit status 0 if it is, else 1."),
    "kek": Lazy("cli.kek", "Look after the key-encryption keys of ANBU_KEK_FILE."),
    "migrate": Lazy(
        "cli.migrate",
        "Create and upgrade the collections: schemas, indexes, for how long what is kept, and documents of older "
        "versions.",
    ),
    "notify": Lazy(
        "cli.notify",
        "Who is told of alerts: check the routes, try a channel, see and repeat what was not delivered.",
    ),
    "provision": Lazy(
        "cli.provision",
        "Put people into the registry, from a CSV file whose first line names its columns.",
    ),
    "quarantine": Lazy("cli.quarantine", "Look at what could not be processed, and drive it again."),
    "recompute": Lazy(
        "cli.recompute",
        "Make the figures of days and weeks anew from reports, check-ins and alerts, and say which were others.",
    ),
    "rekey": Lazy("cli.rekey", "Give the device in SLOT of SUBJECT a new key, or an empty slot its first one."),
    "replay": Lazy("cli.replay", "Judge a recorded day and print what would have been published."),
    "report": Lazy("cli.report", "Questions to the history."),
    "restore": Lazy(
        "cli.backup",
        "Put a backup into an empty broker and an empty database, before gateway and worker are started.",
    ),
    "retire": Lazy(
        "cli.retire",
        "Stop watching over SUBJECT: open alerts are cleared, reports go to quarantine, no window is judged any "
        "more.",
    ),
    "score": Lazy("cli.score", "Say which alerts are missed, false or late."),
    "send": Lazy("cli.send", "Send one report of SUBJECT through the gateway, sealed by the device key of slot 7."),
    "simulate": Lazy("cli.simulate", "Let a fleet of homes report."),
    "unexcuse": Lazy("cli.alerts", "Expect SUBJECT again on the local dates FROM to TO."),
    "web": Lazy("cli.web", "Serve the page for caseworkers, and the JSON API under /api/v1."),
    "worker": Lazy(
        "cli.worker",
        "Run the agents that ANBU_AGENTS names (unset: watch, record, and notify where ANBU_ROUTES_FILE says who "
        "is told), a process for each.",
    ),
}


@click.group(cls=LazyGroup, lazy=COMMANDS,
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="anbu")
def main() -> None:
    """Anbu (안부): who has woken up, who has not and why, and who needs help now."""
