"""Records as the topics say them, of people who are asked about in tests of the history."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from support.expected_history import Said


def report(subject: int, counter: int, day: date, **more: Any) -> Said:
    made = f"{(datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=2)):%Y-%m-%dT%H:%M:%SZ}"
    return Said("reports", 0, str(subject), {
        "type": "report", "id": f"0.1.{counter}", "subject": subject, "site": "jongno", "received_at": made,
        "device_time": made, "late": False, "window": f"{day}:morning", "result": "awake", "battery_pct": 90,
        "signal_dbm": -80, "temp_c": 20, "humidity_pct": 40, "idle_min": 0, "first_activity": "06:30",
        "activity": [0] * 24, "flags": ["awake"], "attrs": [], "sms": {"id": f"m{counter}", "gateway": "g"}} | more)


def profile(subject: int, **more: Any) -> Said:
    return Said("registry", subject, str(subject), {"subject": subject, "site": "jongno", "gateway": "g",
                                                    "tz": "Asia/Seoul", "since": "2026-01-01T00:00:00Z"} | more)


def alert(subject: int, counter: int, opened: str, kind: str = "sos", *, active: bool = False) -> Said:
    return Said("alerts", 0, str(subject), {"subject": str(subject), "data": {
        "alert": f"{subject}:{kind}:0.1.{counter}", "revision": 1, "change": "opened", "kind": kind,
        "severity": "critical", "active": active, "site": "jongno", "window": None, "opened_at": opened,
        "changed_at": opened, "why": {"ko": "가", "en": "a"}}})
