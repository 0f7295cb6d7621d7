"""The catalogue defines each collection: its purpose, its schema, its indexes with reasons, and its computed fields.

- `schema`: every document has the version of its collection's schema.
- `etag`: documents that records change have one (`changing.py`).
- `_id`: always a text. If it begins with a subject, the document is looked up by this subject.
- Times are RFC 3339 in UTC, as in the records: they sort as text.
- Validators are loose on purpose: they keep out documents that no reader could use, and admit new fields.
- `dated`: the end of the time that a document covers. The retention (`retention.py`) later, the database deletes it.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from models.json_object import JsonView
from models.window import HALVES
from stores.projection import computed
from stores.projection.document import Document

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
    """An index of a collection.

    keys: (field, 1 | -1).
    expires: True for a TTL index: documents expire by the date in the field, plus the retention of the collection if
    the collection has one.
    """

    keys: tuple[tuple[str, int], ...]
    expires: bool = False

    @property
    def name(self) -> str:
        return "_".join(f"{field}_{order}" for field, order in self.keys)


class Collection(NamedTuple):
    """A collection of the catalogue.

    required, properties: parts of its `$jsonSchema`.
    computed: returns the fields that every write computes from the other fields.
    schema: the newest version. Documents of older versions are read too, and `anbu migrate` lifts them.
    dropped: names of indexes that an older version had.
    """

    name: str
    required: tuple[str, ...]
    properties: JsonView
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
_ALERT: Final[JsonView] = {
    "ver": _REVISION, "revision": _REVISION, "alert": _TEXT, "kind": _TEXT, "severity": _TEXT, "active": _FLAG,
    "acknowledged_by": _TEXT_OR_NULL, "assignee": _TEXT_OR_NULL, "site": _TEXT_OR_NULL, "window": _TEXT_OR_NULL,
    "opened_at": _TEXT, "changed_at": _TEXT, "change": _TEXT, "revisions": _MAP, "dated": _DATE_OR_NULL}
_ALERT_REQUIRED: Final = ("ver", "alert", "kind", "severity", "active", "opened_at", "changed_at", "revisions")

CATALOGUE: Final = (
    # _id `42`. `profile`: the operational profile from the registry, never its keys. `contact`: name, telephone,
    # address and notes; only the page writes it. `excuses`: commands by their offset. `gone`: the registry has a
    # tombstone. `sites`: every site that the person was at. `moved`: there was more than one.
    Collection(PEOPLE, ("subject",), {
        "subject": _WHOLE, "ver": _VERSION, "gone": _FLAG, "site": _TEXT_OR_NULL, "profile": _MAP_OR_NULL,
        "contact": _MAP, "excuses": _MAP, "sites": _MAP, "moved": _FLAG},
        (Index((("gone", 1), ("site", 1))),             # the people of a site
         Index((("site", 1), ("moved", 1)))),           # people who came to a site from another one
        computed.person, schema=2),
    # _id `42`. `report`: the newest report by the device's clock. `heard`: the last sign of the person. `windows`: the
    # newest morning and afternoon. `mornings`: the minute of the first activity on the newest mornings, by date. `c`:
    # figures of these mornings.
    Collection(STATES, ("subject",), {"subject": _WHOLE, "report": _MAP, "heard": _MAP, "windows": _MAP,
                                      "mornings": _MAP, "c": _MAP},
        (Index((("heard.site", 1), ("c.later_min", -1))),),     # people whose mornings drift later
        computed.state, schema=2),
    # _id `42/0`. `measured`, `attrs`: the last measurements, as attributes, because they vary by device. `trend`: by
    # date. `c`: figures of the trend.
    Collection(DEVICES, ("subject", "slot"), {
        "subject": _WHOLE, "slot": _WHOLE, "heard": _MAP, "measured": _MAP, "attrs": {"bsonType": "array"},
        "trend": _MAP, "c": _MAP},
        (Index((("subject", 1),)),                              # a person's page
         Index((("attrs.k", 1), ("attrs.v", 1))),               # "every device with battery below 15"
         Index((("heard.site", 1), ("c.days_left", 1))),        # devices whose battery will be empty soon
         Index((("heard.site", 1), ("c.battery_pct", 1))),      # devices whose battery is low already
         Index((("heard.site", 1), ("c.signal_dbm", 1)))),      # devices whose signal is weak
        computed.device, schema=2),
    # _id `42/2026-W48`. `reports`: the reports of one person and ISO week by id, with `-` for `.`. `c`: their figures.
    Collection(BUCKETS, ("subject", "period", "reports"), {
        "subject": _WHOLE, "period": _TEXT, "reports": _MAP, "seen": _MAP, "c": _MAP, "dated": _DATE},
        (Index((("subject", 1), ("period", -1))),               # a person's weeks, exports
         Index((("c.places", 1),)),                             # the figures of a day
         _DATED),
        computed.bucket, schema=2, dropped=("subject_1_period_1", "expires_1")),
    # _id `42/2026-11-24:morning`: the result of a window, and all its revisions by number.
    Collection(CHECKINS, ("ver", "subject", "site", "day", "half", "window", "result", "revisions"), {
        "ver": _REVISION, "subject": _WHOLE, "site": _TEXT, "day": _TEXT, "half": {"enum": list(HALVES)},
        "window": _TEXT, "result": _TEXT, "repaired": _FLAG, "at": _TEXT, "revisions": _MAP, "dated": _DATE},
        (Index((("day", 1), ("site", 1), ("half", 1))),         # the board, the figures of a day
         Index((("subject", 1), ("day", -1))),                  # a person's page
         _DATED), schema=2),
    # _id `42:no_report:2026-11-24:morning`, the alert's own id: the current state, and all revisions by number. `dated`
    # is set when the alert is over: an open alert does not expire.
    Collection(ALERTS, (*_ALERT_REQUIRED, "subject", "site"), {**_ALERT, "subject": _WHOLE, "site": _TEXT},
        (Index((("active", 1), ("site", 1), ("changed_at", -1))),    # the board: open alerts, and those that ended last
         Index((("subject", 1), ("opened_at", -1), ("_id", -1))),    # a person's page
         Index((("subject", 1), ("active", 1))),                     # open alerts of a person
         Index((("site", 1), ("opened_at", -1), ("_id", -1))),       # alerts of a site, newest first, page by page
         Index((("kind", 1), ("opened_at", -1), ("_id", -1))),       # alerts of a kind
         Index((("opened_at", -1), ("_id", -1))),                    # all alerts
         Index((("site", 1), ("window", 1), ("opened_at", 1))),      # the figures of a day
         _DATED), schema=2, dropped=("subject_1_opened_at_-1",)),
    # _id `3/gateway_outage:seoul-1:…`: lane and id, because each lane counts its own revisions.
    Collection(INCIDENTS, (*_ALERT_REQUIRED, "gateway", "lane"), {**_ALERT, "gateway": _TEXT, "lane": _WHOLE},
        (Index((("active", 1),)),                                    # the board
         Index((("opened_at", -1), ("_id", -1))),                    # outages, newest first, page by page
         _DATED), schema=2),
    # _id `2026-11-24/jongno`: absolute figures, computed from check-ins, alerts and weeks after a change of them.
    # `stale`: something has changed, and the figures are not computed again yet.
    Collection(DAYS, ("day", "site", "checkins", "alerts"), {
        "day": _TEXT, "site": _TEXT, "checkins": _MAP, "alerts": _MAP, "woke": _TEXT_OR_NULL, "sms": _MAP,
        "stale": _MAP, "dated": _DATE},
        (Index((("day", 1), ("site", 1))),                      # all sites over some time
         Index((("site", 1), ("day", 1))),                      # one site over some time
         Index((("stale.due", 1),)),                            # stale days that are due
         _DATED), schema=2),
    # _id `sources`: the first day whose figures still have all their sources. Documents that a shorter retention
    # deleted do not come back with a longer one.
    Collection(KEPT, ("since",), {"since": _TEXT}),
    # The actions of users, reads included; append-only. The writer gives the `_id`, so a repetition adds nothing.
    Collection(AUDIT, ("at", "by", "action"), {
        "at": _TEXT, "by": _TEXT, "action": _TEXT, "subject": {"bsonType": ["int", "long", "null"]},
        "dated": _DATE},
        (Index((("at", -1),)), Index((("subject", 1), ("at", -1))), _DATED)),
    # _id `42`: the number of an erased person, and nothing else of them. No process writes anything about this person
    # any more, and no other person gets the number.
    Collection(ERASED, (), {"at": _TEXT}),
    # _id `42/<alert>/<revision>/<channel>`; for an incident the lane stands instead of 42. First the delivery, then its
    # receipt. `due`: the earliest time of sending, epoch seconds; during an attempt the end of the claim. `event`: the
    # receipt removes it.
    Collection(DELIVERIES, ("thread", "alert", "revision", "channel", "status", "attempts", "due"), {
        "thread": _TEXT, "alert": _TEXT, "revision": _REVISION, "order": _REVISION, "channel": _TEXT, "status": _TEXT,
        "attempts": _VERSION, "due": {"bsonType": ["int", "long", "double"]}, "lane": _WHOLE,
        "subject": {"bsonType": ["int", "long", "null"]}, "expires": {"bsonType": "date"}},
        (Index((("status", 1), ("channel", 1), ("due", 1))),   # deliveries that are due, or in trouble
         Index((("thread", 1), ("channel", 1))),                # deliveries that a newer revision stops
         Index((("subject", 1),)),                              # erasure
         Index((("expires", 1),), expires=True))),
    # _id `42/<alert>`, for an incident `gateway/<alert>`: the decisions about an alert (models/notifications).
    Collection(THREADS, ("ver", "channels", "stopped", "lanes", "told"), {
        "ver": _REVISION, "channels": _MAP, "stopped": _VERSION, "lanes": _MAP, "told": {"bsonType": "array"},
        "commands": {"bsonType": "array"}, "held": _VERSION, "released": _VERSION,
        "subject": {"bsonType": ["int", "long", "null"]}, "expires": {"bsonType": "date"}},
        (Index((("subject", 1),)), Index((("expires", 1),), expires=True))),
)

BY_NAME: Final[Mapping[str, Collection]] = {one.name: one for one in CATALOGUE}
# Collections with data of one person, by the field `subject`. Audit entries stay when the person is erased.
PERSONAL: Final = (PEOPLE, STATES, DEVICES, BUCKETS, CHECKINS, ALERTS, DELIVERIES, THREADS)
