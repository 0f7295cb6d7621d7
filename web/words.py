"""The page speaks Korean first, and English too. Message ids are English; the .po compiles to the Korean catalogue.

This module has the words for kinds, results and changes, marked for extraction. An unknown kind, result or change (of a
newer worker) is shown as it is.
"""

import datetime
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from babel.core import negotiate_locale
from babel.dates import format_skeleton, format_timedelta
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.contract.why import LANGUAGES
from models.times import EPOCH_ORDINAL
from models.window import Window
from models.zones import local_time

HERE: Final = Path(__file__).parent
DOMAIN: Final = "anbu"


def N_(message: str) -> str:
    """Mark a message for extraction. The code that shows the message translates it."""
    return message


KINDS: Final = {
    "sos": N_("SOS"), "fire": N_("Fire"), "gas": N_("Gas"), "fall": N_("Fall"),
    "not_awake": N_("No sign of waking"), "no_report": N_("No report"), "inactivity": N_("No activity"),
    "low_battery": N_("Low battery"), "mains_lost": N_("Mains lost"), "weak_signal": N_("Weak signal"),
    "sensor_fault": N_("Sensor fault"), "temperature": N_("Room temperature"), "gateway_outage": N_("Gateway outage"),
    "long_out": N_("Not home yet"), "clock": N_("Wrong clock"), "counter": N_("Counter fell back"),
    "sensor_stuck": N_("Sensor stuck"),
}
SEVERITIES: Final = {"critical": N_("Critical"), "warning": N_("Warning"), "maintenance": N_("Maintenance")}
RESULTS: Final = {
    "not_awake": N_("No sign of waking"), "silent": N_("No report"), "waiting": N_("Still waiting"),
    "upcoming": N_("Not yet begun"), "excused": N_("Planned absence"), "out": N_("Went out"), "awake": N_("Awake"),
}
DATABASE_AWAY: Final = N_("The database does not answer.")
HALVES: Final = {"morning": N_("Morning"), "afternoon": N_("Afternoon")}
CHANGES: Final = {
    "opened": N_("opened"), "reopened": N_("reopened"), "repeated": N_("repeated"), "raised": N_("raised to critical"),
    "escalated": N_("escalated"), "reminded": N_("reminded"), "acknowledged": N_("acknowledged"),
    "unacknowledged": N_("acknowledgement taken back"), "assigned": N_("assigned"),
    "commented": N_("commented"), "held": N_("held back"), "released": N_("no longer held back"),
    "cleared": N_("closed"),
}
COMMANDS: Final = {
    "acknowledge": N_("Acknowledgement"), "assign": N_("Assignment"), "comment": N_("Comment"),
    "resolve": N_("Closing"),
    "excuse": N_("Planned absence"), "unexcuse": N_("Cancelled absence"),
    "unacknowledge": N_("Cancelled acknowledgement"), "reopen": N_("Reopening"),
}
OUTCOMES: Final = {
    "reached_well": N_("Reached, is well"), "reached_unwell": N_("Reached, is not well"),
    "no_answer": N_("No answer"), "visited_well": N_("Visited, is well"), "visited_nobody": N_("Visited, not at home"),
    "hospital": N_("In hospital"), "false_alarm": N_("False alarm"), "moved": N_("Has moved"), "died": N_("Has died"),
}
REFUSALS: Final = {
    "unknown_subject": N_("no person has this number"),
    "not_open": N_("the alert is not open any more"),
    "already_acknowledged": N_("another caseworker has acknowledged the alert already"),
    "not_acknowledged": N_("no caseworker has acknowledged the alert"),
    "not_reopened": N_("an alert can be reopened for 24 hours after a caseworker closed it, while no other of its "
                       "kind is open"),
}
ASK_REFUSALS: Final = {
    "ask_retired": N_("Not asked: this person is no longer watched."),
    "ask_no_window": N_("Not asked: no window of this person is over yet."),
    "ask_asked_already": N_("Not asked: Anbu is asking this device by itself now, until the deadline."),
    "ask_no_device": N_("Not asked: no device of this person has a telephone number."),
    "ask_no_key": N_("Not asked: the key of the device cannot be read."),
}
JUST_NOW: Final = N_("just now")
WORDS: Final = KINDS | SEVERITIES | RESULTS | HALVES | CHANGES | COMMANDS | OUTCOMES | REFUSALS | ASK_REFUSALS


@lru_cache
def translations(language: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    return Translations.load(HERE / "locale", [language], DOMAIN)


@lru_cache
def environment(language: str) -> Environment:
    """Templates of one language; all values that go into them are escaped."""
    env = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
                      trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"])
    env.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]  # by extension
    env.filters["word"] = lambda word: translations(language).ugettext(WORDS.get(str(word), str(word)))
    env.filters["telephone"] = telephone
    env.globals["outcomes"] = tuple(OUTCOMES)
    env.filters["sentence"] = lambda why: sentence(why, language)
    return env


def telephone(number: str) -> str:
    """A Korean mobile number in the usual form, 010-1234-5678; any other number as it is."""
    return re.sub(r"^(?:\+82|0)10(\d{4})(\d{4})$", r"010-\1-\2", number)


def sentence(why: Mapping[str, str], language: str) -> str:
    return why.get(language) or why.get("ko") or next(iter(why.values()), "")


def chosen_language(remembered: object, accepted: str) -> str:
    """The language that the user chose before, else the first of the browser's languages that we have, else Korean."""
    if remembered in LANGUAGES:
        return str(remembered)
    wanted = [part.partition(";")[0].strip() for part in accepted.split(",")]
    found = negotiate_locale([one.split("-")[0] for one in wanted if one], LANGUAGES)
    return found or LANGUAGES[0]


class Moments(NamedTuple):
    """Formats the times of one page.

    zone: the zone of the people.
    now: epoch seconds.
    """

    language: str
    zone: str
    now: int

    def time(self, at: int) -> str:
        return f"{local_time(self.zone, at):%H:%M}"

    def moment(self, at: int) -> str:
        """The time of day, and the date if it is not today."""
        there, here = local_time(self.zone, at), local_time(self.zone, self.now)
        if there.date() == here.date():
            return f"{there:%H:%M}"
        return f"{format_skeleton('MMMd', there, locale=self.language)} {there:%H:%M}"

    def iso(self, at: int) -> str:
        return local_time(self.zone, at).isoformat()

    def ago(self, at: int) -> str:
        if self.now - at < 60:
            return translations(self.language).ugettext(JUST_NOW)
        elapsed = datetime.timedelta(seconds=at - self.now)
        return format_timedelta(elapsed, granularity="minute", threshold=1.5, add_direction=True, locale=self.language)

    def day(self, window: int) -> str:
        """The date of a window, with its weekday."""
        date = datetime.datetime.fromordinal(EPOCH_ORDINAL + Window(window).day)
        return format_skeleton("MMMEd", date, locale=self.language)
