"""Records as the topics say them, of people who are asked about in tests of the history."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from support.expected_history import Said

MONDAY = date(2026, 9, 28)


def report(subject: int, counter: int, day: date, **more: Any) -> Said:
    made = f"{(datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=2)):%Y-%m-%dT%H:%M:%SZ}"
    return Said("reports", 0, str(subject), {
        "type": "report", "id": f"0.1.{counter}", "subject": subject, "site": "jongno", "received_at": made,
        "device_time": made, "late": False, "window": f"{day}:morning", "result": "awake", "battery_pct": 90,
        "signal_dbm": -80, "temp_c": 20, "humidity_pct": 40, "idle_min": 0, "first_activity": "06:30",
        "activity": [0] * 24, "flags": ["awake"], "answers": None, "attrs": [],
        "sms": {"id": f"m{counter}", "gateway": "g"}} | more)


def checkin(subject: int, day: date, result: str = "awake") -> Said:
    """A check-in of a morning."""
    return Said("reports", 0, str(subject), {
        "type": "checkin", "id": f"{day}:morning#1", "subject": subject, "site": "jongno", "window": f"{day}:morning",
        "result": result, "previous": None, "repaired": False, "at": f"{day}T00:00:00Z"})


def profile(subject: int, *slots: int, **more: Any) -> Said:
    """slots: of devices; none named: 0."""
    devices = [{"slot": slot, "epoch": 1, "kek": "k1", "key": "A" * 58 + "A="} for slot in slots or (0,)]
    return Said("registry", subject, str(subject), {"subject": subject, "site": "jongno", "gateway": "g",
                                                    "tz": "Asia/Seoul", "since": "2026-01-01T00:00:00Z",
                                                    "devices": devices} | more)


def alert(subject: int, counter: int, opened: str, kind: str = "sos", *, active: bool = False) -> Said:
    return Said("alerts", 0, str(subject), {"subject": str(subject), "data": {
        "alert": f"{subject}:{kind}:0.1.{counter}", "revision": 1, "change": "opened", "kind": kind,
        "severity": "critical", "active": active, "site": "jongno", "window": None, "opened_at": opened,
        "changed_at": opened, "why": {"ko": "가", "en": "a"}}})


def outage(lane: int, day: int, *, active: bool) -> Said:
    """An outage of a gateway in November, as one lane judged it."""
    opened = f"2026-11-{day}T00:30:00Z"
    return Said("alerts", 0, "seoul-1", {"subject": "seoul-1", "data": {
        "alert": f"gateway_outage:seoul-1:{opened}", "revision": 1, "change": "opened", "kind": "gateway_outage",
        "severity": "critical", "active": active, "site": None, "window": None, "lane": lane, "opened_at": opened,
        "changed_at": opened, "why": {"ko": "가", "en": "a"}}})


def eight_weeks() -> list[Said]:
    """7 gets up half an hour later since four weeks, and the battery falls a point a day; 8 is as ever; 9 is gone; the
    battery of 10 is low already."""
    said = [profile(7), profile(8), profile(10, retired=False), profile(11, retired=True)]
    for number in range(56):
        day = MONDAY + timedelta(days=number)
        woke = "06:00" if number < 28 else "06:30"
        said.append(report(7, number, day, first_activity=woke, battery_pct=90 - number, signal_dbm=-80 - number % 2))
        said.append(report(8, number, day))
        said += [report(subject, number, day, first_activity=woke, battery_pct=15) for subject in (9, 11)]
    said.append(report(10, 1, MONDAY + timedelta(days=55), battery_pct=12, signal_dbm=None, first_activity=None))
    return said
