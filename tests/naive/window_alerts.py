"""Rule 8: `no_report` and `not_awake`; rule 7: an excuse that is given, and one that is taken back."""

from typing import Any

from naive.causes import cause_of_silence
from naive.records import Json, format_window
from naive.windows import is_excused, local_day, still_to_be_judged, times
from naive.world import (
    WINDOW_KINDS,
    World,
    active,
    clear,
    new_alert,
    reopen,
    say_alert,
    say_result,
    set_result,
)

DAY = 24 * 3600
KIND_OF = {"silent": "no_report", "not_awake": "not_awake"}


def later_is_up(person: Json, window: int) -> bool:
    """Rule 8: a later window is awake or out."""
    return any(other > window and result in ("awake", "out") for other, result in person["results"].items())


def alert_of(person: Json, kind: str, window: int) -> Json | None:
    found: Json | None = person["alerts"].get(f"{person['subject']}:{kind}:{format_window(window)}")
    return found


def open_window_alert(world: World, person: Json, kind: str, window: int, now: int, holding: str | None,
                      command: str | None = None) -> None:
    """Rule 8: not where a later window is awake or out, or where the window's alert of that kind exists.

    holding: the id of the incident of rule 18 that holds it; command: the id of that which caused it.
    """
    if later_is_up(person, window) or alert_of(person, kind, window):
        return
    replaced = alert_of(person, "no_report", window) if kind == "not_awake" else None
    if replaced is not None and replaced["active"]:  # it takes its place, and is held as that one was
        holding = replaced["held"]
        clear(world, person, replaced, "late_report", now)
    likely, evidence = ("person", list[str]())
    if kind == "no_report":
        likely, evidence = cause_of_silence(world, person, window, holding)
    identity = f"{person['subject']}:{kind}:{format_window(window)}"
    alert = new_alert(identity, kind, "warning", now, person, likely, evidence)
    alert["window"], alert["held"] = window, holding
    person["alerts"][identity] = alert
    say_alert(world, person, alert, "held" if holding else "opened", now, command=command)


def excuse(world: World, person: Json, days: list[int], now: int, **belongs: Any) -> None:
    """Rule 7: an excuse counts at once."""
    for window, result in list(person["results"].items()):
        if window // 2 in days and result in ("silent", "not_awake"):
            set_result(world, person, window, "excused", now, repaired=False)
    for alert in list(person["alerts"].values()):
        of_those_dates = alert["kind"] in WINDOW_KINDS and alert["window"] // 2 in days
        still = (alert["kind"] in ("inactivity", "long_out")
                 and local_day(now, person["profile"]["zone"]) in days)
        if alert["active"] and (of_those_dates or still):
            clear(world, person, alert, "excused", now, **belongs)


def take_back(world: World, person: Json, now: int, **belongs: Any) -> None:
    """Rule 7, "Taken back": results `excused` of dates that are excused no more."""
    for window, result in sorted(person["results"].items()):
        if result != "excused" or is_excused(person, window // 2):
            continue
        if window // 2 < max(person["judged"], default=window) // 2 - 9:  # such results are dropped
            continue
        replaced = person["replaced"].pop(window)
        say_result(world, person, window, replaced, now, repaired=False)
        mine = times(person, window)
        if (mine is None or now - mine["deadline"] >= DAY or later_is_up(person, window)
                or still_to_be_judged(person, window) or person["profile"]["retired"]):
            continue
        alert = alert_of(person, KIND_OF[replaced], window)
        if alert is None:
            open_window_alert(world, person, KIND_OF[replaced], window, now, None, belongs.get("command"))
        elif not alert["active"] and alert["cleared_reason"] == "excused":
            reopen(world, person, alert, now, **belongs)


def retire(world: World, person: Json, now: int) -> None:
    """Rule 7: `retired` or a tombstone clears every alert."""
    for alert in active(person, *{alert["kind"] for alert in person["alerts"].values()}):
        clear(world, person, alert, "retired", now)
