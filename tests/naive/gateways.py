"""Rules 5, 8, 14, 16 and 18 to 22: what a tick does."""

from naive.records import Json
from naive.reports import later_is_up
from naive.windows import is_excused, times, windows_near
from naive.world import World, active, clear, new_alert, open_window_alert, say_alert, set_result, stamp, start_anew

MINUTE, HOUR = 60, 3600


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


def silence_of(world: World, gateway: str) -> Json | None:
    """The rule 19 outage of the gateway that is open."""
    for incident in world.incidents:
        if incident["active"] and incident["gateway"] == gateway and incident["rule"] == 19:
            return incident
    return None


def on_tick(world: World, gateway: str | None, at: int) -> None:
    """Rule 22: a tick not later than the last of its source is ignored. Order: 19, deadlines by time, 20, 8 and 16."""
    last = world.clock if gateway is None else world.gateway_ticks.get(gateway)
    if last is not None and at <= last:
        return
    highest_so_far = world.highest is None or at > world.highest
    if gateway is None:
        world.clock = at
    else:
        world.gateway_ticks[gateway] = at
    world.highest = at if highest_so_far else world.highest
    if gateway is None:
        _find_silent_gateways(world, at)
    _judge_deadlines(world, gateway, at)
    silence = silence_of(world, gateway) if gateway is not None else None
    if silence:  # rule 20, for 19: when the gateway ticks, after judging
        _end(world, silence, at)
    if highest_so_far:
        for incident in world.incidents:
            if incident["active"] and incident["rule"] == 18 and incident["opened_at"] != at:
                _look_again(world, incident, at)
        for person in world.people.values():
            _raise_and_escalate(world, person, at)


def _open_incident(world: World, gateway: str, rule: int, suffix: str, evidence: str, now: int) -> Json:
    identity = f"gateway_outage:{gateway}:{suffix}"
    incident = new_alert(identity, "gateway_outage", "critical", now, "gateway", [evidence])
    incident |= {"gateway": gateway, "rule": rule}
    world.incidents.append(incident)
    say_alert(world, None, incident, "opened", now)
    return incident


def _find_silent_gateways(world: World, now: int) -> None:
    """Rule 19."""
    for gateway in sorted({person["profile"]["gateway"] for person in world.people.values()
                           if not person["profile"]["retired"]}):
        last = world.gateway_ticks.get(gateway)
        if last is not None and now - last > 3 * MINUTE and not silence_of(world, gateway):
            _open_incident(world, gateway, 19, f"last:{stamp(last)}", f"last tick {stamp(last)}", now)


def _judge_deadlines(world: World, gateway: str | None, now: int) -> None:
    """Rules 2 and 5, by (deadline, gateway), earliest first; all people of the same one together."""
    due: dict[tuple[int, str], list[tuple[Json, int]]] = {}
    for person in world.people.values():
        own = person["profile"]["gateway"]
        until = _judged_until(world, own, gateway, now)
        if until is None:
            continue
        before = person["time"]
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
        _judge_deadline(world, deadline, own, people, now)


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


def _judge_deadline(world: World, deadline: int, gateway: str, people: list[tuple[Json, int]], now: int) -> None:
    """Rule 5, then rule 18 over all people of the gateway that have this deadline, then the alerts of rule 8."""
    asked, silent = set(), []
    for person, window in people:
        if is_excused(person, window // 2):
            if window not in person["results"]:
                set_result(world, person, window, "excused", now, repaired=False)
            continue
        asked.add(person["subject"])
        if window not in person["results"]:
            set_result(world, person, window, "silent", now, repaired=False)
            silent.append((person, window))
    quiet = {person["subject"] for person, _ in silent}
    outage: Json | None = None
    if len(asked) >= 10 and len(quiet) * 10 > len(asked) * 3:
        outage = _open_incident(world, gateway, 18, str(stamp(deadline)), f"{len(quiet)} of {len(asked)} silent", now)
        outage |= {"people": silent, "asked": len(asked)}
    for person, window in silent:
        if not later_is_up(person, window):
            likely, evidence = _attribution(world, person, gateway, outage)
            open_window_alert(world, person, "no_report", window, now, likely, evidence,
                              outage["id"] if outage else None)


def _attribution(world: World, person: Json, gateway: str, outage: Json | None) -> tuple[str, list[str]]:
    """Rule 14."""
    incident = outage or silence_of(world, gateway)
    if incident:
        return "gateway", [incident["id"]]
    newest, evidence = person["newest"], []
    if newest and "mains_lost" in newest["flags"]:
        evidence.append("mains lost")
    if newest and newest["battery_pct"] is not None and newest["battery_pct"] < 20:
        evidence.append(f"battery {newest['battery_pct']} %")
    limit = person["profile"]["thresholds"]["signal_dbm"]
    if newest and newest["signal_dbm"] is not None and newest["signal_dbm"] <= limit + 3:
        evidence.append(f"signal {newest['signal_dbm']} dBm")
    return ("device", evidence) if evidence else ("person", [])


def _look_again(world: World, incident: Json, now: int) -> None:
    """Rule 20, for 18: fewer than 30 % still silent, or 60 minutes after opening."""
    still = {person["subject"] for person, window in incident["people"]
             if person in world.people.values() and person["results"][window] == "silent"}
    if len(still) * 10 < incident["asked"] * 3 or now - incident["opened_at"] >= HOUR:
        _end(world, incident, now)


def _end(world: World, incident: Json, now: int) -> None:
    """Rule 20: those alerts still held are released, then the incident is cleared."""
    for person in world.people.values():
        for alert in active(person, "no_report"):
            if alert["held"] == incident["id"]:
                alert["held"] = None
                start_anew(alert, now)
                say_alert(world, person, alert, "released", now)
    clear(world, None, incident, "outage_over", now)


def _raise_and_escalate(world: World, person: Json, now: int) -> None:
    """Rules 8 and 16: in order of time, `raised` before an equal one."""
    for alert in list(person["alerts"].values()):
        if (not alert["active"] or alert["held"] or alert["acknowledged_by"] is not None
                or alert["severity"] == "maintenance"):
            continue
        steps: list[tuple[int, int, int, str | None]] = [
            (alert["start"] + after * MINUTE, 1, number, to)
            for number, (after, to) in enumerate(person["profile"]["escalation"])]
        if alert["kind"] in ("no_report", "not_awake") and alert["severity"] == "warning":
            steps.append((alert["start"] + HOUR, 0, 0, None))
        for moment, _, _, to in sorted(steps, key=lambda step: step[:3]):
            if moment > now or to in alert["escalated"]:
                continue
            if to is None:
                alert["severity"] = "critical"
                say_alert(world, person, alert, "raised", now)
            else:
                alert["escalated"].append(to)
                say_alert(world, person, alert, "escalated", now, escalated_to=to)
