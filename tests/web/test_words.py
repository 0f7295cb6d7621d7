"""The Korean catalogue is complete and compiled, and Korean is the default language."""

from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from support.page import MORNING, NOW, Running, browser

from models.contract.alerts import Change, Kind, Severity
from models.contract.command import CommandType
from models.window import Window
from web.words import HERE, WORDS, Moments, chosen_language, environment, sentence, telephone

CATALOGUE = HERE / "locale" / "ko" / "LC_MESSAGES" / "anbu.po"
HINT = "see web/locale/README.md"


def korean() -> Catalog:
    return read_po(BytesIO(CATALOGUE.read_bytes()), locale="ko")


def test_every_message_has_its_korean() -> None:
    methods = [("templates/**.html", "jinja2"), ("**.py", "python")]
    options = {"templates/**.html": {"encoding": "utf-8", "newstyle_gettext": "true", "trimmed": "true"}}
    found = extract_from_dir(HERE, methods, options, {"N_": None, "_": None, "gettext": None})
    used = {message for _, _, message, *_ in found}
    translated = {message.id for message in korean() if message.id and message.string and not message.fuzzy}
    assert used == translated, HINT


def test_the_compiled_catalogue_is_current() -> None:
    with Path(CATALOGUE.with_suffix(".mo")).open("rb") as file:
        compiled = {message.id: message.string for message in read_mo(file) if message.id}
    assert compiled == {message.id: message.string for message in korean() if message.id}, HINT


def test_every_kind_change_and_severity_has_a_word() -> None:
    assert {*Kind, *Change, *Severity, *CommandType} <= WORDS.keys()


@pytest.mark.parametrize(("remembered", "accepted", "expected"), [
    (None, "", "ko"),
    (None, "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
    (None, "en-US,en;q=0.9", "en"),
    (None, "fr-FR, de;q=0.7", "ko"),
    ("en", "ko-KR", "en"),
    ("xx", "ko-KR", "ko"),
])
def test_the_language_of_a_request(remembered: str | None, accepted: str, expected: str) -> None:
    assert chosen_language(remembered, accepted) == expected


def test_a_chosen_language_is_remembered(lonely: Running) -> None:
    with browser(lonely) as client:
        assert '<html lang="ko">' in client.get("/").text
        assert client.get("/language/en", params={"then": "/people/7"}).headers["location"] == "/people/7"
        client.get("/language/xx")
        assert '<html lang="en">' in client.get("/").text


def test_a_mobile_number_is_written_in_groups() -> None:
    assert [telephone(one) for one in ("+821012345678", "01012345678", "02-123-4567", "+8101012345678")] == \
        ["010-1234-5678", "010-1234-5678", "02-123-4567", "+8101012345678"]


def test_a_sentence_falls_back_to_another_language() -> None:
    assert [sentence(why, "en") for why in ({"en": "yes", "ko": "네"}, {"ko": "네"}, {"fr": "oui"}, {})] == \
        ["yes", "네", "oui", ""]


def test_times_are_shown_in_the_zone_of_the_people() -> None:
    seoul, berlin = Moments("ko", "Asia/Seoul", NOW), Moments("en", "Europe/Berlin", NOW)
    assert [seoul.time(NOW), berlin.time(NOW)] == ["09:40", "01:40"]
    assert [seoul.moment(NOW - 60), seoul.moment(NOW - 86_400)] == ["09:39", "11월 23일 09:40"]
    assert [berlin.moment(NOW - 86_400), berlin.day(Window.parse(MORNING))] == ["Nov 23 01:40", "Tue, Nov 24"]
    assert [seoul.ago(NOW - 120), seoul.ago(NOW + 60), seoul.day(Window.parse(MORNING))] == \
        ["2분 전", "방금", "11월 24일 (화)"]


def test_an_unknown_word_is_shown_as_it_is_and_escaped() -> None:
    assert environment("ko").from_string("{{ 'brand <new>'|word }}").render() == "brand &lt;new&gt;"
