"""The fleet is believable, the same for everybody with the same seed, and its network as bad as it says."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from models.contract.registry import parse_profile
from models.profile import Profile
from models.report import StatusReport
from models.wire.frame import SEND_SLOT, find_frame, open_frame, read_header
from models.wire.keys import KeyRing, parse_keks
from models.wire.payload import decode
from simulator.fleet import SCENARIOS, Fleet
from simulator.homes import EMERGENCY_KINDS, HomeCourse

DAY_S = 86_400
SEEDS = [1, 2, 3, 11, 1_000_003]


def octets(fleet: Fleet) -> bytes:
    parts = [fleet.registry(), fleet.keks(), fleet.people(), fleet.commands(), list(fleet.truth().lines()),
             [one._replace(sent=None)._asdict() for one in fleet.deliveries()]]
    return orjson.dumps(parts)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_same_seed_gives_the_same_octets(scenario: str) -> None:
    first, second = Fleet(50, 2, seed=5, scenario=scenario), Fleet(50, 2, seed=5, scenario=scenario)
    second.truth()  # in which order one asks makes no difference
    assert octets(first) == octets(second)
    assert octets(Fleet(50, 2, seed=6, scenario=scenario)) != octets(first)


def test_the_same_seed_gives_the_same_octets_in_another_process(tmp_path: Path) -> None:
    written = []
    for number in ("0", "1"):
        path = tmp_path / number
        subprocess.run([Path(sys.executable).with_name("anbu"), "simulate", "--subjects", "20", "--seed", "9",
                        "--to", f"file:{path}", "--truth", f"{path}.truth", "--kek", f"{path}.kek"],
                       check=True, env={"PYTHONHASHSEED": number}, capture_output=True)
        written.append([path.with_name(number + end).read_bytes() for end in ("", ".truth", ".kek")])
    assert written[0] == written[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_network_loses_and_delays_by_its_quotas(seed: int) -> None:
    fleet = Fleet(400, 2, seed=seed)
    truth = fleet.truth()
    sent = len(truth.sms)
    lost = sum(not one.arrived_at for one in truth.sms)
    doubled = sum(len(one.arrived_at) == 2 for one in truth.sms)
    late = sum(one.deadline_at is not None and bool(one.arrived_at) and one.arrived_at[0] > one.deadline_at
               for one in truth.sms)
    overtaken = 0
    latest = 0
    for one in fleet.deliveries():
        if one.sent is not None:
            overtaken += one.sent.at < latest - 60
            latest = max(latest, one.sent.at)
    assert sent > 1600
    assert 0.02 <= lost / sent < 0.05
    assert 0.05 <= doubled / sent < 0.1
    assert 0.05 <= late / sent < 0.1
    assert overtaken / sent >= 0.05
    foreign = [one.text for one in fleet.deliveries() if one.sent is None]
    assert len(foreign) >= 10
    assert {isinstance(find_frame(text, None), bytes) for text in foreign} == {True, False}


@pytest.mark.parametrize("seed", SEEDS)
def test_two_days_of_400_people_have_every_kind_of_event(seed: int) -> None:
    fleet = Fleet(400, 2, seed=seed)
    truth = fleet.truth()
    courses = Counter(one.course for one in truth.windows)
    assert sum(courses.values()) == 1600
    assert courses["silent"] >= 16
    assert courses["awake"] > 1300
    assert min(courses["out"], courses["not_awake"], courses["excused"]) >= 8
    dues = Counter(due.kind for due in truth.dues)
    assert set(dues) == {*EMERGENCY_KINDS, "no_report", "not_awake", "inactivity", "low_battery", "mains_lost",
                         "weak_signal", "temperature"}
    assert {one.kind for one in truth.emergencies} == set(EMERGENCY_KINDS)
    assert {home.excused_by_command for home in fleet.homes if home.excused} == {True, False}
    early = [one.deadline_at - one.sent_at for one in truth.sms if one.deadline_at]
    assert max(early) > 4 * 3600, "somebody is up before the window opens"
    assert any(0 < one < 15 * 60 for one in early), "and somebody in the grace"


@pytest.mark.parametrize(("subjects", "days"), [(1, 1), (3, 1), (12, 9)])
def test_small_fleets_have_alerts_too(subjects: int, days: int) -> None:
    fleet = Fleet(subjects, days)
    assert len(fleet.registry()) == len(fleet.people()) == subjects
    assert fleet.truth().dues


def test_in_the_storm_scenario_all_people_report_at_once() -> None:
    fleet = Fleet(200, 1, seed=3, scenario="storm")
    mornings = Counter(one.sent_at // 120 for one in fleet.truth().sms)
    assert mornings.most_common(1)[0][1] > 150


def test_in_the_outage_scenario_no_sms_arrives_for_a_morning() -> None:
    fleet = Fleet(200, 1, seed=3, scenario="outage")
    arrivals = [one.at - fleet.begin for one in fleet.deliveries()]
    assert not [at for at in arrivals if 390 * 60 <= at < 600 * 60]
    assert arrivals.count(605 * 60) > 100
    assert next(due for due in fleet.truth().dues if due.kind == "gateway_outage").subject == "seoul-1"


def reports(fleet: Fleet) -> dict[int, list[StatusReport]]:
    """What each home unit sent and the network brought, opened with the keys of the registry, by counter."""
    ring = KeyRing(parse_keks(orjson.dumps(fleet.keks())))
    profiles = {profile.subject: profile for profile in map(parse_profile, fleet.registry())}
    found: dict[int, dict[int, StatusReport]] = {subject: {} for subject in profiles}
    for one in fleet.deliveries():
        if one.sent is None:
            continue
        frame = find_frame(one.text, None)
        assert isinstance(frame, bytes)
        header = read_header(frame)
        plaintext = open_frame(cipher_of(ring, profiles[header.subject]), header, frame, 1)
        assert plaintext is not None
        report = decode(plaintext, {})
        assert isinstance(report, StatusReport)
        assert (header.subject, header.counter) == (one.sent.subject, one.sent.counter)
        found[header.subject][header.counter] = report
    return {subject: [one for _, one in sorted(by_counter.items())] for subject, by_counter in found.items()}


def cipher_of(ring: KeyRing, profile: Profile) -> AESCCM:
    home_unit = next(device for device in profile.devices if device.slot == 0)
    cipher = ring.cipher(profile.subject, home_unit)
    assert cipher is not None
    return cipher


def test_devices_behave_as_the_wire_format_says() -> None:
    fleet = Fleet(150, 3, seed=4)
    homes = {home.subject: home for home in fleet.homes}
    remembered: Counter[str] = Counter()
    for subject, sent in reports(fleet).items():
        assert [one.device_time for one in sent] == sorted(one.device_time or 0 for one in sent)
        said: dict[int, int] = {}
        for one in sent:
            assert not one.out_of_range
            assert one.device_time is not None
            assert one.idle_min is not None
            if one.window is not None:
                said[one.window] = 2 if not one.flags & 3 else one.flags & 1 or 3
                for back, code in enumerate(one.previous, start=1):
                    if one.window - back in said:
                        assert code == said[one.window - back], "each report repeats the windows before"
            if one.flags & 1:
                assert one.idle_min < 15
            if one.alarm:
                kind = EMERGENCY_KINDS[one.alarm - 1]
                assert kind == homes[subject].emergencies[0].kind
                told = one.device_time - one.alarm_age_min * 60
                day, minute = homes[subject].emergencies[0].day, homes[subject].emergencies[0].minute
                assert abs(told - fleet.begin - day * DAY_S - minute * 60) < 60
                remembered["flag" if one.flags & 0b111100 else "memory"] += 1
    assert remembered["memory"] > remembered["flag"] > 0


def test_a_day_has_more_activity_than_its_night() -> None:
    fleet = Fleet(40, 2, seed=4)
    evening = [one for sent in reports(fleet).values() for one in sent
               if one.flags & 1 and one.device_time is not None and (one.device_time - fleet.begin) % DAY_S > 20 * 3600
               and (one.first_activity_min or 0) >= 300]
    assert evening
    for one in evening:
        assert sum(one.activity[-8:]) > 0
        assert sum(one.activity[-19:-16]) == 0, "asleep between one and five"


def test_the_slot_of_anbu_send_has_a_key_of_its_own() -> None:
    for profile in map(parse_profile, Fleet(5).registry()):
        assert {device.slot for device in profile.devices} == {0, SEND_SLOT}
        assert len({device.key for device in profile.devices}) == 2


def test_a_planned_absence_is_in_the_registry_or_in_a_command() -> None:
    fleet = Fleet(200, 3, seed=8)
    told = {document["subject"] for document in fleet.registry() if document["excused"]}
    asked = {command["subject"] for command in fleet.commands()}
    assert told
    assert asked
    assert told.isdisjoint(asked)
    assert told | asked == {one.subject for one in fleet.truth().windows if one.course == HomeCourse.EXCUSED}
    assert [command["at"] for command in fleet.commands()] == sorted(command["at"] for command in fleet.commands())


def test_no_sms_arrives_in_the_second_of_a_deadline() -> None:
    deadlines = {one.deadline_at for one in Fleet(400, 1).truth().windows}
    assert deadlines.isdisjoint(one.at for seed in SEEDS for one in Fleet(400, 1, seed=seed).deliveries())
