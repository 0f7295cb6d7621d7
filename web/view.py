"""Nothing in this module waits. It makes the context of a template: the board as of now, in one language, for one site.
"""

from typing import Any, Final, NamedTuple

from models.json_object import JsonObject
from models.times import format_date
from models.window import HALVES, MORNING, Window
from models.zones import local_day
from web import board
from web.alerts import merge
from web.checkins import CheckIn
from web.history import PersonHistory
from web.refused import SHOWN_S, RefusedCommand
from web.service import Web
from web.words import Moments

ENDED_S: Final = 12 * 3600
SHOWN_ALERTS: Final = 200
SHOWN_PEOPLE: Final = 600  # of one result
DAYS: Final = 7


class Look(NamedTuple):
    """What the user chose to see.

    site: None: all sites.
    half: None: the window that is open, or the last one.
    """

    site: str | None = None
    half: str | None = None


class Group(NamedTuple):
    result: str
    rows: list[board.Row]


def status(web: Web) -> JsonObject:
    """Whether the user can trust the page: are people watched, up to when are all people judged, what is away."""
    gateways = [one.gateways for one in web.live.progress.values()]
    until = board.judged_until(gateways)
    return {
        "watch": web.watch(),
        "judged": until,
        "judged_until": min(until.values(), default=None),
        "ahead": board.ahead(gateways, int(web.clock.now())),
        "caught_up": web.follower.caught_up,
        "history_away": web.history.away,
        "history_read": web.history.read,
        "undelivered": web.history.undelivered,
    }


def page(web: Web, look: Look, language: str) -> dict[str, Any]:
    """The context that the board's parts need."""
    live, now = web.live, int(web.clock.now())
    people = live.people.values()
    zone, day = board.page_zone(people), board.page_day(people, now)
    window = board.current_window(people, now) if look.half is None else Window.of(day, look.half)
    halves = {one.half: board.rows(live.people, live.checkins.get(one, {}), one, now, look.site)
              for one in (Window.of(day, half) for half in HALVES)}
    listed = halves[window.half]
    found = board.sections(live.alerts.values(), look.site, now - ENDED_S)
    return {
        **status(web),
        "moments": Moments(language, zone, now),
        "look": look,
        "window": window,
        "half": window.half,
        "tallies": {half: board.tally(rows) for half, rows in halves.items()},
        "groups": [Group(result, [row for row in listed if row.result == result])
                   for result in dict.fromkeys(row.result for row in listed)],
        "sections": found,
        "in_need": board.in_need(found.urgent),
        "refused": refused(web),
        "people": live.people,
        "sites": sites(web),
        "shown_alerts": SHOWN_ALERTS,
        "shown_people": SHOWN_PEOPLE,
        "date": format_date(day),
    }


def refused(web: Web) -> list[RefusedCommand]:
    """The commands of the last minutes that did nothing."""
    return web.live.refused.since(int(web.clock.now()) - SHOWN_S, web.follower.lanes)


def sites(web: Web) -> list[str]:
    return sorted({person.profile.site for person in web.live.people.values()}
                  | {alert.site for alert in web.live.alerts.values() if alert.site is not None})


def anchor(alert: str) -> str:
    """The HTML id of an alert's card."""
    return f"alert-{alert}"


def person(web: Web, subject: int, known: PersonHistory | None, language: str) -> dict[str, Any]:
    """The context of a person's page.

    known: the history of the person; None: the database is away, so the page has only what the topics brought.
    """
    live, now = web.live, int(web.clock.now())
    who = (known.person if known else None) or live.people.get(subject)
    alerts = {alert.key: alert for alert in live.alerts_of(subject)}
    for alert in known.alerts if known else ():
        alerts[alert.key] = merge(alerts.get(alert.key), alert)
    checkins = dict(known.checkins) if known else {}
    for window, results in live.checkins.items():
        found = [one for one in (results.get(subject), checkins.get(window)) if one is not None]
        if found:
            checkins[window] = max(found, key=_revision)
    zone = who.profile.schedule.tz if who else board.DEFAULT_ZONE
    day = local_day(zone, now)
    return {
        **status(web),
        "found": bool(who or alerts or checkins),
        "away": known is None,
        "moments": Moments(language, zone, now),
        "subject": subject,
        "person": who,
        "people": live.people,
        "days": [(Window.of(one, MORNING), [checkins.get(Window.of(one, half)) for half in HALVES])
                 for one in range(day, day - DAYS, -1)],
        "alerts": sorted(alerts.values(), key=lambda one: (not one.active, -one.opened_at, one.key.alert)),
        "excuses": known.excuses[::-1] if known else [],
        "may_ask": web.asking.possible and who is not None and not who.profile.retired,
        "refused": [one for one in refused(web) if one.subject == subject],
        "date": format_date(day),
    }


def _revision(checkin: CheckIn) -> int:
    return checkin.revision
