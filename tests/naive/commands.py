"""Rules 7 and 15: what a caseworker's command does, and the answer to a command that does nothing."""

from naive.records import Json
from naive.window_alerts import excuse, take_back
from naive.world import (
    EMERGENCIES,
    World,
    clear,
    reopen,
    said_by,
    say_alert,
    stamp,
    start_anew,
    unacknowledged,
)

DAY = 24 * 3600


def on_command(world: World, command: Json) -> None:
    if command["gateway"] is not None:
        _on_incident_command(world, command)
        return
    person = world.people.get(command["subject"])
    if person is None:
        _refuse(world, command, "unknown_subject")
        return
    if command["id"] in person["commands"][-64:]:
        return
    person["commands"].append(command["id"])
    if command["type"] in ("excuse", "unexcuse"):
        _on_excuse(world, person, command)
    elif command["type"] == "reopen":
        _on_reopen(world, person, command)
    else:
        _on_alert(world, person, person["alerts"].get(command["alert"]), command)


def _refuse(world: World, command: Json, reason: str) -> None:
    """Rule 15: a command that does nothing is answered."""
    key = command["gateway"] if command["subject"] is None else str(command["subject"])
    world.say("reports", key, {
        "type": "refused", "id": command["id"], "subject": command["subject"], "command": command["type"],
        "alert": command["alert"], "reason": reason, "by": command["by"], "at": stamp(command["at"]),
        **({} if command["gateway"] is None else {"gateway": command["gateway"]})})


def _on_incident_command(world: World, command: Json) -> None:
    """An incident is acknowledged, assigned, commented by its gateway."""
    before = world.incident_commands.setdefault(command["gateway"], [])
    if command["id"] in before[-64:]:
        return
    before.append(command["id"])
    found = [one for one in world.incidents
             if one["id"] == command["alert"] and one["gateway"] == command["gateway"]]
    _on_alert(world, None, found[-1] if found else None, command)


def _on_excuse(world: World, person: Json, command: Json) -> None:
    """Rule 7: the last command in the topic prevails over earlier ones and over the registry."""
    days = list(range(command["from"], command["to"] + 1))
    for day in days:
        person["excuses"][day] = command["type"] == "excuse"
    if command["type"] == "excuse":
        excuse(world, person, days, command["at"], **said_by(command))
    else:
        take_back(world, person, command["at"], **said_by(command))


def _on_reopen(world: World, person: Json, command: Json) -> None:
    now, alert = command["at"], person["alerts"].get(command["alert"])
    if (alert is None or alert["active"] or alert["cleared_reason"] != "resolved"
            or now - alert["cleared_at"] >= DAY or _another_is_active(person, alert)):
        _refuse(world, command, "not_reopened")
    else:
        reopen(world, person, alert, now, **said_by(command))


def _another_is_active(person: Json, alert: Json) -> bool:
    """Another alert of a kind of which a person, for maintenance kinds a slot, has one at a time."""
    others = [one for one in person["alerts"].values() if one["active"] and one["kind"] == alert["kind"]]
    if alert["severity"] == "maintenance":
        return any(one["slot"] == alert["slot"] for one in others)
    return alert["kind"] in (*EMERGENCIES, "inactivity", "long_out") and bool(others)


def _on_alert(world: World, person: Json | None, alert: Json | None, command: Json) -> None:
    now, said = command["at"], said_by(command)
    if alert is None or not alert["active"]:
        _refuse(world, command, "not_open")
        return
    match command["type"]:
        case "acknowledge" if alert["acknowledged_by"] is None:
            alert["acknowledged_by"], alert["acknowledged_at"] = command["by"], now
            say_alert(world, person, alert, "acknowledged", now, **said)
        case "acknowledge" if alert["acknowledged_by"] != command["by"]:
            _refuse(world, command, "already_acknowledged")
        case "unacknowledge" if alert["acknowledged_by"] is None:
            _refuse(world, command, "not_acknowledged")
        case "unacknowledge":
            unacknowledged(alert)
            start_anew(alert, now)
            say_alert(world, person, alert, "unacknowledged", now, **said)
        case "assign":
            alert["assignee"] = command["assignee"]
            say_alert(world, person, alert, "assigned", now, **said)
        case "comment":
            say_alert(world, person, alert, "commented", now, **said)
        case "resolve":
            clear(world, person, alert, "resolved", now, **said)
