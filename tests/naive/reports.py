"""Rules 3, 4, 6, 9 and 17, as far as one report is concerned, and receiving rules 1 and 4 of docs/wire-format.md."""

from naive import wire
from naive.asking import answer, key_of, listed_epochs
from naive.causes import UNUSABLE
from naive.clocks import take
from naive.conditions import device
from naive.records import Json, format_window
from naive.signs import flags, inactivity, long_out, memory
from naive.window_alerts import open_window_alert
from naive.windows import is_excused, local_day, still_to_be_judged, times, windows_near
from naive.wire import Refused
from naive.world import WINDOW_KINDS, World, active, clear, set_result, stamp

DAY = 24 * 3600


def receive(world: World, frame: bytes, now: int) -> tuple[Json, Json]:
    """Receiving rules 1 and 4: the person and the decoded report, or `Refused` for the first reason that holds."""
    head = wire.header_of(frame)
    if head["version"] != 1:
        raise Refused("unsupported_version")
    person = world.people.get(head["subject"])
    if person is None:
        raise Refused("unknown_subject")
    if person["profile"]["retired"]:
        raise Refused("retired")
    try:
        return person, _opened(world, person, frame, head)
    except Refused as refused:
        if refused.reason in UNUSABLE:  # rule 14
            person["unusable"].append((now, refused.reason))
        raise


def _opened(world: World, person: Json, frame: bytes, head: dict[str, int]) -> Json:
    slot = head["slot"]
    if all(one["slot"] != slot for one in person["profile"]["devices"]):
        raise Refused("unknown_device")
    listed, current = listed_epochs(person, slot)
    epochs = [epoch for epoch in (current - 1, current, current + 1) if epoch >= 0 and epoch & 3 == head["epoch_low"]]
    if not epochs or epochs[0] not in listed:
        raise Refused("bad_epoch")
    epoch = epochs[0]
    key = key_of(world, person, listed[epoch])
    if not key:
        raise Refused("not_authentic")
    report = wire.decode(wire.open_frame(key, frame, epoch), person["profile"]["attributes"])
    return {**report, "slot": slot, "epoch": epoch, "counter": head["counter"],
            "id": f"{slot}.{epoch}.{head['counter']}"}


def on_report(world: World, person: Json, report: Json, sms: Json) -> None:
    """Receiving rule 2 and rule 23, then the judgement."""
    now = sms["received_at"]
    if not take(person, report, now):
        world.duplicates += 1
        return
    person["heard"].append(now)
    if report["type"] == 1:
        _judge(world, person, report, sms)
        return
    if report["below"]:
        person["unusable"].append((now, "late"))
    _say_report(world, person, report, sms, {"late": report["below"], "flags": [], "attrs": report["attrs"]})


def _read(person: Json, report: Json, now: int) -> Json:
    """ "Clocks" and rule 3: the device time, the window that it names, those that it counts for, the base, `late`."""
    zone, own_clock = person["profile"]["zone"], report["device_time"]
    device_time, named, late = now if own_clock is None else min(own_clock, now), report["window"], False
    if report["wrong"] in ("before", "back"):  # the device computed the window from a wrong clock
        device_time, named = now, None
    if named is not None and named // 2 < local_day(now, zone) - 8:
        late = True
    else:
        if named is not None:
            mine = None if named // 2 > local_day(now, zone) else times(person, named)
            if mine is None or mine["open"] < mine["since"]:
                named = None
        if named is None and device_time < now - DAY:
            late = True
    up = "awake" in report["flags"] or "out" in report["flags"]
    if named is not None:
        counts, base = [named], named
    else:
        near = {window: mine for window in windows_near(person, device_time, now) if (mine := times(person, window))}
        counts = [window for window, mine in near.items()
                  if up and not late and mine["since"] <= mine["open"] <= device_time < mine["deadline"]]
        opened = [window for window in windows_near(person, device_time - 7 * DAY, device_time)
                  if (mine := times(person, window)) and mine["open"] <= device_time]
        base = max(opened) if opened else None
    return {"device_time": device_time, "named": named, "counts": counts, "base": base, "up": up,
            "late": late or report["below"]}


def _judge(world: World, person: Json, report: Json, sms: Json) -> None:
    now, own_clock = sms["received_at"], report["device_time"]
    read = _read(person, report, now)
    device_time, named, counts, up = read["device_time"], read["named"], read["counts"], read["up"]
    told = "awake" if "awake" in report["flags"] else "out" if up else None
    flagged = report["wrong"] is not None or own_clock is None or abs(own_clock - now) > DAY

    # docs/contracts.md: `window` is the one it counts for, the earliest of several, of a `late` one what it names.
    window = named if read["late"] else min(counts) if counts else None
    _say_report(world, person, report, sms, {
        "device_time": stamp(own_clock), "late": read["late"], "answers": report["answers"],
        "window": None if window is None else format_window(window),
        "result": told or ("not_awake" if window is not None else None),
        "flags": report["flags"] + ["clock"] * flagged, "attrs": [],
        **{field: report[field] for field in ("battery_pct", "signal_dbm", "temp_c", "humidity_pct", "idle_min",
                                              "activity")},
        "first_activity": _clock_face(report["first_activity_min"])})

    if read["late"]:  # rule 17
        person["unusable"].append((now, "late"))
        if not report["below"] or now - device_time <= DAY:
            flags(world, person, report, device_time, now)
        return
    newest = person["newest"]  # rule 14, of equal ones the last to arrive
    if newest is None or device_time >= newest["device_time"]:
        person["newest"] = {**report, "device_time": device_time}
    answer(person, report)
    for one in counts:
        _count(world, person, one, told or "not_awake", now, by_name=named is not None)
    repaired = []
    if read["base"] is not None and not (named is None and flagged):
        repaired = _repair(world, person, report, read["base"], now)
    _clear_windows(world, person, read["base"] if up else None, counts, repaired, device_time, now)
    inactivity(world, person, report, device_time, up, now)
    long_out(world, person, report, now)
    flags(world, person, report, device_time, now)
    memory(world, person, report, device_time, now)
    device(world, person, report, device_time, now)


def _clock_face(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def _say_report(world: World, person: Json, report: Json, sms: Json, fields: Json) -> None:
    empty = dict.fromkeys(("device_time", "window", "result", "battery_pct", "signal_dbm", "temp_c", "humidity_pct",
                           "idle_min", "first_activity", "activity", "answers"))
    world.say("reports", str(person["subject"]), {
        "type": "report", "id": report["id"], "subject": person["subject"], "site": person["profile"]["site"],
        "received_at": stamp(sms["received_at"]), **empty, **fields,
        "sms": {"id": sms["id"], "gateway": sms["gateway"]}})


def _count(world: World, person: Json, window: int, result: str, now: int, by_name: bool) -> None:
    """Rules 4 and 8: the result of a window that the report counts for, and its `not_awake`: at once where no deadline
    will judge the window."""
    if result == "not_awake" and is_excused(person, window // 2):
        return
    if not set_result(world, person, window, result, now, repaired=False):
        return
    if result == "not_awake" and by_name and not still_to_be_judged(person, window):
        open_window_alert(world, person, "not_awake", window, now, None)


def _repair(world: World, person: Json, report: Json, base: int, now: int) -> list[int]:
    """Rule 6: the 16 windows before the base; those that are repaired as awake or out."""
    zone, found = person["profile"]["zone"], list[int]()
    for back, code in enumerate(report["previous"], start=1):
        window = base - back
        mine = times(person, window) if window >= 0 else None
        if code == 0 or mine is None or window // 2 < local_day(now, zone) - 8 or mine["open"] < mine["since"]:
            continue
        result = {1: "awake", 2: "not_awake", 3: "out"}[code]
        if result == "not_awake" and is_excused(person, window // 2):
            continue
        set_result(world, person, window, result, now, repaired=True)
        if result != "not_awake":
            found.append(window)
    return found


def _clear_windows(world: World, person: Json, base: int | None, counts: list[int], repaired: list[int],
                   device_time: int, now: int) -> None:
    """Rule 9."""
    latest = max([*repaired, *([] if base is None else [base])], default=-1)
    for alert in active(person, *WINDOW_KINDS):
        window = alert["window"]
        if window > latest:
            continue
        mine = times(person, window)
        in_time = base is not None and window in counts and mine is not None and device_time < mine["deadline"]
        clear(world, person, alert, "late_report" if window in repaired or in_time else "awake_later", now)
