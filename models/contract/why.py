"""Every revision of an alert says why it exists: one sentence that a caseworker understands, in Korean and in English.

The sentence has the time, the window and the cause. Times are local for a person, and UTC for a gateway.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from models.contract.alerts import Alert, Change, ClearReason, Kind, Likely
from models.contract.effects import AlertRevised, IncidentRevised
from models.errors import ContractError
from models.times import EPOCH_ORDINAL, parse_time
from models.window import AFTERNOON, MORNING, Window
from models.zones import local_time

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LANGUAGES: Final = ("ko", "en")  # the first one is the default


class Words(NamedTuple):
    """A text in each of LANGUAGES."""

    ko: str
    en: str


_WHAT: Final[dict[Kind, Words]] = {
    Kind.SOS: Words("SOS 버튼이 눌렸습니다", "the SOS button was pressed"),
    Kind.FIRE: Words("화재 감지기가 울렸습니다", "the fire detector went off"),
    Kind.GAS: Words("가스 감지기가 울렸습니다", "the gas detector went off"),
    Kind.FALL: Words("낙상이 감지되었습니다", "a fall was detected"),
    Kind.NOT_AWAKE: Words("{window}에 기상이 확인되지 않았습니다", "there was no sign of waking in the {window}"),
    Kind.NO_REPORT: Words("{window}에 보고가 오지 않았습니다", "no report came in the {window}"),
    Kind.INACTIVITY: Words("오랫동안 움직임이 없습니다", "there has been no movement for a long time"),
    Kind.LOW_BATTERY: Words("기기 배터리가 부족합니다", "the battery of the device is low"),
    Kind.MAINS_LOST: Words("기기의 전원이 끊겼습니다", "the device has lost its mains power"),
    Kind.WEAK_SIGNAL: Words("기기의 통신 신호가 약합니다", "the signal of the device is weak"),
    Kind.SENSOR_FAULT: Words("기기의 센서에 이상이 있습니다", "a sensor of the device is faulty"),
    Kind.TEMPERATURE: Words("실내 온도가 정해진 범위를 벗어났습니다", "the room is too warm or too cold"),
    Kind.LONG_OUT: Words("외출한 지 오래되었지만 아직 돌아오지 않았습니다",
                         "the person went out long ago and has not come home"),
    Kind.CLOCK: Words("기기의 시계가 맞지 않습니다", "the clock of the device is wrong"),
    Kind.COUNTER: Words("기기의 메시지 번호가 이전 번호로 되돌아갔습니다",
                        "the device numbers its messages from an earlier number again"),
    Kind.SENSOR_STUCK: Words("활동 센서 값이 변하지 않습니다", "the activity sensor is stuck"),
}

_EVIDENCE: Final[dict[str, Words]] = {
    "late": Words("하루 넘게 늦은 보고", "the report is more than a day old"),
    "remembered alarm": Words("당시 문자가 유실되어 이후 보고로 확인", "its SMS was lost; a later report brought it"),
    "mains lost": Words("전원 끊김", "mains lost"),
    "low battery": Words("배터리 부족", "low battery"),
    "never heard": Words("보고를 받은 적 없음", "no report ever came"),
    "clock": Words("기기 시계 오류", "its clock was wrong"),
    "clock unknown": Words("시계가 설정되지 않음", "its clock is not set"),
    "activity never changes": Words("하루 종일 활동 값이 같음", "its values are the same all day"),
    "asked 1 times, no answer": Words("기기에 1회 물었으나 응답 없음", "the device was asked once and did not answer"),
    "asked 1 times, the device answers": Words("기기에 1회 물었고 기기는 응답함",
                                               "the device was asked once and answers"),
}
_NO_USE: Final[dict[str, Words]] = {
    "late": Words("너무 늦은 보고", "a report came too late"),
    "unknown_device": Words("등록되지 않은 기기의 문자", "an SMS came from a device that is not registered"),
    "bad_epoch": Words("교체된 기기의 문자", "an SMS came with a key that is not registered"),
    "not_authentic": Words("인증되지 않은 문자", "an SMS was not authentic"),
    "bad_type": Words("알 수 없는 형식의 문자", "an SMS had an unknown form"),
    "out_of_range": Words("범위를 벗어난 값의 문자", "an SMS had values out of range"),
}
_NUMBERED: Final[tuple[tuple[re.Pattern[str], Words], ...]] = (
    (re.compile(r"silent for (\d+) windows"), Words("연속 {0}회 보고 없음", "no report in {0} windows in a row")),
    (re.compile(r"asked (\d+) times, no answer"), Words("기기에 {0}회 물었으나 응답 없음",
                                                       "the device was asked {0} times and did not answer")),
    (re.compile(r"asked (\d+) times, the device answers"), Words("기기에 {0}회 물었고 기기는 응답함",
                                                                "the device was asked {0} times and answers")),
    (re.compile(r"counter (\d+) after (\d+)"), Words("{1}번 다음에 {0}번", "number {0} after {1}")),
)
HEARD_LATELY: Final = 36 * 3600  # only so long after a report a sentence may say that no fault is known (rule 14)
_CLOCK: Final = Words("기기 시각 {year}년 {at}", "its clock says {year}, {at}")
_SAID: Final = {Kind.MAINS_LOST: "mains lost", Kind.LOW_BATTERY: "low battery"}  # evidence that only repeats the kind
_MEASURED: Final = {"battery": "배터리", "signal": "통신 신호", "faults": "센서 오류 코드", "temperature": "실내 온도"}

_CHANGE: Final[dict[Change, Words]] = {
    Change.OPENED: Words("{opened}, {what}{cause}.", "{opened}: {what}{cause}."),
    Change.HELD: Words("{opened}, {what}{cause}. 같은 수신소에서 여러 분의 보고가 함께 오지 않아 알림을 보류합니다.",
                       "{opened}: {what}{cause}. The alert is held back, because many people of the same gateway are "
                       "silent at once."),
    Change.RELEASED: Words("{what}{cause}. {now}까지도 안부가 확인되지 않아 보류했던 알림을 보냅니다.",
                           "{now}: {what}{cause}. There is still no sign that the person is up, so the alert is no "
                           "longer held back."),
    Change.REOPENED: Words("{now}, {what}{cause}. 알림이 종료된 지 30분 안에 다시 발생했습니다.",
                           "{now}: {what}{cause}. The alert was closed less than 30 minutes before."),
    Change.REPEATED: Words("{now}, {what}{cause}. 이미 대응 중인 알림이지만 다시 신호가 왔으니 한 번 더 살펴 주세요.",
                           "{now}: {what} again{cause}. The alert was acknowledged before, so please check on the "
                           "person once more."),
    Change.RAISED: Words("{what}{cause}. {opened}부터 이어져 {now}에 위급으로 격상합니다.",
                         "{now}: {what}{cause}. The alert has been open since {opened}, so it is critical now."),
    Change.ESCALATED: Words("{what}{cause}. {opened} 이후 아무도 대응하지 않아 {now}에 {to}에게 알립니다.",
                            "{now}: {what}{cause}. No caseworker has acknowledged the alert since {opened}, so {to} is "
                            "notified."),
    Change.REMINDED: Words("{what}{cause}. {opened}부터 이어지고 있으나 대응하는 복지사가 없어 {now}에 다시 알립니다.",
                           "{now}: {what}{cause}. The alert has been open since {opened}, and no caseworker has it. "
                           "This is a reminder."),
    Change.UNACKNOWLEDGED: Words("{what}{cause}. {now}에 {by} 님이 대응을 취소하여 지금 대응하는 복지사가 없습니다.",
                                 "{now}: {by} has taken back the acknowledgement: {what}{cause}. No caseworker has the "
                                 "alert now."),
    Change.ACKNOWLEDGED: Words("{what}{cause}. {now}에 {by} 님이 대응을 시작했습니다.",
                               "{now}: {by} has acknowledged the alert: {what}{cause}."),
    Change.ASSIGNED: Words("{what}{cause}. {now}에 {by} 님이 {assignee} 님을 담당자로 지정했습니다.",
                           "{now}: {by} has assigned the alert to {assignee}: {what}{cause}."),
    Change.COMMENTED: Words("{what}{cause}. {now}에 {by} 님이 메모를 남겼습니다.",
                            "{now}: {by} has left a comment: {what}{cause}."),
}

_REMINDED_IN_HAND: Final = Words("{what}{cause}. 대응 중이지만 {opened}부터 아직 종료되지 않아 {now}에 다시 알립니다.",
                                 "{now}: {what}{cause}. A caseworker has acknowledged the alert, but it has been open "
                                 "since {opened}. This is a reminder.")
_REOPENED_BY: Final = Words("{what}{cause}. {now}에 {by} 님이 알림을 다시 열었습니다.",
                            "{now}: {by} has reopened the alert: {what}{cause}.")
_ABSENCE_OVER: Final = Words("{what}{cause}. {now}에 부재 등록이 취소되어 알림을 다시 엽니다.",
                             "{now}: {what}{cause}. The absence is no longer registered, so the alert is open again.")

_CLEARED: Final[dict[ClearReason, Words]] = {
    ClearReason.AWAKE_LATER: Words("{what}{cause}. 그 뒤 기상하거나 외출한 것을 {now}에 확인하여 종료합니다.",
                                   "{now}: the alert is closed, because a later report shows that the person woke up "
                                   "or went out. At {opened}: {what}{cause}."),
    ClearReason.LATE_REPORT: Words("{what}{cause}. 그 시간대의 보고가 {now}에 늦게 도착하여 종료합니다.",
                                   "{now}: the alert is closed, because the report for that time came late. "
                                   "At {opened}: {what}{cause}."),
    ClearReason.RECOVERED: Words("{what}{cause}. {now}에 정상으로 돌아와 종료합니다.",
                                 "{now}: the alert is closed, because all is normal again. "
                                 "At {opened}: {what}{cause}."),
    ClearReason.RESOLVED: Words("{what}{cause}. {now}에 {by} 님이 처리를 마쳤습니다.",
                                "{now}: {by} has resolved the alert. At {opened}: {what}{cause}."),
    ClearReason.EXCUSED: Words("{what}{cause}. {now}에 부재가 등록되어 종료합니다.",
                               "{now}: the alert is closed, because an absence was registered. "
                               "At {opened}: {what}{cause}."),
    ClearReason.RETIRED: Words("{what}{cause}. {now}에 관리 대상에서 제외되어 종료합니다.",
                               "{now}: the alert is closed, because the person is no longer watched. "
                               "At {opened}: {what}{cause}."),
}

_RECOVERED: Final[dict[Kind, Words]] = {
    Kind.INACTIVITY: Words("{what}{cause}. {now}에 움직임이 확인되어 종료합니다.",
                           "{now}: the alert is closed, because the person has moved. At {opened}: {what}{cause}."),
    Kind.LONG_OUT: Words("{what}{cause}. {now}에 귀가한 것이 확인되어 종료합니다.",
                         "{now}: the alert is closed, because the person is home again. At {opened}: {what}{cause}."),
}

_OUTAGE: Final[dict[tuple[Change, bool], Words]] = {
    (Change.OPENED, True): Words("{now}, {gateway} 수신소에서 {deadline} 마감까지 한 시간 동안 {people}명 중 "
                                 "{silent}명의 보고가 오지 않았습니다.{quiet} 수신소 장애로 보입니다.",
                                 "{now}: {silent} of {people} people of gateway {gateway} were silent in the hour up "
                                 "to {deadline}.{quiet} This looks like an outage."),
    (Change.OPENED, False): Words("{now}, {gateway} 수신소가 {last}부터 응답하지 않습니다. "
                                  "문자가 들어오지 않을 수 있습니다.",
                                  "{now}: gateway {gateway} has been silent since {last}. SMS may not arrive."),
    (Change.CLEARED, True): Words("{now}, {gateway} 수신소의 장애({deadline} 마감)가 끝났습니다.",
                                  "{now}: the outage of gateway {gateway} (deadline {deadline}) is over."),
    (Change.CLEARED, False): Words("{now}, {gateway} 수신소의 장애({last}부터 무응답)가 끝났습니다.",
                                   "{now}: the outage of gateway {gateway}, silent since {last}, is over."),
}
_QUIET: Final = Words(" {at} UTC부터 문자가 한 통도 들어오지 않았습니다.", " No SMS has come in since {at} UTC.")
_OUTAGE_COMMANDED: Final[dict[Change, Words]] = {
    Change.ACKNOWLEDGED: Words("{now}에 {by} 님이 {gateway} 수신소 장애에 대응을 시작했습니다.",
                               "{now}: {by} has acknowledged the outage of gateway {gateway}."),
    Change.ASSIGNED: Words("{now}에 {by} 님이 {gateway} 수신소 장애의 담당자로 {assignee} 님을 지정했습니다.",
                           "{now}: {by} has assigned the outage of gateway {gateway} to {assignee}."),
    Change.COMMENTED: Words("{now}에 {by} 님이 {gateway} 수신소 장애에 메모를 남겼습니다.",
                            "{now}: {by} has left a comment on the outage of gateway {gateway}."),
}


def _moment(at: datetime) -> Words:
    return Words(f"{at.month}월 {at.day}일 {at:%H:%M}", f"{at.day} {_MONTHS[at.month - 1]} {at:%H:%M}")


_HALVES: Final = {MORNING: Words("오전", "morning"), AFTERNOON: Words("오후", "afternoon")}


def _window(window: int | None) -> Words:
    if window is None:
        return Words("", "")
    day = datetime.fromordinal(EPOCH_ORDINAL + Window(window).day)
    half = _HALVES[Window(window).half]
    return Words(f"{day.month}월 {day.day}일 {half.ko}", f"{half.en} of {day.day} {_MONTHS[day.month - 1]}")


def _cause(alert: Alert, tz: str) -> Words:
    # The id of an incident says nothing to a caseworker.
    known = [_evidence(one, tz) for one in alert.evidence
             if one != _SAID.get(alert.kind) and not one.startswith(f"{Kind.GATEWAY_OUTAGE}:")]
    if alert.kind is Kind.NO_REPORT:
        return _of_silence(alert, known, tz)
    return Words(f"({_listed(known).ko})", f" ({_listed(known).en})") if known else Words("", "")


def _listed(words: list[Words]) -> Words:
    return Words(", ".join(one.ko for one in words), ", ".join(one.en for one in words))


def _of_silence(alert: Alert, known: list[Words], tz: str) -> Words:
    """The cause of a `no_report`, and when the person was last heard."""
    heard = alert.last_heard_at
    if heard is not None:
        at = _moment(local_time(tz, heard))
        known = [*known, Words(f"마지막 보고 {at.ko}", f"the last report came at {at.en}")]
    if alert.likely is Likely.GATEWAY:
        known = [Words("수신소 장애로 추정", "probably an outage of the gateway"), *known]
    elif alert.likely is Likely.DEVICE:
        known = [Words("기기 이상으로 추정", "probably the device"), *known]
    elif not alert.evidence and heard is not None and alert.opened_at - heard <= HEARD_LATELY:
        known = [Words("기기와 수신소에서 확인된 이상 없음", "no fault of the device or the gateway is known"), *known]
    return Words(f"({_listed(known).ko})", f" ({_listed(known).en})") if known else Words("", "")


def _evidence(one: str, tz: str) -> Words:
    """Return a piece of evidence in words: a fixed one, or with numbers, such as `battery 12 %`."""
    measured, _, value = one.partition(" ")
    if measured == "unusable":
        return _NO_USE.get(value, Words(value, value))
    if one in _EVIDENCE:
        return _EVIDENCE[one]
    if measured == "clock":
        return _clock(value, tz)
    for pattern, words in _NUMBERED:
        if match := pattern.fullmatch(one):
            return Words(words.ko.format(*match.groups()), words.en.format(*match.groups()))
    return Words(f"{_MEASURED.get(measured, measured)} {value}".rstrip(), one)


def _clock(text: str, tz: str) -> Words:
    """The time that a wrong clock shows, RFC 3339, in words."""
    try:
        local = local_time(tz, parse_time(text, "clock"))
    except ContractError:
        return Words(text, text)
    at = _moment(local)
    return Words(_CLOCK.ko.format(year=local.year, at=at.ko), _CLOCK.en.format(year=local.year, at=at.en))


def _sentences(words: Words, ko: Mapping[str, str], en: Mapping[str, str]) -> dict[str, str]:
    return {"ko": words.ko.format_map(ko), "en": words.en.format_map(en)}


def _words(effect: AlertRevised) -> Words:
    if effect.reason is not None:
        recovered = _RECOVERED.get(effect.alert.kind) if effect.reason is ClearReason.RECOVERED else None
        return recovered or _CLEARED[effect.reason]
    if effect.change is Change.REMINDED and effect.alert.acknowledged_by is not None:
        return _REMINDED_IN_HAND
    if effect.change is Change.REOPENED and effect.by is not None:
        return _REOPENED_BY
    if effect.change is Change.REOPENED and effect.alert.window is not None:
        return _ABSENCE_OVER
    return _CHANGE[effect.change]


def why(effect: AlertRevised) -> dict[str, str]:
    """The sentence of one revision, by language."""
    alert = effect.alert
    window, cause, words = _window(alert.window), _cause(alert, effect.tz), _words(effect)
    opened, now = _moment(local_time(effect.tz, alert.opened_at)), _moment(local_time(effect.tz, effect.at))
    what = _WHAT[alert.kind]
    people = {"by": effect.by or "", "to": effect.escalated_to or "", "assignee": alert.assignee or ""}
    return _sentences(
        words,
        {"what": what.ko.format(window=window.ko), "cause": cause.ko, "opened": opened.ko, "now": now.ko, **people},
        {"what": what.en.format(window=window.en), "cause": cause.en, "opened": opened.en, "now": now.en, **people})


def why_outage(effect: IncidentRevised) -> dict[str, str]:
    """The sentence of an incident, by language; its times are UTC."""
    incident, by = effect.incident, effect.command.by if effect.command is not None else ""
    now, deadline, last = (_moment(local_time("UTC", at or 0))
                           for at in (effect.at, incident.deadline, incident.last_tick))
    silent, due = incident.counts
    counts = {"gateway": incident.gateway, "people": str(due), "silent": str(silent),
              "by": by, "assignee": incident.assignee or ""}
    quiet = Words("", "")
    if incident.quiet_since is not None:
        since = _moment(local_time("UTC", incident.quiet_since))
        quiet = Words(_QUIET.ko.format(at=since.ko), _QUIET.en.format(at=since.en))
    return _sentences(
        _OUTAGE_COMMANDED.get(effect.change) or _OUTAGE[effect.change, incident.deadline is not None],
        {"now": f"{now.ko} UTC", "deadline": f"{deadline.ko} UTC", "last": f"{last.ko} UTC", "quiet": quiet.ko,
         **counts},
        {"now": f"{now.en} UTC", "deadline": f"{deadline.en} UTC", "last": f"{last.en} UTC", "quiet": quiet.en,
         **counts})
