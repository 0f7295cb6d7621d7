"""From which number on a figure means something: product rules that no judgement needs."""

from typing import Final

from models.times import DAY

LATE_SMS_S: Final = 600            # an SMS that took longer from the device to the gateway is a late SMS
CLOCK_AHEAD_S: Final = DAY         # a device's clock is believed so far ahead of the arrival,
CLOCK_BEHIND_S: Final = 60 * DAY   # and so far behind: an SMS may have waited somewhere, or been sent again

MORNINGS: Final = 28               # are compared with as many mornings before them
MORNINGS_BEFORE: Final = 7         # to compare with, at least: a single morning was early by chance
LATER_MIN: Final = 20              # minutes later than before: worth a caseworker's question

EMPTY_IN_DAYS: Final = 21          # a battery that will be empty so soon is failing,
FAILING_BATTERY_PCT: Final = 20    # as is one at this level,
FAILING_SIGNAL_DBM: Final = -100   # and a signal this weak

UNWATCHED_S: Final = 120           # without a word of a lane, its people are not watched
