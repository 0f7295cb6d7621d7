"""Alerts and routes for tests, made by hand, so that the tests do not depend on the judgement."""

from typing import Any

from models.notifications.notice import Notice, notice_of
from models.notifications.routes import Routes, routes_of
from models.times import format_time, parse_time

NOW = parse_time("2026-11-24T00:30:00Z", "now")  # 09:30 in Seoul
FOLLOWING = {"team": frozenset({"acknowledged", "cleared"}), "mail": frozenset({"cleared"}),
             "duty": frozenset({"cleared"}), "log": frozenset({"acknowledged", "cleared", "assigned", "commented"})}
ROUTES: dict[str, Any] = {
    "sites": {
        "*": {"default": ["mail"]},
        "jongno": {"tz": "Asia/Seoul", "default": ["team"], "quiet": {"from": "21:00", "to": "07:00"}, "routes": [
            {"severity": ["critical"], "channels": ["team", "duty"]},
            {"kinds": ["weak_signal"], "channels": []},
            {"severity": ["maintenance"], "channels": ["mail"]},
            {"escalated_to": "backup", "channels": ["duty"]}]}},
    "gateways": {"*": ["team"], "seoul-9": ["mail", "duty"]}}


def routes(**changes: Any) -> Routes:
    return routes_of({**ROUTES, **changes}, FOLLOWING)


def event(subject: int | str = 42, kind: str = "no_report", revision: int = 1, change: str = "opened", *,
          at: int = NOW, lane: int | None = None, **facts: Any) -> dict[str, Any]:
    """A record of `alerts`. With a lane it is an incident, and its subject is a gateway."""
    incident = lane is not None
    alert = f"gateway_outage:{subject}:2026-11-24" if incident else f"{subject}:{kind}:2026-11-24:morning"
    cleared = change == "cleared"
    data = {"alert": alert, "revision": revision, "change": change, "kind": "gateway_outage" if incident else kind,
            "severity": "warning", "active": not cleared, "acknowledged_by": None, "assignee": None,
            "site": None if incident else "jongno", "window": None, "opened_at": format_time(at),
            "changed_at": format_time(at), "cause": {"likely": "person", "evidence": []},
            "why": {"ko": "오전에 보고가 오지 않았습니다.", "en": "Nothing was heard in the morning."},
            "by": None, "text": None, "escalated_to": None, "reason": "late_report" if cleared else None,
            **({"lane": lane, "severity": "critical"} if incident else {}), **facts}
    return {"specversion": "1.0", "id": f"{alert}/{revision}", "source": "/anbu" if incident else "/anbu/jongno",
            "subject": str(subject), "type": f"kr.anbu.alert.{change}", "time": format_time(at),
            "datacontenttype": "application/json", "data": data}


def notice(*args: Any, **facts: Any) -> Notice:
    return notice_of(event(*args, **facts))
