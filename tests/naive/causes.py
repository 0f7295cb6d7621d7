"""Rule 14: the cause of `no_report`."""

from naive.records import Json
from naive.windows import times
from naive.world import World

UNUSABLE = ("unknown_device", "bad_epoch", "not_authentic", "bad_type", "out_of_range", "late")


def silence_of(world: World, gateway: str) -> Json | None:
    """The rule 19 outage of the gateway that is open."""
    return _open_incident_of(world, gateway, 19)


def many_silent(world: World, gateway: str) -> Json | None:
    """The rule 18 outage of the gateway that is open."""
    return _open_incident_of(world, gateway, 18)


def _open_incident_of(world: World, gateway: str, rule: int) -> Json | None:
    for incident in world.incidents:
        if incident["active"] and incident["gateway"] == gateway and incident["rule"] == rule:
            return incident
    return None


def cause_of_silence(world: World, person: Json, window: int, holding: str | None) -> tuple[str, list[str]]:
    """`likely` and the evidence in its order."""
    silence = silence_of(world, person["profile"]["gateway"])
    incident = holding or (silence and silence["id"])
    if incident:
        likely, evidence = "gateway", [incident]
    else:
        evidence = [*_never_heard(person), *_silent_windows(person, window), *_unusable(person, window),
                    *_newest(person)]
        likely = "device" if evidence else "person"
    return likely, [*evidence, *_questions(person, window)]


def _never_heard(person: Json) -> list[str]:
    return [] if person["heard"] else ["never heard"]


def _silent_windows(person: Json, window: int) -> list[str]:
    """The windows before this one, going back; excused ones are left out, and those more than 8 days before."""
    in_a_row = 0
    for other in sorted(person["results"], reverse=True):
        if other >= window or other // 2 < window // 2 - 8 or person["results"][other] == "excused":
            continue
        if person["results"][other] != "silent":
            break
        in_a_row += 1
    return [f"silent for {in_a_row} windows"] if in_a_row >= 4 else []


def _unusable(person: Json, window: int) -> list[str]:
    """The reason of the latest frame at or after the window's opening that could not be used."""
    mine = times(person, window)
    found = [(at, number, reason) for number, (at, reason) in enumerate(person["unusable"])
             if mine is not None and at >= mine["open"]]
    return [f"unusable {max(found)[2]}"] if found else []


def _newest(person: Json) -> list[str]:
    """The newest report by device time, of equal ones the last to arrive; never a `late` one."""
    newest, evidence = person["newest"], list[str]()
    if newest is None:
        return []
    if "mains_lost" in newest["flags"]:
        evidence.append("mains lost")
    if newest["battery_pct"] is not None and newest["battery_pct"] < 20:
        evidence.append(f"battery {newest['battery_pct']} %")
    limit = person["profile"]["thresholds"]["signal_dbm"]
    if newest["signal_dbm"] is not None and newest["signal_dbm"] <= limit + 3:
        evidence.append(f"signal {newest['signal_dbm']} dBm")
    if newest["wrong"]:
        evidence.append("clock")
    return evidence


def _questions(person: Json, window: int) -> list[str]:
    """Rules 26 to 29: how often the device was asked in this window, and whether it answers."""
    asked = [one for one in person["asked"] if one["window"] == window]
    if not asked:
        return []
    answer = "the device answers" if any(one["answered"] for one in asked) else "no answer"
    return [f"asked {len(asked)} times, {answer}"]
