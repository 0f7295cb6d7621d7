"""The catalogue of collections: what each is for, its schema, its indexes and why, and what is computed in it.

Every document has the version of its collection's schema, `schema`; what records change, an `etag` (`changing.py`). An
`_id` is text; where it begins with a subject, that is what it is looked up by. Times are RFC 3339 in UTC, as in the
records: they sort as text. Validators are loose on purpose: they keep out what no reader could use, not what a newer
version adds. `dated` is the end of what a document tells of: so many days later (`retention.py`) the database deletes
it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from models.window import HALVES
from stores.projection import computed

Document = dict[str, Any]

SCHEMA: Final = 1
PEOPLE, STATES, DEVICES, BUCKETS = "people", "states", "devices", "buckets"
CHECKINS, ALERTS, INCIDENTS, DAYS, AUDIT = "checkins", "alerts", "incidents", "days", "audit"
DELIVERIES, THREADS, ERASED, KEPT = "deliveries", "threads", "erased", "kept"

_TEXT: Final = {"bsonType": "string"}
_TEXT_OR_NULL: Final = {"bsonType": ["string", "null"]}
_WHOLE: Final = {"bsonType": ["int", "long"]}
_FLAG: Final = {"bsonType": "bool"}
_MAP: Final = {"bsonType": "object"}
_MAP_OR_NULL: Final = {"bsonType": ["object", "null"]}
_DATE: Final = {"bsonType": "date"}
_DATE_OR_NULL: Final = {"bsonType": ["date", "null"]}
_VERSION: Final = {"bsonType": ["int", "long"], "minimum": 0}
_REVISION: Final = {"bsonType": ["int", "long"], "minimum": 1}


class Index(NamedTuple):
    """keys: (field, 1 | -1). expires: documents go once the date in the field is past (a TTL index), by the retention
    of the collection where it has one."""

    keys: tuple[tuple[str, int], ...]
    expires: bool = False

    @property
    def name(self) -> str:
        return "_".join(f"{field}_{order}" for field, order in self.keys)


class Collection(NamedTuple):
    """required, properties: of its `$jsonSchema`. computed: gives the fields that every write derives anew from the
    others. schema: the newest; documents of older ones are read as well, and `anbu migrate` lifts them. dropped: names
    of indexes that an older version had."""

    name: str
    required: tuple[str, ...]
    properties: Mapping[str, Any]
    indexes: tuple[Index, ...] = ()
    computed: Callable[[Document], Document] | None = None
    schema: int = SCHEMA
    dropped: tuple[str, ...] = ()

    @property
    def validator(self) -> Document:
        return {"$jsonSchema": {"bsonType": "object", "required": ["schema", *self.required],
                                "properties": {"schema": {"enum": list(range(1, self.schema + 1))},
                                               **self.properties}}}


_DATED: Final = Index((("dated", 1),), expires=True)  # retention
_ALERT: Final[Mapping[str, Any]] = {
    "ver": _REVISION, "revision": _REVISION, "alert": _TEXT, "kind": _TEXT, "severity": _TEXT, "active": _FLAG,
    "acknowledged_by": _TEXT_OR_NULL, "assignee": _TEXT_OR_NULL, "site": _TEXT_OR_NULL, "window": _TEXT_OR_NULL,
    "opened_at": _TEXT, "changed_at": _TEXT, "change": _TEXT, "revisions": _MAP, "dated": _DATE_OR_NULL}
_ALERT_REQUIRED: Final = ("ver", "alert", "kind", "severity", "active", "opened_at", "changed_at", "revisions")

CATALOGUE: Final = (
    # `42`: the operational profile (of the registry, never its keys) and, from the page alone, who that is: `contact`
    # with name, telephone, address, notes. `excuses`: commands by their offset. `gone`: the registry has a tombstone.
    # `sites`: every one that they were of, and `moved`: there was more than one.
    Collection(PEOPLE, ("subject",), {
        "subject": _WHOLE, "ver": _VERSION, "gone": _FLAG, "site": _TEXT_OR_NULL, "profile": _MAP_OR_NULL,
        "contact": _MAP, "excuses": _MAP, "sites": _MAP, "moved": _FLAG},
        (Index((("gone", 1), ("site", 1))),             # the people of a site
         Index((("site", 1), ("moved", 1)))),           # who came to it from another
        computed.person, schema=2),
    # `42`: the newest report by the device's clock, when the person was last heard of, newest morning and afternoon;
    # `mornings`: by date the minute of the first activity, of the newest mornings, and figures of them, `c`.
    Collection(STATES, ("subject",), {"subject": _WHOLE, "report": _MAP, "heard": _MAP, "windows": _MAP,
                                      "mornings": _MAP, "c": _MAP},
        (Index((("heard.site", 1), ("c.later_min", -1))),),     # whose mornings drift later
        computed.state, schema=2),
    # `42/0`: what a device last measured, as attributes: they vary by device. `trend`: by date, and figures, `c`.
    Collection(DEVICES, ("subject", "slot"), {
        "subject": _WHOLE, "slot": _WHOLE, "heard": _MAP, "measured": _MAP, "attrs": {"bsonType": "array"},
        "trend": _MAP, "c": _MAP},
        (Index((("subject", 1),)),                              # a person's page
         Index((("attrs.k", 1), ("attrs.v", 1))),               # "every device with battery below 15"
         Index((("heard.site", 1), ("c.days_left", 1))),        # whose battery will be empty
         Index((("heard.site", 1), ("c.battery_pct", 1))),      # whose is low already
         Index((("heard.site", 1), ("c.signal_dbm", 1)))),      # whose signal is weak
        computed.device, schema=2),
    # `42/2026-W48`: the reports of one person and ISO week by id, `.` written `-`, and figures of them, `c`.
    Collection(BUCKETS, ("subject", "period", "reports"), {
        "subject": _WHOLE, "period": _TEXT, "reports": _MAP, "seen": _MAP, "c": _MAP, "dated": _DATE},
        (Index((("subject", 1), ("period", -1))),               # a person's weeks, exports
         Index((("c.places", 1),)),                             # the figures of a day
         _DATED),
        computed.bucket, schema=2, dropped=("subject_1_period_1", "expires_1")),
    # `42/2026-11-24:morning`: the result of a window, and all its revisions by number.
    Collection(CHECKINS, ("ver", "subject", "site", "day", "half", "window", "result", "revisions"), {
        "ver": _REVISION, "subject": _WHOLE, "site": _TEXT, "day": _TEXT, "half": {"enum": list(HALVES)},
        "window": _TEXT, "result": _TEXT, "repaired": _FLAG, "at": _TEXT, "revisions": _MAP, "dated": _DATE},
        (Index((("day", 1), ("site", 1), ("half", 1))),         # the board, the figures of a day
         Index((("subject", 1), ("day", -1))),                  # a person's page
         _DATED), schema=2),
    # `42:no_report:2026-11-24:morning`, the alert's own id: as it stands, and all its revisions by number. `dated` once
    # it is over: what is open does not expire.
    Collection(ALERTS, (*_ALERT_REQUIRED, "subject", "site"), {**_ALERT, "subject": _WHOLE, "site": _TEXT},
        (Index((("active", 1), ("site", 1), ("changed_at", -1))),    # the board: what is open, what ended last
         Index((("subject", 1), ("opened_at", -1), ("_id", -1))),    # a person's page
         Index((("subject", 1), ("active", 1))),                     # what is open of a person
         Index((("site", 1), ("opened_at", -1), ("_id", -1))),       # alerts of a site, newest first, page by page
         Index((("kind", 1), ("opened_at", -1), ("_id", -1))),       # those of a kind
         Index((("opened_at", -1), ("_id", -1))),                    # all
         Index((("site", 1), ("window", 1), ("opened_at", 1))),      # the figures of a day
         _DATED), schema=2, dropped=("subject_1_opened_at_-1",)),
    # `3/gateway_outage:seoul-1:…`: lane and id, since each lane counts its own revisions.
    Collection(INCIDENTS, (*_ALERT_REQUIRED, "gateway", "lane"), {**_ALERT, "gateway": _TEXT, "lane": _WHOLE},
        (Index((("active", 1),)),                                    # the board
         Index((("opened_at", -1), ("_id", -1))),                    # outages, newest first, page by page
         _DATED), schema=2),
    # `2026-11-24/jongno`: absolute figures, made from check-ins, alerts and weeks once one of them has changed.
    # `stale`: one has, and the figures are not made anew yet.
    Collection(DAYS, ("day", "site", "checkins", "alerts"), {
        "day": _TEXT, "site": _TEXT, "checkins": _MAP, "alerts": _MAP, "woke": _TEXT_OR_NULL, "sms": _MAP,
        "stale": _MAP, "dated": _DATE},
        (Index((("day", 1), ("site", 1))),                      # all sites over some time
         Index((("site", 1), ("day", 1))),                      # one site over some time
         Index((("stale.due", 1),)),                            # what is to be made anew
         _DATED), schema=2),
    # `sources`: the first day of which all is there that its figures are made from. What was deleted under a shorter
    # retention does not come back with a longer one.
    Collection(KEPT, ("since",), {"since": _TEXT}),
    # Who saw and did what; append-only. The `_id` is given by whoever writes, so that a repetition adds nothing.
    Collection(AUDIT, ("at", "by", "action"), {
        "at": _TEXT, "by": _TEXT, "action": _TEXT, "subject": {"bsonType": ["int", "long", "null"]},
        "dated": _DATE},
        (Index((("at", -1),)), Index((("subject", 1), ("at", -1))), _DATED)),
    # `42`: who was erased; the number alone. Nothing of them is written any more, and nobody gets the number again.
    Collection(ERASED, (), {"at": _TEXT}),
    # `42/<alert>/<revision>/<channel>`, of an incident with its lane: what is to be told, then its receipt. `due`: not
    # before, epoch seconds; while it is being sent the end of the claim. `event`: gone with the receipt.
    Collection(DELIVERIES, ("thread", "alert", "revision", "channel", "status", "attempts", "due"), {
        "thread": _TEXT, "alert": _TEXT, "revision": _REVISION, "order": _REVISION, "channel": _TEXT, "status": _TEXT,
        "attempts": _VERSION, "due": {"bsonType": ["int", "long", "double"]}, "lane": _WHOLE,
        "subject": {"bsonType": ["int", "long", "null"]}, "expires": {"bsonType": "date"}},
        (Index((("status", 1), ("channel", 1), ("due", 1))),   # what is to be sent now, what is in trouble
         Index((("thread", 1), ("channel", 1))),                # what a newer revision stops
         Index((("subject", 1),)),                              # erasure
         Index((("expires", 1),), expires=True))),
    # `42/<alert>`, of an incident `gateway/<alert>`: what has been decided of an alert (models/notifications).
    Collection(THREADS, ("ver", "channels", "stopped", "lanes", "told"), {
        "ver": _REVISION, "channels": _MAP, "stopped": _VERSION, "lanes": _MAP, "told": {"bsonType": "array"},
        "subject": {"bsonType": ["int", "long", "null"]}, "expires": {"bsonType": "date"}},
        (Index((("subject", 1),)), Index((("expires", 1),), expires=True))),
)

BY_NAME: Final[Mapping[str, Collection]] = {one.name: one for one in CATALOGUE}
# What is kept of one person, by the field `subject`; an audit entry stays when the person is erased.
PERSONAL: Final = (PEOPLE, STATES, DEVICES, BUCKETS, CHECKINS, ALERTS, DELIVERIES, THREADS)
