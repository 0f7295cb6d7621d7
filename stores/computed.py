"""Figures that every write derives anew from the document itself (the Computed pattern): expressions of an update.

Nothing is counted up, so a record that comes again changes nothing, and a late one corrects the figure. Only what every
engine evaluates alike is used: a list's fields by `$map`, never by a path into it, and whole numbers up to the last
division.
"""

from typing import Any, Final

Expression = dict[str, Any]

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


def _newest(path: str, kept: int) -> Expression:
    """The last entries of a map by key, the newest first. Which these are does not depend on the order of writing."""
    return {"$slice": [
        {"$sortArray": {"input": {"$objectToArray": {"$ifNull": [path, {}]}}, "sortBy": {"k": -1}}}, kept]}


def _let(variables: Expression, value: Any) -> Expression:
    return {"$let": {"vars": variables, "in": value}}


def _median(numbers: Any) -> Expression:
    """The lower one of two in the middle; null of none."""
    return _let({"sorted": {"$sortArray": {"input": numbers, "sortBy": 1}}}, {"$cond": [
        {"$eq": [{"$size": "$$sorted"}, 0]}, None,
        {"$arrayElemAt": ["$$sorted", {"$toInt": {"$floor": {"$divide": [
            {"$subtract": [{"$size": "$$sorted"}, 1]}, 2]}}}]}]})


def _sorted_set(items: Any) -> Expression:
    return {"$sortArray": {"input": {"$setUnion": [items, []]}, "sortBy": 1}}


def _known(items: Any, field: str) -> Expression:
    return those(each(items, field), {"$ne": [{"$ifNull": ["$$one", None]}, None]})


# `counts` of a report: the place, a date and site, for whose figures it counts, whether it is late, when somebody woke.
_OF_PLACE: Final = those("$$counted", {"$eq": ["$$one.place", "$$place"]})
BUCKET: Final[Expression] = {"c": _let({"all": values("$reports")}, _let({"counts": each("$$all", "counts")}, _let({
    "counted": those("$$counts", {"$ne": ["$$one.place", None]})}, {
    "n": {"$size": "$$all"},
    "late": {"$size": those("$$counts", "$$one.late")},
    "last": {"$max": each("$$all", "received_at")},
    "battery_min": {"$min": each("$$all", "battery_pct")},
    "signal_min": {"$min": each("$$all", "signal_dbm")},
    # What the figures of the day are made from, so that nobody has to read all reports for them.
    "places": _sorted_set(each(values("$seen"), "place")),
    "days": {"$map": {"input": _sorted_set(each("$$counted", "place")), "as": "place", "in": _let({"mine": _OF_PLACE}, {
        "place": "$$place",
        "n": {"$size": "$$mine"},
        "late": {"$size": those("$$mine", "$$one.late")},
        "woke": {"$min": each("$$mine", "woke")}})}},
})))}

# `mornings`: by date the minute of the day of the first activity; the earliest report of a date prevails.
_MINUTES: Final = each(_newest("$mornings", MORNINGS_KEPT), "v.minute")
STATE: Final[Expression] = {
    "mornings": {"$arrayToObject": _newest("$mornings", MORNINGS_KEPT)},
    "c": _let({"minutes": _MINUTES}, _let({
        "now": {"$slice": ["$$minutes", MORNINGS]},
        "before": {"$cond": [{"$gt": [{"$size": "$$minutes"}, MORNINGS]},
                             {"$slice": ["$$minutes", MORNINGS, MORNINGS]}, []]},
    }, _let({"woke": _median("$$now"), "woke_before": _median("$$before")}, {
        "mornings": {"$size": "$$now"}, "mornings_before": {"$size": "$$before"},
        "woke": "$$woke", "woke_before": "$$woke_before", "later_min": {"$subtract": ["$$woke", "$$woke_before"]}})))}


def _line(of: str) -> Expression:
    """Of the days on which something is known: the newest value, and units a day by least squares, null where there are
    fewer than three. All sums are of whole numbers, so that no engine rounds them."""
    above = {"$subtract": [{"$multiply": ["$$n", "$$xy"]}, {"$multiply": ["$$x", "$$y"]}]}
    below = {"$subtract": [{"$multiply": ["$$n", "$$xx"]}, {"$multiply": ["$$x", "$$x"]}]}
    return _let({"known": _known("$$days", of)}, _let({
        "n": {"$size": "$$known"},
        **{name: {"$sum": each("$$known", name)} for name in ("x", "y", "xx", "xy")}}, {
            "newest": {"$arrayElemAt": [each("$$known", "y"), 0]},
            "slope": {"$cond": [{"$lt": ["$$n", 3]}, None, {"$divide": [above, below]}]}}))


DEVICE: Final[Expression] = {
    "attrs": {"$sortArray": {"sortBy": {"k": 1}, "input": {"$map": {
        "input": values("$measured"), "as": "one",
        "in": {"k": "$$one.k", "v": "$$one.v", "u": "$$one.u", "t": "$$one.t"}}}}},
    "trend": {"$arrayToObject": _newest("$trend", MEASURED_KEPT)},
    "c": _let({"days": each(_newest("$trend", MEASURED_KEPT), "v")}, _let({
        "battery": _line("battery"), "signal": _line("signal")}, {
            "battery_pct": {"$ifNull": ["$$battery.newest", None]},
            "signal_dbm": {"$ifNull": ["$$signal.newest", None]},
            "battery_a_week": {"$multiply": ["$$battery.slope", 7]},
            "signal_a_week": {"$multiply": ["$$signal.slope", 7]},
            # How many days the battery will last as it goes down now; null where it does not.
            "days_left": {"$cond": [{"$lt": [{"$ifNull": ["$$battery.slope", 0]}, 0]},
                                    {"$divide": ["$$battery.newest", {"$multiply": ["$$battery.slope", -1]}]},
                                    None]}}))}
