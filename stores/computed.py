"""Figures that every write derives anew from the document itself (the Computed pattern): expressions of an update.

Nothing is counted up, so a record that comes again changes nothing, and a late one corrects the figure. Only what every
engine evaluates alike is used: a list's fields by `$map`, never by a path into it, and whole numbers up to the last
division.
"""

from typing import Any, Final

Expression = dict[str, Any]

LATE_S: Final = 600          # an SMS is late that took longer from the device to us
MORNINGS_KEPT: Final = 84    # of a person, the newest: eight weeks and what is missing in them
MORNINGS: Final = 28         # are compared with as many before them
MEASURED_KEPT: Final = 21    # days of a device, the newest


def values(path: str) -> Expression:
    """The values of a map as a list."""
    return {"$map": {"input": {"$objectToArray": {"$ifNull": [path, {}]}}, "as": "one", "in": "$$one.v"}}


def each(items: Any, field: str) -> Expression:
    return {"$map": {"input": items, "as": "item", "in": f"$$item.{field}"}}


def those(items: Any, condition: Any) -> Expression:
    """condition: of `$$one`."""
    return {"$filter": {"input": items, "as": "one", "cond": condition}}


def newest(path: str, kept: int) -> Expression:
    """A map without all but its last entries by key. What is left does not depend on the order of writing."""
    return {"$arrayToObject": {"$slice": [
        {"$sortArray": {"input": {"$objectToArray": {"$ifNull": [path, {}]}}, "sortBy": {"k": -1}}}, kept]}}


def _let(variables: Expression, value: Any) -> Expression:
    return {"$let": {"vars": variables, "in": value}}


def _median(numbers: Any) -> Expression:
    """The lower one of two in the middle; null of none."""
    return _let({"sorted": {"$sortArray": {"input": numbers, "sortBy": 1}}}, {"$cond": [
        {"$eq": [{"$size": "$$sorted"}, 0]}, None,
        {"$arrayElemAt": ["$$sorted", {"$toInt": {"$floor": {"$divide": [
            {"$subtract": [{"$size": "$$sorted"}, 1]}, 2]}}}]}]})


def _known(items: Any, field: str) -> Expression:
    return those(each(items, field), {"$ne": [{"$ifNull": ["$$one", None]}, None]})


def _is_late(report: str) -> Expression:
    return {"$or": [f"{report}.late", {"$gt": [f"{report}.delay_s", LATE_S]}]}


# A report that names a window counts for that date and its site.
_COUNTED: Final = those("$$all", {"$ne": [{"$ifNull": ["$$one.window", None]}, None]})
_PLACE: Final = {"$concat": [{"$substrBytes": ["$$item.window", 0, 10]}, "/", "$$item.site"]}
_OF_PLACE: Final = those("$$counted", {"$eq": [
    {"$concat": [{"$substrBytes": ["$$one.window", 0, 10]}, "/", "$$one.site"]}, "$$place"]})

BUCKET: Final[Expression] = {"c": _let({"all": values("$reports")}, _let({"counted": _COUNTED}, {
    "n": {"$size": "$$all"},
    "late": {"$size": those("$$all", _is_late("$$one"))},
    "last": {"$max": each("$$all", "received_at")},
    "battery_min": {"$min": each("$$all", "battery_pct")},
    "signal_min": {"$min": each("$$all", "signal_dbm")},
    # By date and site: what the figures of the day are made from, so that nobody has to read all reports for them.
    "places": {"$sortArray": {"sortBy": 1, "input": {
        "$setUnion": [each(values("$seen"), "place"), []]}}},
    "days": {"$map": {
        "input": {"$sortArray": {"sortBy": 1, "input": {
            "$setUnion": [{"$map": {"input": "$$counted", "as": "item", "in": _PLACE}}, []]}}},
        "as": "place", "in": _let({"mine": _OF_PLACE}, {
            "place": "$$place",
            "n": {"$size": "$$mine"},
            "late": {"$size": those("$$mine", _is_late("$$one"))},
            "woke": {"$min": each(those("$$mine", {"$not": ["$$one.late"]}), "first_activity")}})}},
}))}

# `mornings`: by date the minute of the day of the first activity; the earliest report of a date prevails.
_MINUTES: Final = each({"$sortArray": {"input": {"$objectToArray": {"$ifNull": ["$mornings", {}]}},
                                       "sortBy": {"k": -1}}}, "v.minute")
STATE: Final[Expression] = {
    "mornings": newest("$mornings", MORNINGS_KEPT),
    "c": _let({"minutes": _MINUTES}, _let({
        "now": {"$slice": ["$$minutes", MORNINGS]},
        "before": {"$cond": [{"$gt": [{"$size": "$$minutes"}, MORNINGS]},
                             {"$slice": ["$$minutes", MORNINGS, MORNINGS]}, []]},
    }, _let({"woke": _median("$$now"), "woke_before": _median("$$before")}, {
        "mornings": {"$size": "$$now"}, "mornings_before": {"$size": "$$before"},
        "woke": "$$woke", "woke_before": "$$woke_before", "later_min": {"$subtract": ["$$woke", "$$woke_before"]}})))}


def _slope(field: str) -> Expression:
    """Units a day, by least squares over the days on which it is known; null where these are fewer than three."""
    known = those("$$days", {"$ne": [{"$ifNull": [f"$$one.{field}", None]}, None]})
    products = {"$map": {"input": "$$known", "as": "item", "in": {"$multiply": [
        {"$subtract": ["$$item.day", "$$first"]}, f"$$item.{field}"]}}}
    since = {"$map": {"input": "$$known", "as": "item", "in": {"$subtract": ["$$item.day", "$$first"]}}}
    squares = {"$map": {"input": "$$since", "as": "x", "in": {"$multiply": ["$$x", "$$x"]}}}
    return _let({"known": known}, _let({"n": {"$size": "$$known"}, "first": {"$min": each("$$known", "day")}}, _let({
        "since": since, "products": products, "y": {"$sum": each("$$known", field)}}, _let({
            "x": {"$sum": "$$since"}, "squares": squares}, _let({
                "below": {"$subtract": [{"$multiply": ["$$n", {"$sum": "$$squares"}]}, {"$multiply": ["$$x", "$$x"]}]},
                "above": {"$subtract": [{"$multiply": ["$$n", {"$sum": "$$products"}]},
                                        {"$multiply": ["$$x", "$$y"]}]},
            }, {"$cond": [{"$or": [{"$lt": ["$$n", 3]}, {"$eq": ["$$below", 0]}]}, None,
                          {"$divide": ["$$above", "$$below"]}]})))))


_TREND_DAYS: Final = {"$sortArray": {"input": values("$trend"), "sortBy": {"day": -1}}}
DEVICE: Final[Expression] = {
    "attrs": {"$sortArray": {"sortBy": {"k": 1}, "input": {"$map": {
        "input": values("$measured"), "as": "one",
        "in": {"k": "$$one.k", "v": "$$one.v", "u": "$$one.u", "t": "$$one.t"}}}}},
    "trend": newest("$trend", MEASURED_KEPT),
    "c": _let({"days": _TREND_DAYS}, _let({
        "battery": {"$arrayElemAt": [_known("$$days", "battery_pct"), 0]},
        "signal": {"$arrayElemAt": [_known("$$days", "signal_dbm"), 0]},
        "battery_slope": _slope("battery_pct"), "signal_slope": _slope("signal_dbm"),
    }, {
        "battery_pct": {"$ifNull": ["$$battery", None]}, "signal_dbm": {"$ifNull": ["$$signal", None]},
        "battery_a_week": {"$multiply": ["$$battery_slope", 7]}, "signal_a_week": {"$multiply": ["$$signal_slope", 7]},
        # How many days the battery will last as it goes down now; null where it does not.
        "days_left": {"$cond": [{"$lt": [{"$ifNull": ["$$battery_slope", 0]}, 0]},
                                {"$divide": [{"$ifNull": ["$$battery", None]}, {"$multiply": ["$$battery_slope", -1]}]},
                                None]}}))}
