"""`anbu replay` answers every line that is JSON, however odd, and says of others which line it is."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from support.commands import Anbu
from support.compare import differences
from support.vectors import KEK_FILE, SCENARIOS, VECTORS, read_lines


def replayed(anbu: Anbu, tmp_path: Path, *lines: str) -> list[dict[str, object]]:
    path = tmp_path / "day.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    done = anbu("replay", path)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def answer(line: dict[str, object]) -> tuple[object, object, object]:
    value = line["value"]
    assert isinstance(value, dict)
    return line["topic"], line["key"], value["reason"]


@pytest.mark.parametrize(("value", "reason"), [
    (r'{"received_at": "2026-11-24T00:00:00Z", "text": "\ud800"}', "malformed"),
    ('{"received_at": "2026-11-24T00:00:00Z", "text": NaN}', "malformed"),
    ('{"received_at": "2026-11-24T00:00:00Z", "text": "x", "more": ' + "[" * 300 + "]" * 300 + "}", "no_frame"),
    ('{"received_at": "2026-11-24T00:00:00Z", "text": "x", "more": 123456789012345678901234567890}', "no_frame"),
], ids=["lone surrogate", "NaN", "deep", "huge number"])
def test_unusual_values_go_to_quarantine_with_a_reason(anbu: Anbu, tmp_path: Path, value: str, reason: str) -> None:
    (found,) = replayed(anbu, tmp_path, f'{{"topic": "sms", "value": {value}}}')
    assert answer(found) == ("quarantine", None, reason)


def test_unusual_numbers_are_written_unchanged(anbu: Anbu, tmp_path: Path) -> None:
    profile = ('{"subject": 42, "site": "jongno", "gateway": "seoul-1", "tz": "Asia/Seoul", '
               '"since": "2026-11-01T00:00:00Z", "thresholds": {"battery_pct": %s}}')
    sms = '{"received_at": "2026-11-24T00:00:00Z", "text": "x", "more": %s}'
    long = "123456789012345678901234567890"
    no_number, rounded = replayed(anbu, tmp_path, f'{{"topic": "registry", "value": {profile % "NaN"}}}',
                                  f'{{"topic": "sms", "value": {sms % long}}}')
    assert answer(no_number) == ("quarantine", "42", "malformed")  # and no threshold that nobody has set
    assert isinstance(rounded["value"], dict)
    assert rounded["value"]["original"]["more"] == int(long)


def test_the_key_is_also_found_in_raw_octets(anbu: Anbu, tmp_path: Path) -> None:
    octets = json.dumps({"received_at": "2026-11-24T00:00:00Z", "text": "hello", "sender": "+8210"}).encode()
    (found,) = replayed(anbu, tmp_path, json.dumps({"topic": "sms", "raw": b64encode(octets).decode()}))
    assert answer(found) == ("quarantine", "+8210", "no_frame")


@pytest.mark.parametrize("line", ["{", "[]", '{"topic": "alerts", "value": {}}', '{"topic": "sms", "raw": "#"}',
                                  "[" * 5000])
def test_a_malformed_line_of_a_day_is_reported(anbu: Anbu, tmp_path: Path, line: str) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    done = anbu("replay", path)
    assert (done.exit_code, "line 2" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name.startswith(("asked", "two_in_one"))])
def test_a_scenario_is_printed_on_all_topics(anbu: Anbu, name: str) -> None:
    """Questions to devices too."""
    done = anbu("replay", VECTORS / "scenarios" / f"{name}.in.jsonl", ANBU_KEK_FILE=str(KEK_FILE))
    assert done.exit_code == 0, done.output
    printed, expected = ([json.loads(line) for line in done.stdout.splitlines()],
                         read_lines(VECTORS / "scenarios" / f"{name}.out.jsonl"))
    assert differences(expected, printed) == []
    assert {line["topic"] for line in printed} == {line["topic"] for line in expected}
    assert sum(line["topic"] == "asks" for line in printed) == (17 if name == "asked" else 0)
