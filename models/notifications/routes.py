"""Which channels are notified: the part of the routes file with the channels of an alert, and the quiet hours.

A site's rules are read from top to bottom, and the first rule that fits decides. If no rule fits, the site's default
decides. A site that is not named has the rules of `*`. If an alert is escalated to a person whom no rule names, it goes
to the default, and `fallback` says so: an alert must not go to no channel because of a missing rule.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfoNotFoundError

from models.contract.alerts import Kind, Severity
from models.errors import ContractError
from models.times import parse_clock
from models.zones import local_time, zone

EVERYWHERE: Final = "*"


class RoutesError(ValueError):
    """The routes file is wrong; the text names the place in the file, and the fix."""


class Quiet(NamedTuple):
    """Quiet hours, in minutes of the local day: `first` included, `last` not; over midnight if `first` is later."""

    first: int
    last: int


class Rule(NamedTuple):
    """One rule of a site.

    channels: the channels that are notified.
    kinds, severities: of the alerts that fit; None: all fit.
    escalated_to: the person to whom a fitting alert is escalated; None: a fitting alert is not escalated.
    """

    channels: tuple[str, ...]
    kinds: frozenset[str] | None = None
    severities: frozenset[str] | None = None
    escalated_to: str | None = None

    def fits(self, kind: str, severity: str, escalated_to: str | None) -> bool:
        return (self.escalated_to == escalated_to and (self.kinds is None or kind in self.kinds)
                and (self.severities is None or severity in self.severities))


@dataclass(frozen=True, slots=True)
class Site:
    """The routes of one site.

    default: the channels of an alert that fits no rule.
    rules: from top to bottom; the first rule that fits decides.
    tz: an IANA time zone.
    quiet: the hours without messages about maintenance; None: none.
    """

    default: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    tz: str = "UTC"
    quiet: Quiet | None = None

    def quiet_until(self, at: int) -> int | None:
        """The end of the quiet hours that contain an instant, epoch seconds; None: the instant is outside of them."""
        if self.quiet is None:
            return None
        local = local_time(self.tz, at)
        minute, (first, last) = local.hour * 60 + local.minute, self.quiet
        inside = first <= minute < last if first < last else minute >= first or minute < last
        if not inside:
            return None
        days = 1 if minute >= last else 0
        end = datetime(local.year, local.month, local.day, last // 60, last % 60, tzinfo=zone(self.tz))
        return int((end + timedelta(days=days)).timestamp())


class Chosen(NamedTuple):
    """The channels for one alert. fallback: no route names the person to whom the alert is escalated."""

    channels: tuple[str, ...]
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes of all sites and gateways.

    sites: by name.
    gateways: by gateway, the channels of its incidents.
    follow_ups: by channel, the later changes that it is notified of.
    """

    sites: Mapping[str, Site]
    gateways: Mapping[str, tuple[str, ...]]
    follow_ups: Mapping[str, frozenset[str]]

    def site(self, name: str | None) -> Site:
        return self.sites.get(name or EVERYWHERE) or self.sites[EVERYWHERE]

    def of_alert(self, site: str | None, kind: str, severity: str, escalated_to: str | None) -> Chosen:
        found = self.site(site)
        for rule in found.rules:
            if rule.fits(kind, severity, escalated_to):
                return Chosen(rule.channels)
        return Chosen(found.default, escalated_to is not None)

    def of_incident(self, gateway: str | None) -> Chosen:
        return Chosen(self.gateways.get(gateway or EVERYWHERE) or self.gateways[EVERYWHERE])


def routes_of(document: Mapping[str, Any], channels: Mapping[str, frozenset[str]]) -> Routes:
    """The rules of a routes file. channels: all channels, with their follow-ups. Raises RoutesError."""
    sites = {name: _site(one, f"sites.{name}", channels) for name, one in _table(document, "sites", "").items()}
    gateways = {name: _channels(one, f"gateways.{name}", channels, may_be_empty=False)
                for name, one in _table(document, "gateways", "").items()}
    for name, found in (("sites", sites), ("gateways", gateways)):
        if EVERYWHERE not in found:
            raise RoutesError(f'{name} has no "{EVERYWHERE}": add it for the {name} that are not named')
    return Routes(sites, gateways, channels)


def only(document: Mapping[str, Any], place: str, known: Collection[str]) -> None:
    """Raises RoutesError for an unknown field: it may be misspelt, and its author relies on it."""
    for name in document:
        if name not in known:
            raise RoutesError(f"{_under(place, name)}: no such field; the fields are {', '.join(sorted(known))}")


def object_at(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RoutesError(f"{place}: must be an object")
    return value


def _under(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _table(document: Mapping[str, Any], field: str, place: str) -> dict[str, Any]:
    if field not in document:
        raise RoutesError(f"{_under(place, field)}: is missing")
    return object_at(document[field], _under(place, field))


def _site(value: Any, place: str, channels: Collection[str]) -> Site:
    document = object_at(value, place)
    only(document, place, ("default", "routes", "tz", "quiet"))
    tz = document.get("tz", "UTC")
    try:
        zone(tz)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise RoutesError(f"{place}.tz: no such time zone; write for example Asia/Seoul") from None
    if "quiet" in document and "tz" not in document:
        raise RoutesError(f"{place}.tz: is missing; quiet hours are local")
    rules = document.get("routes", [])
    if not isinstance(rules, list):
        raise RoutesError(f"{place}.routes: must be a list")
    return Site(_channels(document.get("default"), f"{place}.default", channels, may_be_empty=False),
                tuple(_rule(one, f"{place}.routes[{number}]", channels) for number, one in enumerate(rules)), tz,
                _quiet(document["quiet"], f"{place}.quiet") if "quiet" in document else None)


def _rule(value: Any, place: str, channels: Collection[str]) -> Rule:
    document = object_at(value, place)
    only(document, place, ("channels", "kinds", "severity", "escalated_to"))
    escalated_to = document.get("escalated_to")
    if escalated_to is not None and (not isinstance(escalated_to, str) or not escalated_to):
        raise RoutesError(f"{place}.escalated_to: must be a name")
    return Rule(_channels(document.get("channels"), f"{place}.channels", channels),
                _some(document.get("kinds"), f"{place}.kinds", [kind.value for kind in Kind]),
                _some(document.get("severity"), f"{place}.severity", [one.value for one in Severity]), escalated_to)


def _channels(value: Any, place: str, channels: Collection[str], *, may_be_empty: bool = True) -> tuple[str, ...]:
    if not isinstance(value, list) or not (value or may_be_empty):
        raise RoutesError(f"{place}: must be a list of channels")
    for name in value:
        if not isinstance(name, str) or name not in channels:
            raise RoutesError(f"{place}: no channel is named {name}; the channels are {', '.join(sorted(channels))}")
    return tuple(dict.fromkeys(value))


def _some(value: Any, place: str, known: list[str]) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise RoutesError(f"{place}: must be a list with at least one of {', '.join(known)}")
    for one in value:
        if one not in known:
            raise RoutesError(f"{place}: there is no {one}; the choices are {', '.join(known)}")
    return frozenset(value)


def _quiet(value: Any, place: str) -> Quiet:
    document = object_at(value, place)
    only(document, place, ("from", "to"))
    first, last = (_minute(document.get(name), f"{place}.{name}") for name in ("from", "to"))
    if first == last:
        raise RoutesError(f"{place}: from and to are the same; omit quiet, or set different times")
    return Quiet(first, last)


def _minute(value: Any, place: str) -> int:
    try:
        return parse_clock(value, place)
    except ContractError:
        raise RoutesError(f"{place}: must be a time of day such as 21:00") from None
