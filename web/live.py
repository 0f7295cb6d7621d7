"""Memory holds what the page knows now: every source only adds to it, by id and revision, in any order.

The topics bring new records within a second; the database brings older records and the people. So a page never waits
for the database, and shows live alerts while the database is away.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from web.alerts import AlertOnPage, Key, merge
from web.changes import ALERTS, PEOPLE, TOP, PageChanges, part_of_person
from web.checkins import CheckIn, PersonCard
from web.refused import RefusedCommand, RefusedCommands

KEPT_WINDOWS: Final = 6        # three days
KEPT_ENDED: Final = 5_000


class LaneJudgedUntil(NamedTuple):
    """The progress of a lane.

    gateways: by gateway, the time up to which the lane has judged, epoch seconds.
    seen: when the lane reported this, real time, epoch seconds.
    """

    gateways: Mapping[str, int]
    seen: float


class Live:
    def __init__(self, changes: PageChanges) -> None:
        self._changes = changes
        self.alerts: dict[Key, AlertOnPage] = {}
        self.checkins: dict[int, dict[int, CheckIn]] = {}  # by window, then subject
        self.people: dict[int, PersonCard] = {}
        self.stranger = asyncio.Event()  # set when a record comes of a person who is not in `people`
        self.progress: dict[int, LaneJudgedUntil] = {}
        self.refused = RefusedCommands()

    def take_alert(self, alert: AlertOnPage) -> None:
        known = self.alerts.get(alert.key)
        merged = merge(known, alert)
        if merged != known:
            self._greet(alert.subject)
            self.alerts[alert.key] = merged
            self._forget_ended()
            self._changes.mark(TOP, ALERTS, *([] if alert.subject is None else [part_of_person(alert.subject)]))

    def take_checkin(self, checkin: CheckIn) -> None:
        if len(self.checkins) >= KEPT_WINDOWS and checkin.window < min(self.checkins):
            return
        window = self.checkins.setdefault(checkin.window, {})
        known = window.get(checkin.subject)
        if known is None or known.revision < checkin.revision:
            self._greet(checkin.subject)
            window[checkin.subject] = checkin
            self._changes.mark(TOP, PEOPLE, part_of_person(checkin.subject))
        if len(self.checkins) > KEPT_WINDOWS:
            del self.checkins[min(self.checkins)]

    def take_refused(self, one: RefusedCommand) -> None:
        if self.refused.take(one):
            self._changes.mark(TOP, *([] if one.subject is None else [part_of_person(one.subject)]))

    def take_progress(self, lane: int, progress: LaneJudgedUntil) -> None:
        known = self.progress.get(lane)
        self.progress[lane] = progress
        if known is None or known.gateways != progress.gateways:
            self._changes.mark(TOP)

    def take_people(self, people: Iterable[PersonCard]) -> None:
        """Replace all people: a person who is not among the new ones is gone."""
        found = {person.subject: person for person in people}
        if found != self.people:
            self.people = found
            self._changes.mark(*(TOP, ALERTS, PEOPLE))

    def alerts_of(self, subject: int) -> list[AlertOnPage]:
        return [alert for alert in self.alerts.values() if alert.subject == subject]

    def _greet(self, subject: int | None) -> None:
        if subject is not None and subject not in self.people:
            self.stranger.set()

    def _forget_ended(self) -> None:
        """Forget the oldest KEPT_ENDED / 2 of the ended alerts, once there are more than KEPT_ENDED. An alert that
        repeats is younger."""
        ended = [alert for alert in self.alerts.values() if not alert.active]
        if len(ended) > KEPT_ENDED:
            ended.sort(key=lambda alert: alert.newest.at)
            for alert in ended[:KEPT_ENDED // 2]:
                del self.alerts[alert.key]
