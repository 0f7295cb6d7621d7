"""A message says in short what happened, why, what to do, and where to look, in Korean or English.

A message names the person only by number and centre. Other personal data (names of caseworkers, their comments) are in
a message only if the routes say so. Otherwise a change that would name a caseworker has a sentence without names.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from models.contract.alerts import Change, ClearReason, Kind, Likely, Severity
from models.contract.why import Words
from models.notifications.notice import Notice

SOMEBODY: Final = "somebody"  # in place of a name

_KINDS: Final[dict[str, Words]] = {
    Kind.SOS: Words("SOS 호출", "SOS"),
    Kind.FIRE: Words("화재", "Fire"),
    Kind.GAS: Words("가스 누출", "Gas"),
    Kind.FALL: Words("낙상", "Fall"),
    Kind.NOT_AWAKE: Words("기상 미확인", "No sign of waking"),
    Kind.NO_REPORT: Words("보고 없음", "No report"),
    Kind.INACTIVITY: Words("움직임 없음", "No activity"),
    Kind.LOW_BATTERY: Words("배터리 부족", "Low battery"),
    Kind.MAINS_LOST: Words("전원 끊김", "Mains lost"),
    Kind.WEAK_SIGNAL: Words("신호 약함", "Weak signal"),
    Kind.SENSOR_FAULT: Words("센서 이상", "Sensor fault"),
    Kind.TEMPERATURE: Words("실내 온도 이상", "Room temperature"),
    Kind.GATEWAY_OUTAGE: Words("수신소 장애", "Gateway outage"),
    Kind.LONG_OUT: Words("외출 후 미귀가", "Not home yet"),
    Kind.CLOCK: Words("기기 시계 오류", "Wrong clock"),
    Kind.COUNTER: Words("메시지 번호 되돌아감", "Counter fell back"),
    Kind.SENSOR_STUCK: Words("활동 센서 고착", "Sensor stuck"),
}
_SEVERITIES: Final[dict[str, Words]] = {
    Severity.CRITICAL: Words("위급", "CRITICAL"),
    Severity.WARNING: Words("주의", "Warning"),
    Severity.MAINTENANCE: Words("점검", "Maintenance"),
}
_MARKS: Final[dict[str, Words]] = {  # in place of the severity: nothing has to be done any more
    Change.CLEARED: Words("종료", "Closed"),
    Change.ACKNOWLEDGED: Words("대응 중", "Acknowledged"),
    Change.ASSIGNED: Words("담당자 지정", "Assigned"),
    Change.COMMENTED: Words("메모", "Comment"),
}
_NAMELESS: Final[dict[str, Words]] = {
    Change.ACKNOWLEDGED: Words("복지사가 대응을 시작했습니다.", "A caseworker has acknowledged the alert."),
    Change.ASSIGNED: Words("담당자가 지정되었습니다.", "The alert has been assigned to a caseworker."),
    Change.COMMENTED: Words("복지사가 메모를 남겼습니다.", "A caseworker has left a comment."),
    Change.CLEARED: Words("복지사가 처리를 마쳤습니다.", "A caseworker has resolved the alert."),
    Change.UNACKNOWLEDGED: Words("대응 시작이 취소되어 지금 대응하는 복지사가 없습니다.",
                                 "The acknowledgement was taken back. No caseworker has the alert now."),
    Change.REOPENED: Words("복지사가 알림을 다시 열었습니다.", "A caseworker has reopened the alert."),
}
_CALL: Final = Words("바로 전화하고, 받지 않으면 방문하거나 119에 신고하세요.",
                     "Call now. If the person does not answer, go there or call 119.")
_FIRE_BRIGADE: Final = Words("바로 119에 신고하고 전화로 대피를 도우세요.",
                             "Call 119 now. Then call the person, and help them to get out.")
_ASK: Final = Words("전화로 안부를 확인하고, 받지 않으면 방문하세요.",
                    "Call the person. If there is no answer, go there.")
_ASK_AND_LOOK: Final = Words("전화로 안부를 확인하고, 기기의 전원과 배터리도 살펴 주세요.",
                             "Call the person, and have the power and the battery of the device checked.")
_TO_DO: Final[dict[str, Words]] = {
    Kind.SOS: _CALL,
    Kind.FALL: _CALL,
    Kind.FIRE: _FIRE_BRIGADE,
    Kind.GAS: _FIRE_BRIGADE,
    Kind.NOT_AWAKE: _ASK,
    Kind.NO_REPORT: _ASK,
    Kind.INACTIVITY: _ASK,
    Kind.LOW_BATTERY: Words("배터리를 충전하거나 교체해 주세요.", "Have the battery charged or replaced."),
    Kind.MAINS_LOST: Words("전원 플러그와 차단기를 확인해 주세요.", "Have the plug and the fuse checked."),
    Kind.WEAK_SIGNAL: Words("다음 방문 때 기기 위치를 옮겨 보세요.",
                            "On the next visit, try another place for the device."),
    Kind.SENSOR_FAULT: Words("센서 점검을 예약해 주세요.", "Have the sensor checked."),
    Kind.TEMPERATURE: Words("전화로 냉난방을 확인해 주세요.", "Call the person about heating or cooling."),
    Kind.LONG_OUT: Words("전화로 안부를 확인하고, 받지 않으면 가족이나 이웃에게 물어보세요.",
                         "Call the person. If there is no answer, ask the family or the neighbours."),
    Kind.CLOCK: Words("다음 방문 때 기기를 껐다가 켜 보고, 그래도 같으면 교체해 주세요.",
                      "On the next visit, turn the device off and on. If that does not help, replace it."),
    Kind.COUNTER: Words("기기가 초기화된 것 같으니 기기를 교체해 주세요.",
                        "The device has lost its memory. Have it replaced."),
    Kind.SENSOR_STUCK: Words("활동 센서를 믿을 수 없으니 전화로 안부를 확인하고 센서 점검을 예약해 주세요.",
                             "The activity sensor cannot be relied on. Call the person, and have the sensor checked."),
    Kind.GATEWAY_OUTAGE: Words("복구될 때까지 직접 안부를 확인하고, 시스템 담당자에게 연락하세요.",
                               "Until the outage ends, check on people yourself, and call the system operator."),
}
_FINISH: Final = Words("처리가 끝났으면 알림을 종료하고, 아니면 메모를 남겨 주세요.",
                       "Close the alert if all is well. Otherwise leave a comment.")
ANBU: Final = Words("안부", "Anbu")
PERSON: Final = Words("{site} {subject}번", "{site}, no. {subject}")
FALLBACK: Final = Words("'{to}'에 대한 알림 경로가 없어 기본 채널로 알립니다.",
                         "No route names '{to}', so the message goes to the default channel.")
AGAIN: Final = Words("(이미 받으셨을 수 있습니다)", "(You may have received this before.)")


class Message(NamedTuple):
    """One message as a channel sends it.

    id: the same for every attempt, so that a receiver can recognize repeats.
    title: one line.
    lines: the text after the title, a sentence each.
    link: the page; None: there is none.
    event: the CloudEvent, with personal data only if the channel may have it. A message of many alerts
    (models/notifications/digest.py) has an empty one, since no program gets such a message.
    """

    id: str
    severity: str
    title: str
    lines: tuple[str, ...]
    link: str | None
    event: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The whole message, for an SMS."""
        return "\n".join([self.title, " ".join(self.lines), *([self.link] if self.link else [])])


class Manner(NamedTuple):
    """How messages to a channel are written.

    language: `ko` or `en`.
    personal: messages may have names of caseworkers and their comments.
    public_url: the address of the page, for links; None: no links.
    """

    language: str = "ko"
    personal: bool = False
    public_url: str | None = None

    def said(self, words: Words) -> str:
        return words.en if self.language == "en" else words.ko


def message_of(notice: Notice, delivery: str, manner: Manner, *, fallback: bool = False,
               again: bool = False) -> Message:
    """The message of one delivery.

    delivery: the id of the delivery.
    fallback: see `Chosen` in `routes`.
    again: whether an attempt before may have succeeded; its outcome is unknown.
    """
    said = manner.said
    nameless = _nameless(notice.event["data"])
    who = (f"{notice.gateway}" if notice.subject is None
           else said(PERSON).format(site=notice.site, subject=notice.subject))
    lines = [_sentence(notice, manner.language) if nameless is None or manner.personal else said(nameless)]
    text = notice.event["data"].get("text")
    if manner.personal and isinstance(text, str) and text:
        lines.append(f"“{text}”")
    if (to_do := to_do_of(notice)) is not None:
        lines.append(said(to_do))
    if fallback:
        lines.append(said(FALLBACK).format(to=notice.escalated_to))
    if again:
        lines.append(said(AGAIN))
    link = None if manner.public_url is None else f"{manner.public_url}/alerts/{quote(notice.alert, safe=':')}"
    title = f"[{said(ANBU)} {said(mark_of(notice))}] {who}: {said(kind_of(notice))}"
    return Message(delivery, notice.severity, title, tuple(lines), link,
                   notice.event if manner.personal else without_names(notice.event))


def mark_of(notice: Notice) -> Words:
    """The severity, or the mark of a change after which nothing has to be done any more."""
    return _MARKS.get(notice.change) or _SEVERITIES.get(notice.severity) or Words(notice.severity, notice.severity)


def kind_of(notice: Notice) -> Words:
    return _KINDS.get(notice.kind) or Words(notice.kind, notice.kind)


def to_do_of(notice: Notice) -> Words | None:
    if notice.change in _MARKS or notice.kind not in _TO_DO:
        return None
    if notice.change == Change.REMINDED and notice.acknowledged:
        return _FINISH
    device = notice.likely == Likely.DEVICE and _TO_DO[notice.kind] is _ASK
    return _ASK_AND_LOOK if device else _TO_DO[notice.kind]


def _sentence(notice: Notice, language: str) -> str:
    return notice.why.get(language) or next(iter(notice.why.values()), "")


def _nameless(data: Mapping[str, Any]) -> Words | None:
    """The sentence in place of a sentence that names a caseworker; None: the sentence of the revision names none."""
    change = data.get("change")
    if change == Change.CLEARED and data.get("reason") != ClearReason.RESOLVED:
        return None
    if change == Change.REOPENED and data.get("by") is None:
        return None
    return _NAMELESS.get(f"{change}")


def without_names(event: Mapping[str, Any]) -> dict[str, Any]:
    """The same event without the names of caseworkers, and without their comments and findings."""
    data = dict(event["data"])
    for name in ("acknowledged_by", "assignee", "by"):
        if data.get(name) is not None:
            data[name] = SOMEBODY
    data["text"] = None
    if data.get("outcome") is not None:
        data["outcome"] = None
    if (nameless := _nameless(data)) is not None:
        data["why"] = nameless._asdict()
    return {**event, "data": data}
