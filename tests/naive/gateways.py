"""Rules 2, 5 and 18 to 22: what a tick does."""

from naive.asking import ask
from naive.causes import many_silent, silence_of
from naive.life import go_on
from naive.records import Json
from naive.window_alerts import open_window_alert
from naive.windows import is_excused, times, windows_near
from naive.wire import Refused
from naive.world import WINDOW_KINDS, World, active, clear, new_alert, say_alert, set_result, stamp, start_anew

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
Span = tuple[int | None, int]


def gateway_time(world: World, gateway: str) -> int | None:
    """Up to when the gateway's people are judged: rule 22, with rules 19 and 21 where it does not tick."""
    last = world.gateway_ticks.get(gateway)
    allowance = None if world.clock is None else world.clock - MINUTE
    if last is None:
        return allowance  # rule 21
    outage = silence_of(world, gateway)
    if outage and world.clock is not None and allowance is not None and world.clock - outage["opened_at"] >= HOUR:
        return max(last, allowance)  # rule 19
    return last


def reached(world: World, gateway: str) -> int | None:
    """Up to when the gateway's people have been judged here, whatever judged them; it never goes back."""
    moments = [one for one in (world.reached.get(gateway), gateway_time(world, gateway)) if one is not None]
    return max(moments, default=None)


def on_tick(world: World, gateway: str | None, at: int, quiet_since: int | None) -> None:
    """Rule 22: a tick not later than the last of its source is ignored. Order: 19, deadlines by time, questions (26),
    20, then 8, 16 and 25."""
    if gateway is not None and world.highest is not None and at > world.highest + 366 * DAY:
        raise Refused("malformed", "at")
    if gateway is not None and quiet_since is not None:  # rule 18: the latest of all ticks, of ignored ones too
        world.quiet_since[gateway] = max(quiet_since, world.quiet_since.get(gateway, quiet_since))
    last = world.clock if gateway is None else world.gateway_ticks.get(gateway)
    if last is not None and at <= last:
        return
    highest_so_far = world.highest is None or at > world.highest
    before = {own: reached(world, own) for own in _gateways(world, gateway)}
    if gateway is None:
        world.clock = at
    else:
        world.gateway_ticks[gateway] = at
    world.highest = at if highest_so_far else world.highest
    if gateway is None:
        _find_silent_gateways(world, at)
    spans = {own: (first, until) for own, first in before.items()
             if (until := _judged_until(world, own, gateway, at)) is not None}
    _judge_deadlines(world, spans, at)
    for own, (first, until) in sorted(spans.items()):
        if first is not None:
            ask(world, own, first, until, at)
        world.reached[own] = until if first is None else max(first, until)
    silence = silence_of(world, gateway) if gateway is not None else None
    if silence:  # rule 20, for 19: when the gateway ticks, after judging
        _end(world, silence, at)
    if highest_so_far:
        for incident in world.incidents:
            if incident["active"] and incident["rule"] == 18 and incident["opened_at"] != at:
                _look_again(world, incident, at)
        for person in world.people.values():
            go_on(world, person, at)


def _gateways(world: World, gateway: str | None) -> set[str]:
    """The gateways with people here, and that which ticks."""
    return {person["profile"]["gateway"] for person in world.people.values()} | {gateway or ""} - {""}


def _open_incident(world: World, gateway: str, rule: int, suffix: str, evidence: list[str], now: int) -> Json:
    identity = f"gateway_outage:{gateway}:{suffix}"
    incident = new_alert(identity, "gateway_outage", "critical", now, None, "gateway", evidence)
    incident |= {"gateway": gateway, "rule": rule, "people": []}
    world.incidents.append(incident)
    say_alert(world, None, incident, "opened", now)
    return incident


def _find_silent_gateways(world: World, now: int) -> None:
    """Rule 19."""
    for gateway in sorted({person["profile"]["gateway"] for person in world.people.values()
                           if not person["profile"]["retired"]}):
        last = world.gateway_ticks.get(gateway)
        if last is not None and now - last > 3 * MINUTE and not silence_of(world, gateway):
            _open_incident(world, gateway, 19, f"last:{stamp(last)}", [f"last tick {stamp(last)}"], now)


def _judge_deadlines(world: World, spans: dict[str, Span], now: int) -> None:
    """Rules 2 and 5, by (deadline, gateway), earliest first; all people of the same one together.

    spans: by gateway, up to when its people were judged before this tick (null: never), and are judged by it.
    """
    due: dict[tuple[int, str], list[tuple[Json, int]]] = {}
    for person in world.people.values():
        own = person["profile"]["gateway"]
        if own not in spans:
            continue
        until, before = spans[own][1], person["time"]
        person["time"] = until if before is None else max(before, until)
        if person["start"] is None:  # rule 2: the first tick ever only sets the time
            person["start"] = until
        for window in _windows_due(person, until):
            person["judged"].add(window)  # once, and never later when it was not judged now
            mine = times(person, window)
            assert mine
            if not person["profile"]["retired"]:
                due.setdefault((mine["deadline"], own), []).append((person, window))
    for (deadline, own), people in sorted(due.items(), key=lambda item: item[0]):
        first = spans[own][0]
        noted = first is None or deadline > first
        _judge_deadline(world, deadline, own, people, noted, now)


def _judged_until(world: World, own: str, ticking: str | None, now: int) -> int | None:
    """Up to when this tick judges the people of the gateway `own`; null: it does not."""
    if ticking is not None:
        return now if ticking == own else None
    silence = silence_of(world, own)
    if own not in world.gateway_ticks or (silence and now - silence["opened_at"] >= HOUR):
        return now - MINUTE  # rules 21 and 19
    return None


def _windows_due(person: Json, until: int) -> list[int]:
    """Rules 2 and 5: the watched windows whose deadline has passed, each once."""
    return [window for window in windows_near(person, person["start"], until)
            if (mine := times(person, window)) and mine["watched"] and mine["deadline"] <= until
            and window not in person["judged"]]


def _judge_deadline(world: World, deadline: int, gateway: str, people: list[tuple[Json, int]], noted: bool,
                    now: int) -> None:
    """Rule 5, then rule 18 over all people of the gateway that have this deadline, then the alerts of rule 8."""
    due, silent, asleep = [], [], []
    for person, window in people:
        result = person["results"].get(window)
        if is_excused(person, window // 2):
            if result is None:
                set_result(world, person, window, "excused", now, repaired=False)
            continue
        due.append((person, window))
        if result is None:
            set_result(world, person, window, "silent", now, repaired=False)
            silent.append((person, window))
        elif result == "not_awake":
            asleep.append((person, window))
    if noted and due:
        _note(world, deadline, gateway, due, silent, now)
    holding = many_silent(world, gateway)
    for person, window in silent:
        open_window_alert(world, person, "no_report", window, now, holding["id"] if holding else None)
    for person, window in asleep:
        open_window_alert(world, person, "not_awake", window, now, None)


def _note(world: World, deadline: int, gateway: str, due: list[tuple[Json, int]], silent: list[tuple[Json, int]],
          now: int) -> None:
    """Rule 18: what is noted at a deadline, and what the notes of the 60 minutes up to it say."""
    openings = [mine["open"] for person, window in due if (mine := times(person, window))]
    world.notes.append({"deadline": deadline, "gateway": gateway, "opening": min(openings),
                        "due": len({person["subject"] for person, _ in due}),
                        "silent": len({person["subject"] for person, _ in silent})})
    notes = [note for note in world.notes
             if note["gateway"] == gateway and deadline - HOUR < note["deadline"] <= deadline]
    all_due, all_silent = sum(note["due"] for note in notes), sum(note["silent"] for note in notes)
    opening, quiet_since = min(note["opening"] for note in notes), world.quiet_since.get(gateway)
    many = all_silent >= 10 and all_silent * 10 > all_due * 3
    nothing = all_due >= 2 and all_silent == all_due and quiet_since is not None and quiet_since <= opening
    outage = many_silent(world, gateway)
    evidence = [f"{all_silent} of {all_due} silent", *([f"no SMS since {stamp(quiet_since)}"] if nothing else [])]
    if silent and (many or nothing) and outage is None:
        outage = _open_incident(world, gateway, 18, str(stamp(deadline)), evidence, now)
    if outage is not None:  # rule 20: the people due at the deadlines judged since it opened
        outage["people"] += due


def _look_again(world: World, incident: Json, now: int) -> None:
    """Rule 20, for 18: fewer than 30 % still silent, or 60 minutes after opening."""
    due = {person["subject"] for person, _ in incident["people"]}
    still = {person["subject"] for person, window in incident["people"]
             if person["results"][window] == "silent" and _is_here(world, person)}
    if len(still) * 10 < len(due) * 3 or now - incident["opened_at"] >= HOUR:
        _end(world, incident, now)


def _is_here(world: World, person: Json) -> bool:
    """The person was not erased."""
    return world.people.get(person["subject"]) is person


def _end(world: World, incident: Json, now: int) -> None:
    """Rule 20: those alerts still held are released, then the incident is cleared."""
    for person in world.people.values():
        for alert in active(person, *WINDOW_KINDS):
            if alert["held"] == incident["id"]:
                alert["held"] = None
                start_anew(alert, now)
                say_alert(world, person, alert, "released", now)
    clear(world, None, incident, "outage_over", now)
