"""In the closed loop a question finds its answer, and nothing but an answer differs from the days without questions."""

from collections import Counter
from functools import cache

from cli.prove import FoldedCore
from models.contract.documents import Output
from models.json_object import JsonObject
from models.times import parse_time
from models.window import Window
from simulator.comparison import ASKING, JUDGED, NAIVE, Days, compare
from simulator.fleet import START, Fleet
from simulator.network import Sent
from simulator.world import JudgedRecord, Lived, World
from streams.topics import ASKS

ASK_MIN = (0, 15, 26)


def days_of(network: str = "demo", firmware: str = "listening") -> Fleet:
    return Fleet(40, 4, START, 1, network=network, firmware=firmware)


@cache
def lived(ask_min: tuple[int, ...] = (), firmware: str = "listening") -> Lived:
    fleet = days_of(firmware=firmware)
    return World(fleet, FoldedCore(fleet), ask_min).live()


def answers(of: Lived) -> list[Sent]:
    return [sms for sms in of.sent if "answer" in sms.name]


def alarms(of: Lived) -> list[JsonObject]:
    return [alert["data"] for alert in of.alerts if alert["data"]["window"] and alert["data"]["change"] == "opened"]


def test_without_questions_the_loop_is_the_fleets_days() -> None:
    fleet = days_of()
    planned = [(one.at, one.id) for one in fleet.deliveries()]
    found = [(one.at, one.id) for one in lived().deliveries]
    assert lived().questions == []
    assert len(planned) > 250
    assert set(planned) <= set(found)
    assert len(found) - len(planned) <= 2 * len(fleet.homes), "each device has reported at its installation"


def test_questions_change_nothing_but_answers() -> None:
    silent, asking = lived(), lived(ASK_MIN)
    heard = [(one.at, one.id) for one in asking.deliveries if one.sent is None or "answer" not in one.sent.name]
    assert heard == [(one.at, one.id) for one in silent.deliveries if one.sent is None or "answer" not in one.sent.name]
    assert len(answers(asking)) > 20
    assert answers(silent) == []


def test_a_question_is_answered_in_its_window() -> None:
    asked = Counter((one["subject"], one["window"]) for one in lived(ASK_MIN).questions)
    assert max(asked.values()) == len(ASK_MIN)
    calendar = days_of().calendar
    for one in lived(ASK_MIN).questions:
        assert calendar.close(Window.parse(one["window"])) <= parse_time(one["at"], "at") < parse_time(
            one["until"], "until")
    for sms in answers(lived(ASK_MIN)):
        assert sms.deadline is not None
        assert sms.at <= sms.deadline + 10
        assert (sms.subject, str(Window(int(sms.name.split("/")[2])))) in asked


def test_asking_spares_false_alarms() -> None:
    assert len(alarms(lived(ASK_MIN))) < 0.6 * len(alarms(lived()))
    known = {alert["alert"] for alert in alarms(lived())}
    assert {alert["alert"] for alert in alarms(lived(ASK_MIN))} <= known


def test_devices_that_do_not_listen_are_not_asked() -> None:
    assert lived(ASK_MIN, "deaf") == lived((), "deaf")


def test_a_question_to_another_number_is_not_heard() -> None:
    fleet = days_of()
    core = FoldedCore(fleet)

    def misled(topic: str, key: bytes | None, value: bytes) -> list[JudgedRecord]:
        return [output if output.topic != ASKS or output.value is None else Output(
            ASKS, key, output.value.replace(b'"to":"+8212', b'"to":"+8299')) for output in core(topic, key, value)]

    found = World(fleet, misled, ASK_MIN).live()
    assert found.questions
    assert answers(found) == []


def test_the_rules_on_the_same_days() -> None:
    """The judgement misses nobody, and is less often wrong than the naive rule."""
    days = Days(40, 4, "listening", ASK_MIN)
    for network, least in (("demo", 0.9), ("modern", 1.0)):
        found = compare(days, network, 1, FoldedCore)
        assert [figures.missed + figures.missed_emergencies for figures in found.values()] == [0] * 4
        assert found[NAIVE].longest_wait_s == 0
        assert found[JUDGED].longest_wait_s == found[ASKING].longest_wait_s == 1800
        assert found[ASKING].false < found[JUDGED].false < found[NAIVE].false
        assert (found[ASKING].fewer_than(found[NAIVE]) or 0) >= least
        assert found[JUDGED].questions == 0 < found[ASKING].questions
        assert len({figures.true for figures in found.values()}) == 1


def test_without_moments_no_device_is_asked() -> None:
    found = compare(Days(40, 4, "listening", ()), "demo", 1, FoldedCore)
    assert found[ASKING] == found[JUDGED]
