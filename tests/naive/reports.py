"""Rules 3 to 17, as far as one report is concerned, and the receiving rules of docs/wire-format.md."""

from naive import wire
from naive.records import Json, format_window
from naive.windows import is_excused, local_day, times, windows_near
from naive.wire import Refused
from naive.world import (
    EMERGENCIES,
    WINDOW_KINDS,
    World,
    active,
    clear,
    open_report_alert,
    open_window_alert,
    say_alert,
    set_result,
    stamp,
    start_anew,
)

HOUR, DAY = 3600, 24 * 3600


def receive(world: World, frame: bytes) -> tuple[Json, Json]:
    """Receiving rules 1 and 4: the person and the decoded report, or `Refused` for the first reason that holds."""
    head = wire.header_of(frame)
    if head["version"] != 1:
        raise Refused("unsupported_version")
    person = world.people.get(head["subject"])
    if person is None:
        raise Refused("unknown_subject")
    profile, slot = person["profile"], head["slot"]
    if profile["retired"]:
        raise Refused("retired")
    listed = {one["epoch"]: one for one in profile["devices"] if one["slot"] == slot}
    if not listed:
        raise Refused("unknown_device")
    current = max(min(listed), person["highest_epoch"].get(slot, -1))
    epochs = [epoch for epoch in (current - 1, current, current + 1) if epoch >= 0 and epoch & 3 == head["epoch_low"]]
    if not epochs or epochs[0] not in listed:
        raise Refused("bad_epoch")
    epoch = epochs[0]
    kek = world.keks.get(listed[epoch]["kek"])
    key = kek and wire.unwrap(kek, listed[epoch]["key"], head["subject"], slot, epoch)
    if not key:
        raise Refused("not_authentic")
    report = wire.decode(wire.open_frame(key, frame, epoch), profile["attributes"])
    return person, {**report, "slot": slot, "epoch": epoch, "counter": head["counter"],
                    "id": f"{slot}.{epoch}.{head['counter']}"}


def on_report(world: World, person: Json, report: Json, sms: Json) -> None:
    """Receiving rule 2, then the judgement."""
    slot, epoch, counter = report["slot"], report["epoch"], report["counter"]
    seen = person["seen"].setdefault((slot, epoch), set())
    below = bool(seen) and counter < max(seen) - 255
    if not below:
        if counter in seen:
            return
        seen.add(counter)
        person["highest_epoch"][slot] = max(person["highest_epoch"].get(slot, -1), epoch)
    if report["type"] == 2:
        _say_report(world, person, report, sms, {"late": below, "flags": [], "attrs": report["attrs"]})
        return
    _judge(world, person, report, sms, below)


def _judge(world: World, person: Json, report: Json, sms: Json, below: bool) -> None:
    now, own_clock, flags = sms["received_at"], report["device_time"], report["flags"]
    # The preamble: the device time is never later than `received_at`; unknown: `received_at`.
    device_time = now if own_clock is None else min(own_clock, now)
    clock_wrong = own_clock is None or abs(own_clock - now) > DAY
    up = "awake" in flags or "out" in flags
    told = "awake" if "awake" in flags else "out" if "out" in flags else None

    # Rule 3: what it names, what it counts for, whether it is late.
    zone = person["profile"]["zone"]
    named, late = report["window"], False
    if named is not None and named // 2 < local_day(now, zone) - 8:
        late = True
    else:
        if named is not None:
            mine = None if named // 2 > local_day(now, zone) else times(person, named)
            if mine is None or mine["open"] < mine["since"]:
                named = None
        if named is None and device_time < now - DAY:
            late = True
    near = [] if late else windows_near(person, device_time, now)
    mine_near = {window: found for window in near if (found := times(person, window)) is not None}
    if named is not None:
        counts, base = [named], named
    else:
        counts = [window for window, mine in mine_near.items()
                  if up and mine["since"] <= mine["open"] <= device_time < mine["deadline"]]
        opened = [window for window in windows_near(person, device_time - 7 * DAY, device_time)
                  if (mine := times(person, window)) and mine["open"] <= device_time]
        base = max(opened) if opened else None

    # docs/contracts.md: `window` is the one it counts for, the earliest of several, of a `late` one what it names.
    window = named if late or below else min(counts) if counts else None
    _say_report(world, person, report, sms, {
        "device_time": stamp(own_clock), "late": late or below,
        "window": None if window is None else format_window(window),
        "result": told or ("not_awake" if window is not None else None),
        "flags": flags + ["clock"] * clock_wrong, "attrs": [],
        **{field: report[field] for field in ("battery_pct", "signal_dbm", "temp_c", "humidity_pct", "idle_min",
                                              "activity")},
        "first_activity": _clock_face(report["first_activity_min"])})

    if late or below:  # rule 17
        if not below or now - device_time <= DAY:
            _flags(world, person, report, device_time, now)
        return
    newest = person["newest"]  # rule 14, of equal ones the last to arrive
    if newest is None or device_time >= newest["device_time"]:
        person["newest"] = {**report, "device_time": device_time}
    for one in counts:
        _count(world, person, one, told or "not_awake", now, by_name=named is not None)
    repaired = [] if base is None or (named is None and clock_wrong) else _repair(world, person, report, base, now)
    _clear_windows(world, person, base if up else None, counts, repaired, device_time, now)
    _inactivity(world, person, report, device_time, up, now)
    _flags(world, person, report, device_time, now)
    _memory(world, person, report, device_time, now)
    _device(world, person, report, now)


def _clock_face(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def _say_report(world: World, person: Json, report: Json, sms: Json, fields: Json) -> None:
    empty = dict.fromkeys(("device_time", "window", "result", "battery_pct", "signal_dbm", "temp_c", "humidity_pct",
                           "idle_min", "first_activity", "activity"))
    world.say("reports", str(person["subject"]), {
        "type": "report", "id": report["id"], "subject": person["subject"], "site": person["profile"]["site"],
        "received_at": stamp(sms["received_at"]), **empty, **fields,
        "sms": {"id": sms["id"], "gateway": sms["gateway"]}})


def later_is_up(person: Json, window: int) -> bool:
    """Rule 8: a later window is awake or out."""
    return any(other > window and result in ("awake", "out") for other, result in person["results"].items())


def _count(world: World, person: Json, window: int, result: str, now: int, by_name: bool) -> None:
    """Rules 4 and 8: the result of a window that the report counts for, and its `not_awake`."""
    if result == "not_awake" and is_excused(person, window // 2):
        return
    if not set_result(world, person, window, result, now, repaired=False):
        return
    if result == "not_awake" and by_name:
        for alert in active(person, "no_report"):
            if alert["window"] == window:
                clear(world, person, alert, "late_report", now)
        if not later_is_up(person, window):
            open_window_alert(world, person, "not_awake", window, now, "person", [], None)


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


def _inactivity(world: World, person: Json, report: Json, device_time: int, up: bool, now: int) -> None:
    """Rule 10."""
    idle = report["idle_min"]
    if not up and idle is None:
        return
    signs = [device_time] * up + ([device_time - idle * 60] if idle is not None else [])
    person["latest_time"] = max([device_time, *([person["latest_time"]] if person["latest_time"] else [])])
    person["latest_activity"] = max([*signs, *([person["latest_activity"]] if person["latest_activity"] else [])])
    still = person["latest_time"] - person["latest_activity"]
    alerts = active(person, "inactivity")
    if still < person["profile"]["thresholds"]["idle_h"] * HOUR:
        for alert in alerts:
            clear(world, person, alert, "recovered", now)
    elif not is_excused(person, local_day(now, person["profile"]["zone"])):
        if not alerts:
            alerts = [open_report_alert(world, person, "inactivity", "warning", report, now, [], reopens=True)]
        for alert in alerts:
            if still >= DAY and alert["severity"] == "warning":
                alert["severity"] = "critical"
                say_alert(world, person, alert, "raised", now)


def _tell(world: World, person: Json, report: Json, kind: str, moment: int, now: int, evidence: list[str]) -> None:
    """Rule 11: an emergency of (kind, slot) at a moment is told, opened or repeated."""
    person["told"].append((kind, report["slot"], moment, (report["epoch"], report["counter"])))
    alerts = active(person, kind)
    for alert in alerts:
        if alert["acknowledged_at"] is not None and now - alert["acknowledged_at"] >= 5 * 60:
            alert["acknowledged_by"] = alert["acknowledged_at"] = None
            start_anew(alert, now)
            say_alert(world, person, alert, "repeated", now)
    if not alerts:
        open_report_alert(world, person, kind, "critical", report, now, evidence, reopens=False)


def _told_before(person: Json, kind: str, slot: int) -> list[tuple[int, tuple[int, int]]]:
    """The moments of this kind and slot, and who told them, among the last 16 that were told of the person."""
    return [(moment, by) for other, of, moment, by in person["told"][-16:] if (other, of) == (kind, slot)]


def _flags(world: World, person: Json, report: Json, device_time: int, now: int) -> None:
    """Rule 11: what the flags tell, unless it was told before."""
    own = (report["epoch"], report["counter"])
    for kind in EMERGENCIES:
        if kind in report["flags"] and not any(
                by == own or (by >= own and abs(moment - device_time) <= 15 * 60)
                for moment, by in _told_before(person, kind, report["slot"])):
            _tell(world, person, report, kind, device_time, now, ["late"] if device_time < now - DAY else [])


def _memory(world: World, person: Json, report: Json, device_time: int, now: int) -> None:
    """Rule 12: the alarm memory."""
    if not 1 <= report["alarm"] <= 4:
        return
    kind, moment = EMERGENCIES[report["alarm"] - 1], device_time - report["alarm_age_min"] * 60
    before = _told_before(person, kind, report["slot"])
    if now - moment < DAY and not any(abs(told - moment) <= 15 * 60 for told, _ in before):
        _tell(world, person, report, kind, moment, now, ["remembered alarm"])


def _device(world: World, person: Json, report: Json, now: int) -> None:
    """Rule 13: each slot on its own, an older report changing nothing."""
    slot, own = report["slot"], (report["epoch"], report["counter"])
    if own <= person["judged_report"].get(slot, (-1, -1)):
        return
    person["judged_report"][slot] = own
    limits, flags = person["profile"]["thresholds"], report["flags"]
    battery, signal, temperature = report["battery_pct"], report["signal_dbm"], report["temp_c"]

    low = "low_battery" in flags or (battery is not None and battery < limits["battery_pct"])
    charged = not low and battery is not None and battery >= limits["battery_pct"] + 10
    _condition(world, person, report, "low_battery", low, charged, now)
    _condition(world, person, report, "mains_lost", "mains_lost" in flags, "mains_lost" not in flags, now)
    if signal is not None:
        weak = signal < limits["signal_dbm"]
        twice = weak and person["weak"].get(slot, False)
        person["weak"][slot] = weak
        _condition(world, person, report, "weak_signal", twice, signal >= limits["signal_dbm"] + 5, now)
    _condition(world, person, report, "sensor_fault", report["faults"] != 0, report["faults"] == 0, now)
    if temperature is not None:
        lowest, highest = limits["temp_c"]
        outside = not lowest <= temperature <= highest
        _condition(world, person, report, "temperature", outside, lowest + 1 <= temperature <= highest - 1, now)


def _condition(world: World, person: Json, report: Json, kind: str, begins: bool, ends: bool, now: int) -> None:
    alerts = [alert for alert in active(person, kind) if alert["slot"] == report["slot"]]
    if begins and not alerts:
        open_report_alert(world, person, kind, "maintenance", report, now, [], reopens=True)
    elif ends:
        for alert in alerts:
            clear(world, person, alert, "recovered", now)
