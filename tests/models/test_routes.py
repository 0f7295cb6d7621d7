"""A wrong routes file is refused with the place of the fault. Quiet hours follow the clock of the site."""

from typing import Any

import pytest
from support.notices import FOLLOWING, NOW, ROUTES, event, routes

from models.errors import ContractError
from models.notifications.notice import notice_of
from models.notifications.routes import Quiet, RoutesError, Site, routes_of
from models.times import parse_time

JONGNO = ROUTES["sites"]["jongno"]


def with_site(**changes: Any) -> dict[str, Any]:
    return {**ROUTES, "sites": {"*": {"default": ["mail"]}, "jongno": {**JONGNO, **changes}}}


@pytest.mark.parametrize(("document", "place"), [
    ({}, "sites: is missing"),
    ({**ROUTES, "sites": []}, "sites: must be an object"),
    ({**ROUTES, "sites": {"jongno": JONGNO}}, 'sites has no "*"'),
    ({**ROUTES, "gateways": {"seoul-9": ["team"]}}, 'gateways has no "*"'),
    ({**ROUTES, "gateways": {"*": []}}, "gateways.*: must be a list of channels"),
    (with_site(default=[]), "sites.jongno.default: must be a list of channels"),
    (with_site(default=["tem"]),
     "sites.jongno.default: no channel is named tem; the channels are duty, log, mail, team"),
    (with_site(deflaut=["team"]), "sites.jongno.deflaut: no such field"),
    (with_site(tz="Asia/Soul"), "sites.jongno.tz: no such time zone"),
    (with_site(tz=9), "sites.jongno.tz: no such time zone"),
    (with_site(tz="../etc"), "sites.jongno.tz: no such time zone"),
    (with_site(routes={}), "sites.jongno.routes: must be a list"),
    (with_site(routes=["team"]), "sites.jongno.routes[0]: must be an object"),
    (with_site(routes=[{"channels": "team"}]), "sites.jongno.routes[0].channels: must be a list"),
    (with_site(routes=[{"channels": [], "kind": []}]), "sites.jongno.routes[0].kind: no such field"),
    (with_site(routes=[{"channels": [], "kinds": []}]), "sites.jongno.routes[0].kinds: must be a list"),
    (with_site(routes=[{"channels": [], "kinds": ["sso"]}]), "sites.jongno.routes[0].kinds: there is no sso"),
    (with_site(routes=[{"channels": [], "severity": ["high"]}]), "sites.jongno.routes[0].severity: there is no high"),
    (with_site(routes=[{"channels": [], "escalated_to": ""}]), "sites.jongno.routes[0].escalated_to: must be a name"),
    (with_site(quiet="21:00"), "sites.jongno.quiet: must be an object"),
    (with_site(quiet={"from": "21:00", "to": "24:00"}), "sites.jongno.quiet.to: must be a time of day"),
    (with_site(quiet={"from": "21:60", "to": "07:00"}), "sites.jongno.quiet.from: must be a time of day"),
    (with_site(quiet={"from": "9:00", "to": "07:00"}), "sites.jongno.quiet.from: must be a time of day"),
    (with_site(quiet={"from": 21, "to": "07:00"}), "sites.jongno.quiet.from: must be a time of day"),
    (with_site(quiet={"from": "07:00", "to": "07:00"}), "sites.jongno.quiet: from and to are the same"),
    ({**ROUTES, "sites": {"*": {"default": ["team"], "quiet": {"from": "21:00", "to": "07:00"}}}},
     "sites.*.tz: is missing"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_routes_file_is_refused_with_its_place(document: dict[str, Any], place: str) -> None:
    with pytest.raises(RoutesError) as refused:
        routes_of(document, FOLLOWING)
    assert str(refused.value).startswith(place)
    assert "\n" not in str(refused.value)


def test_a_site_without_routes_gets_the_default_routes() -> None:
    assert routes().site("mapo") == routes().site(None) == Site(("mail",))


SEOUL = Site(("team",), (), "Asia/Seoul", Quiet(21 * 60, 7 * 60))
BERLIN = Site(("team",), (), "Europe/Berlin", Quiet(60, 2 * 60 + 30))  # the hour that is skipped in spring


@pytest.mark.parametrize(("site", "at", "end"), [
    (SEOUL, "2026-11-24T20:59:59+09:00", None),
    (SEOUL, "2026-11-24T21:00:00+09:00", "2026-11-25T07:00:00+09:00"),
    (SEOUL, "2026-11-24T23:59:59+09:00", "2026-11-25T07:00:00+09:00"),
    (SEOUL, "2026-11-25T00:00:00+09:00", "2026-11-25T07:00:00+09:00"),
    (SEOUL, "2026-11-25T06:59:59+09:00", "2026-11-25T07:00:00+09:00"),
    (SEOUL, "2026-11-25T07:00:00+09:00", None),
    (SEOUL, "2026-12-31T22:00:00+09:00", "2027-01-01T07:00:00+09:00"),
    (BERLIN, "2026-07-01T00:59:59+02:00", None),
    (BERLIN, "2026-07-01T01:00:00+02:00", "2026-07-01T02:30:00+02:00"),
    (BERLIN, "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"),
    (BERLIN, "2026-10-25T01:30:00+02:00", "2026-10-25T02:30:00+02:00"),
    (Site(("team",)), "2026-11-24T23:00:00+09:00", None)])
def test_the_end_of_quiet_hours(site: Site, at: str, end: str | None) -> None:
    assert site.quiet_until(parse_time(at, "at")) == (None if end is None else parse_time(end, "end"))


@pytest.mark.parametrize(("change", "field"), [
    ({"data": None}, "data"), ({"subject": "x"}, "subject"), ({"subject": "4294967296"}, "subject"),
    ({"subject": None}, "subject"), ({"subject": "\u0664\u0662"}, "subject")])
def test_an_unusable_event_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ContractError, match=field):
        notice_of({**event(), **change})


@pytest.mark.parametrize(("fact", "value"), [
    ("alert", ""), ("revision", 0), ("revision", True), ("change", None), ("kind", 5), ("severity", None),
    ("site", None), ("changed_at", "yesterday"), ("escalated_to", 5), ("why", "so"), ("why", {"ko": None})])
def test_an_event_with_an_unusable_field_is_refused(fact: str, value: Any) -> None:
    with pytest.raises(ContractError, match=fact):
        notice_of(event(**{fact: value}))


def test_an_event_is_read() -> None:
    one = notice_of(event(cause=None, at=NOW))
    assert (one.thread, one.likely, one.changed_at) == ("42/42:no_report:2026-11-24:morning", None, NOW)
    incident = notice_of(event("seoul-1", lane=0))
    assert (incident.thread, incident.subject, incident.lane) == ("gateway/gateway_outage:seoul-1:2026-11-24", None, 0)
