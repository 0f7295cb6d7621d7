"""Rules 26 to 29: asking before alarming."""

import zlib
from typing import Any

from naive import wire
from naive.causes import silence_of
from naive.records import Json, format_window
from naive.windows import is_excused, still_to_be_judged, times, windows_near
from naive.world import World, stamp

MINUTE, HOUR = 60, 3600


def listed_epochs(person: Json, slot: int) -> tuple[dict[int, Json], int]:
    """The devices of a slot by epoch, and its current epoch: the highest accepted so far, at least the lowest that is
    listed. Some device must be listed."""
    listed = {one["epoch"]: one for one in person["profile"]["devices"] if one["slot"] == slot}
    return listed, max(min(listed), person["highest_epoch"].get(slot, -1))


def key_of(world: World, person: Json, device: Json) -> bytes | None:
    kek = world.keks.get(device["kek"])
    if kek is None:
        return None
    return wire.unwrap(kek, device["key"], person["subject"], device["slot"], device["epoch"])


def ask(world: World, gateway: str, first: int, last: int, now: int) -> None:
    """The gateway's people were judged from `first` up to `last`: the questions of this tick (rules 26 to 28)."""
    candidates = []
    people = [person for person in world.people.values()
              if person["profile"]["gateway"] == gateway and not person["profile"]["retired"]]
    for person in (person for person in people if person["profile"]["ask_min"]):
        for window in windows_near(person, first, last):
            candidate = _candidate(world, person, window, first, last)
            if candidate is not None:
                candidates.append(candidate)
    candidates.sort(key=lambda one: (one["moment"], zlib.crc32(str(one["person"]["subject"]).encode())))
    limit = max(10, len(people) * 3 // 10)
    recent = [one for one in world.asked if one["gateway"] == gateway and last - HOUR < one["t"] <= last]
    room = limit - len(recent)
    if room < len(candidates) and _is_lifted(world, recent, last):
        room = len(candidates)
    for candidate in candidates[:max(room, 0)]:
        _question(world, gateway, candidate, last, now)


def moments_of(person: Json, mine: Json) -> list[int]:
    """Rule 26: close + one of `ask_min`, before the deadline; the number of the first is 1."""
    moments = [mine["close"] + after * MINUTE for after in person["profile"]["ask_min"]]
    return [moment for moment in moments if moment < mine["deadline"]]


def _candidate(world: World, person: Json, window: int, first: int, last: int) -> Json | None:
    """Rules 26 and 27."""
    mine = times(person, window)
    if mine is None or not still_to_be_judged(person, window) or mine["deadline"] <= last:
        return None
    moments = moments_of(person, mine)
    numbers = [number for number, moment in enumerate(moments, start=1) if first < moment <= last]
    if not numbers:
        return None
    result, slot = person["results"].get(window), lowest_slot(world, person)
    if (result not in (None, "not_awake") or is_excused(person, window // 2)
            or silence_of(world, person["profile"]["gateway"]) or slot is None):
        return None
    number = max(numbers)
    if number < len(moments) and (result == "not_awake" or _has_answered(person, window)):  # rule 27
        return None
    return {"person": person, "window": window, "number": number, "moment": moments[number - 1], "slot": slot,
            "until": mine["deadline"]}


def lowest_slot(world: World, person: Json) -> int | None:
    """Rule 26, last sentence: it listens, its key unwraps, and its number is known."""
    for slot in sorted({one["slot"] for one in person["profile"]["devices"]}):
        listed, current = listed_epochs(person, slot)
        device = listed.get(current)
        if person["listens"].get(slot) and device and device["msisdn"] and key_of(world, person, device):
            return int(slot)
    return None


def _has_answered(person: Json, window: int) -> bool:
    return any(one["answered"] for one in person["asked"] if one["window"] == window)


def _is_lifted(world: World, recent: list[Json], last: int) -> bool:
    """Rule 28: at least half of the questions of 180 s ago or more were of use."""
    earlier = [one for one in recent if one["t"] <= last - 3 * MINUTE]
    good = [one for one in earlier if _was_of_use(world.people.get(one["subject"]), one["window"])]
    return bool(earlier) and len(good) * 2 >= len(earlier)


def _was_of_use(person: Json | None, window: int) -> bool:
    """Rule 28: the person has answered a question of that window, has a result other than `not_awake`, or is gone."""
    return (person is None or _has_answered(person, window)
            or person["results"].get(window) not in (None, "not_awake"))


def _question(world: World, gateway: str, candidate: Json, last: int, now: int) -> None:
    """Rule 29: one record on `asks`."""
    person, window, number, slot = (candidate[name] for name in ("person", "window", "number", "slot"))
    listed, epoch = listed_epochs(person, slot)
    key = key_of(world, person, listed[epoch])
    assert key
    world.asked.append({"gateway": gateway, "subject": person["subject"], "window": window, "t": last})
    person["asked"].append({"window": window, "number": number, "answered": False})
    frame = wire.question(key, person["subject"], slot, epoch, window, number)
    value: dict[str, Any] = {
        "type": "ask", "id": f"{format_window(window)}/{number}", "subject": person["subject"],
        "site": person["profile"]["site"], "gateway": gateway, "slot": slot, "window": format_window(window),
        "number": number, "to": listed[epoch]["msisdn"], "text": wire.to_text(frame), "at": stamp(now),
        "until": stamp(candidate["until"])}
    world.say("asks", str(person["subject"]), value)


def answer(person: Json, report: Json) -> None:
    """Rule 29: the number counts for the latest window asked, if not above its last number."""
    if report["answers"] is None or not person["asked"]:
        return
    latest = max(one["window"] for one in person["asked"])
    questions = [one for one in person["asked"] if one["window"] == latest]
    if report["answers"] <= max(one["number"] for one in questions):
        for question in questions:
            question["answered"] = True
