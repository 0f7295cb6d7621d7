"""Slack gets a message about every deployment, also about a failed one: commit, actor, duration, and the changes.

An Incoming Webhook takes `text` for notifications and `blocks` for the channel; a section has at most 3,000 characters
(docs: Block Kit, "section"). Texts that people wrote are escaped: `&`, `<` and `>` are Slack's own.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import httpx

from deploy.release.changes import Changes
from deploy.release.errors import ReleaseError
from notifiers.retry_after import retry_after

SECTION: Final = 3_000
TRIES: Final = 4
LONGEST_WAIT_S: Final = 60.0


class Deployment(NamedTuple):
    """A deployment.

    actor: the user who started it.
    repository, run: the addresses of the repository and of the run.
    seconds: how long it took; None: not known.
    results: the results of the jobs, in order, as GitHub names them.
    changes: None: not known.
    why: the text of the failed step.
    before_runs: whether a failed deployment has left the former version running.
    """

    commit: str
    actor: str
    repository: str
    run: str
    seconds: float | None
    results: Mapping[str, str]
    changes: Changes | None
    why: str | None = None
    before_runs: bool = False


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def lasted(seconds: float | None) -> str:
    if seconds is None:
        return "how long is not known"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def message(one: Deployment) -> dict[str, Any]:
    """The document to post."""
    headline = _headline(one)
    facts = f"by {escaped(one.actor)} · {lasted(one.seconds)} · <{one.run}|log>"
    blocks = [_section(f"*{headline}*"), _section(facts)]
    if one.why:
        blocks.append(_section(f"```{escaped(one.why)[:SECTION - 6]}```"))
    if one.changes is not None:
        blocks.append(_section(_changed(one.changes, one.repository)))
    return {"text": headline, "blocks": blocks}


def _headline(one: Deployment) -> str:
    short = one.commit[:10]
    deployed = one.results.get("deploy")
    if deployed != "success":
        failed = [job for job, result in one.results.items() if result == "failure"]
        mark, why = ((":x:", f"{failed[0]} failed") if failed
                     else (":warning:", "it was cancelled") if "cancelled" in one.results.values()
                     else (":warning:", "there was nothing to do, as this was not run on main"))
        begun = deployed in ("failure", "cancelled") and not one.before_runs
        left = "What runs now is not known: look at the stack." if begun else "What ran before still runs."
        return f"{mark} Anbu {short} was not deployed: {why}. {left}"
    if one.changes is not None and one.changes.back:
        return f":rewind: Anbu went back to {short}"
    return f":white_check_mark: Anbu {short} runs in production"


def _changed(changes: Changes, repository: str) -> str:
    if not changes.commits:
        return "Nothing has changed since the last deployment."
    since = "in this push" if changes.pushed else "since the last deployment"
    count = len(changes.commits) + changes.left
    commits = "1 commit" if count == 1 else f"{count} commits"
    if changes.before is None:
        lines = ["What ran before is not known; the last commits:"]
    elif changes.back:
        lines = [f"Taken back, {commits}:"]
    else:
        lines = [f"<{repository}/compare/{changes.before}...{changes.after}|{commits}> {since}:"]
    shown = [f"• <{repository}/commit/{one.sha}|{one.sha[:7]}> {escaped(one.subject)} ({escaped(one.author)})"
             for one in changes.commits]
    left = count
    for line in shown:
        if len("\n".join([*lines, line])) > SECTION - 40:
            break
        lines.append(line)
        left -= 1
    if left:
        lines.append(f"and {left} more")
    return "\n".join(lines)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def post(webhook: str, document: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep) -> None:
    """Post a document, and retry if Slack is busy or away. Raises ReleaseError, without the address: it is a secret."""
    said = "no server answers"
    with httpx.Client(timeout=10) as http:
        for attempt in range(TRIES):
            wait = 2.0 ** attempt
            try:
                answer = http.post(webhook, json=document)
            except httpx.TransportError as error:
                said = type(error).__name__
            else:
                if answer.status_code == httpx.codes.OK:
                    return
                said = f"{answer.status_code} {answer.text[:100]}"
                if answer.status_code != httpx.codes.TOO_MANY_REQUESTS and answer.is_client_error:
                    break
                asked = retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
                wait = wait if asked is None else min(asked, LONGEST_WAIT_S)
            if attempt + 1 < TRIES:
                sleep(wait)
    raise ReleaseError(f"Slack does not accept the message: {said}")
