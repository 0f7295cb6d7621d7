"""Made-up journals: everything that may ever be said of two people, as hypothesis strategies.

A journal is consistent as the contract has it: one id and revision have one body; only a frame that was resent has the
id of another report with a body of its own.
"""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from support.expected_history import Said

# Every example writes to a real database, which is emptied before it.
ON_A_DATABASE = settings(max_examples=15, deadline=None,
                         suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SUBJECTS = (7, 42)
SITES = ("jongno", "mapo")
DAYS = ("2026-11-22", "2026-11-23", "2026-11-24")  # of two ISO weeks
TIMES = tuple(f"{day}T{time}Z" for day in DAYS for time in ("00:30:00", "14:59:59", "15:00:00", "23:59:59"))
MONTHS_LATER = ("2026-12-20T08:00:00Z", "2027-03-01T00:00:00Z")

subjects = st.sampled_from(SUBJECTS)
sites = st.sampled_from(SITES)
times = st.sampled_from(TIMES)
windows = st.sampled_from([f"{day}:{half}" for day in DAYS for half in ("morning", "afternoon")])
percent = st.none() | st.integers(0, 100)


@st.composite
def reports(draw: st.DrawFn) -> list[Said]:
    """Reports of both types by id, some of them resent."""
    found = []
    for subject, slot, epoch, counter in draw(st.sets(
            st.tuples(subjects, st.integers(0, 1), st.integers(1, 2), st.integers(8, 12)), max_size=6)):
        body = _report(draw, subject, f"{slot}.{epoch}.{counter}", draw(times))
        found.append(Said("reports", 0, str(subject), body))
        if draw(st.booleans()):
            resent = {**body, "late": True, "received_at": draw(st.sampled_from(TIMES + MONTHS_LATER)),
                      "sms": {"id": draw(st.sampled_from([None, "m8", "m9"])), "gateway": "seoul-1"}}
            found.append(Said("reports", 0, str(subject), resent))
    return found


def _report(draw: st.DrawFn, subject: int, report_id: str, received_at: str) -> dict[str, Any]:
    common = {"type": "report", "id": report_id, "subject": subject, "site": draw(sites), "received_at": received_at,
              "late": draw(st.booleans()), "sms": {"id": "m1", "gateway": "seoul-1"}}
    if draw(st.booleans()):
        names = draw(st.sets(st.sampled_from(["co2", "a.b", "$x", "공기", "", "battery_pct"]), max_size=3))
        nothing = dict.fromkeys(["device_time", "window", "result", "battery_pct", "signal_dbm", "temp_c",
                                 "humidity_pct", "idle_min", "first_activity", "activity", "answers"])
        return {**common, **nothing, "flags": [],
                "attrs": [{"k": name, "v": draw(st.integers(0, 9)), "u": None} for name in names]}
    return {**common, "device_time": draw(st.none() | st.sampled_from((*TIMES, "2020-01-01T00:00:00Z"))),
            "window": draw(st.none() | windows), "result": draw(st.sampled_from([None, "awake", "out"])),
            "battery_pct": draw(percent), "signal_dbm": draw(st.none() | st.integers(-120, -50)),
            "temp_c": draw(percent), "humidity_pct": draw(percent), "idle_min": draw(percent),
            "first_activity": draw(st.sampled_from([None, "05:59", "06:41", "13:00"])),
            "activity": [0] * 24, "flags": ["awake"], "answers": draw(st.sampled_from([None, 1, 7])), "attrs": []}


@st.composite
def checkins(draw: st.DrawFn) -> list[Said]:
    """Up to eleven revisions of some windows; the person may move to another site meanwhile."""
    found = []
    for subject, window in draw(st.sets(st.tuples(subjects, windows), max_size=4)):
        found += [Said("reports", 0, str(subject), {
            "type": "checkin", "id": f"{window}#{revision}", "subject": subject, "site": draw(sites),
            "window": window, "result": draw(st.sampled_from(["awake", "out", "excused", "not_awake", "silent"])),
            "previous": None, "repaired": draw(st.booleans()), "at": draw(times)})
            for revision in range(1, draw(st.integers(1, 11)) + 1)]
    return found


@st.composite
def alerts(draw: st.DrawFn) -> list[Said]:
    """Up to eleven revisions of alerts with and without a window, and of one incident in two lanes."""
    found = []
    for subject, window in draw(st.sets(st.tuples(subjects, st.none() | windows), max_size=3)):
        kind = "sos" if window is None else "no_report"
        alert, opened = f"{subject}:{kind}:{window or '0.1.17'}", draw(times)
        found += [_alert(draw, str(subject), alert, revision, opened, kind=kind, site=draw(sites), window=window)
                  for revision in range(1, draw(st.integers(1, 11)) + 1)]
    for lane in draw(st.sets(st.integers(0, 1))):
        found += [_alert(draw, "seoul-1", "gateway_outage:seoul-1:x", revision, TIMES[0], kind="gateway_outage",
                         site=None, window=None, lane=lane) for revision in range(1, draw(st.integers(1, 2)) + 1)]
    return found


def _alert(draw: st.DrawFn, key: str, alert: str, revision: int, opened: str, **more: Any) -> Said:
    active, at = draw(st.booleans()), draw(times)  # a later revision may bear an earlier time
    return Said("alerts", 0, key, {
        "specversion": "1.0", "id": f"{alert}/{revision}", "source": "/anbu", "type": "kr.anbu.alert.opened",
        "subject": key, "time": at, "datacontenttype": "application/json",
        "data": {"alert": alert, "revision": revision, "change": draw(st.sampled_from(["opened", "held", "cleared"])),
                 "severity": "critical", "active": active, "acknowledged_by": None, "assignee": None,
                 "opened_at": opened, "changed_at": at, "cause": {"likely": "person", "evidence": ["$x"]},
                 "why": {"ko": "가", "en": "a"}, "by": None, "text": None, "escalated_to": None, "reason": None,
                 "command": draw(st.sampled_from([None, "c1"])), "outcome": draw(st.sampled_from([None, "at_home"])),
                 **more}})


@st.composite
def registry(draw: st.DrawFn) -> list[Said]:
    """Profiles and tombstones, each of an offset of its own, and excuses."""
    found = []
    for offset in draw(st.sets(st.integers(0, 20), max_size=4)):
        subject = draw(subjects)
        profile = None if draw(st.integers(0, 3)) == 0 else {
            "subject": subject, "site": draw(sites), "gateway": "seoul-1", "since": "2026-11-01T00:00:00Z",
            "tz": draw(st.sampled_from(["Asia/Seoul", "America/New_York"])), "name": "never stored",
            "devices": [{"slot": 0, "epoch": 1, "kek": "k1", "key": "A" * 58 + "A="}]}
        found.append(Said("registry", offset, str(subject), profile))
    for offset in draw(st.sets(st.integers(0, 20), max_size=3)):
        subject = draw(subjects)
        found.append(Said("commands", offset, str(subject), {
            "id": f"c{offset}", "type": draw(st.sampled_from(["excuse", "unexcuse", "acknowledge"])),
            "subject": subject, "by": "kim", "at": draw(times), "alert": "7:sos:0.1.17", "text": "$x",
            "from": DAYS[0], "to": DAYS[1]}))
    return found


def journals() -> st.SearchStrategy[list[Said]]:
    """All of it, in no order that means anything."""
    return st.tuples(reports(), checkins(), alerts(), registry()).map(
        lambda parts: [one for part in parts for one in part])


@st.composite
def cut(draw: st.DrawFn, journal: list[Said]) -> list[list[Said]]:
    """Some order of a journal, in batches of any size."""
    order = draw(st.permutations(journal))
    batches = []
    while order:
        size = draw(st.integers(1, len(order)))
        batches.append(order[:size])
        order = order[size:]
    return batches
