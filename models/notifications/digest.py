"""One message about many alerts: grouped by what has to be done, the worst first, each person with centre and number.

No person is left out for want of room: an alert that the message cannot hold waits for the next message. The names of
caseworkers and their comments are on the page only.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from models.contract.why import Words
from models.notifications.gathering import urgency
from models.notifications.message import AGAIN, ANBU, FALLBACK, PERSON, Manner, Message, kind_of, mark_of, to_do_of
from models.notifications.notice import Notice

_TITLE: Final = Words("알림 {number}건 모음", "{number} alerts in one message")
_GROUP: Final = Words("{mark} · {kind}: {people}.", "{mark}, {kind}: {people}.")
_PAGE: Final = Words("이유와 처리 상황은 현황판에서 볼 수 있습니다.",
                     "The page shows the reasons, and the people in charge.")


class DigestEntry(NamedTuple):
    """One delivery of many. id: of the delivery. fallback, again: as in `message_of`."""

    id: str
    notice: Notice
    fallback: bool = False
    again: bool = False


def room(entries: Sequence[DigestEntry], channel: str, manner: Manner, longest: int) -> int:
    """The number of entries, from the first on, that fit into a message of `longest` characters; at least one."""
    return max(1, bisect_right(range(1, len(entries) + 1), longest,
                               key=lambda number: len(digest_of(entries[:number], channel, manner).text)))


def digest_of(entries: Sequence[DigestEntry], channel: str, manner: Manner) -> Message:
    """The message for one or more deliveries. Its id is made of their ids: the same deliveries give the same id."""
    said = manner.said
    entries = sorted(entries, key=lambda one: urgency(one.notice))
    groups: defaultdict[tuple[Words, Words, Words | None, str | None], list[Notice]] = defaultdict(list)
    for _, notice, fallback, _ in entries:
        to = notice.escalated_to if fallback else None
        groups[mark_of(notice), kind_of(notice), to_do_of(notice), to].append(notice)
    lines = []
    for (mark, kind, to_do, to), notices in groups.items():
        line = said(_GROUP).format(mark=said(mark), kind=said(kind), people=_people(notices, manner))
        lines.append(" ".join([line, *([said(to_do)] if to_do else []),
                               *([said(FALLBACK).format(to=to)] if to is not None else [])]))
    if manner.public_url is not None:
        lines.append(said(_PAGE))
    if any(one.again for one in entries):
        lines.append(said(AGAIN))
    first = entries[0].notice
    digest = sha256("\n".join(sorted(one.id for one in entries)).encode()).hexdigest()[:20]
    title = f"[{said(ANBU)} {said(mark_of(first))}] {said(_TITLE).format(number=len(entries))}"
    link = None if manner.public_url is None else f"{manner.public_url}/"
    return Message(f"digest/{channel}/{digest}", first.severity, title, tuple(lines), link, {})


def _people(notices: Sequence[Notice], manner: Manner) -> str:
    """The people by centre, each once, in order of number; gateways by name."""
    sites: defaultdict[str, set[int]] = defaultdict(set)
    for one in notices:
        if one.subject is not None:
            sites[one.site or ""].add(one.subject)
    people = [manner.said(PERSON).format(site=site, subject=", ".join(map(str, sorted(numbers))))
              for site, numbers in sorted(sites.items())]
    return "; ".join([*people, *sorted({f"{one.gateway}" for one in notices if one.subject is None})])
