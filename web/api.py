"""The JSON API reads what the page shows: alerts, check-ins, and the time up to which all people have been judged."""

from datetime import date as Date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from models.times import format_date, format_time, parse_date
from models.window import Window, windows_of_days
from web import board
from web.access import RefusedError, signed_in
from web.alerts import AlertOnPage
from web.answers import refusals
from web.checkins import CheckIn
from web.history import HistoryAwayError
from web.pages import Site, web_of
from web.words import DATABASE_AWAY

router = APIRouter(prefix="/api/v1", dependencies=[Depends(signed_in)], responses=refusals(401))


class AlertFields(BaseModel):
    """An alert as of its newest revision; fields as in the topic `alerts`."""

    alert: str
    revision: int
    change: str
    kind: str
    severity: str
    active: bool
    acknowledged_by: str | None
    assignee: str | None
    window: str | None
    opened_at: str
    changed_at: str
    outcome: str | None = Field(description="what the caseworker found, of a comment or a closing")
    why: dict[str, str] = Field(description="the sentence that explains the alert, by language")


class AlertOut(AlertFields):
    """An alert, or an incident, of those that the page shows."""

    lane: int | None = Field(description="for an incident: the partition that judged it")
    subject: int | None
    gateway: str | None = Field(description="for an incident: the gateway that is out")
    site: str | None
    held: bool = Field(description="true: the alert is held back during an outage")


class CheckInOut(BaseModel):
    subject: int
    site: str
    window: str = Field(examples=["2026-11-24:morning"])
    revision: int
    result: str = Field(description="awake, out, not_awake, silent or excused")
    repaired: bool = Field(description="true: the result comes from a later report")
    at: str


class JudgedUntil(BaseModel):
    watch: str = Field(description="watched; quiet: no progress for 30 s; partly or unwatched: some or all lanes made "
                                   "no progress for two minutes; starting")
    all: str | None = Field(description="time up to which all people have been judged")
    gateways: dict[str, str]
    lanes: int
    now: str


def alert_out(alert: AlertOnPage) -> AlertOut:
    newest = alert.newest
    return AlertOut(alert=alert.key.alert, lane=alert.key.lane, subject=alert.subject, gateway=alert.gateway,
                    site=alert.site, kind=alert.kind, severity=alert.severity, active=alert.active, held=alert.held,
                    revision=newest.revision, change=newest.change, acknowledged_by=alert.acknowledged_by,
                    assignee=alert.assignee, window=alert.window, opened_at=format_time(alert.opened_at),
                    changed_at=format_time(newest.at), outcome=newest.outcome, why=dict(newest.why))


def checkin_out(checkin: CheckIn) -> CheckInOut:
    return CheckInOut(**{**checkin._asdict(), "window": str(Window(checkin.window)), "at": format_time(checkin.at)})


@router.get("/alerts", responses=refusals(422))
async def alerts(request: Request, site: Site = None, active: bool = True,
                 limit: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> list[AlertOut]:
    """List the open alerts, the most urgent first. Incidents concern every site. active=false lists closed alerts."""
    found = [one for one in web_of(request).live.alerts.values()
             if one.active is active and (site is None or one.site in (site, None))]
    return [alert_out(one) for one in sorted(found, key=board.urgency)[:limit]]


@router.get("/checkins", responses=refusals(422, 503))
async def checkins(request: Request, site: Site = None, date: Date | None = None) -> list[CheckInOut]:
    """List the newest results of a local date (default: today), by window and subject."""
    web = web_of(request)
    day = board.page_day(web.live.people.values(), int(web.clock.now())) if date is None \
        else parse_date(date.isoformat(), "date")
    windows = {window: dict(web.live.checkins.get(window, {})) for window in windows_of_days(day, day)}
    if date is not None:
        try:
            older = await web.history.checkins_of_day(format_date(day))
        except HistoryAwayError:
            raise RefusedError(503, DATABASE_AWAY) from None
        for one in older:
            known = windows.setdefault(one.window, {}).get(one.subject)
            if known is None or known.revision < one.revision:
                windows[one.window][one.subject] = one
    return [checkin_out(by_subject[subject]) for _, by_subject in sorted(windows.items())
            for subject in sorted(by_subject) if site is None or by_subject[subject].site == site]


@router.get("/judged-until")
async def judged_until(request: Request) -> JudgedUntil:
    """Return whether people are watched, and the time up to which all people have been judged."""
    web = web_of(request)
    until = board.judged_until(one.gateways for one in web.live.progress.values())
    earliest = min(until.values(), default=None)
    return JudgedUntil(watch=web.watch(), all=None if earliest is None else format_time(earliest),
                       gateways={name: format_time(at) for name, at in until.items()}, lanes=web.follower.lanes,
                       now=format_time(int(web.clock.now())))

