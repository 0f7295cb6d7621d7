"""The board in a real browser: it changes under somebody's hands without disturbing them."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from support.page import (
    MORNING,
    NOW,
    MemoryHistory,
    Running,
    StoppedClock,
    checkin,
    event,
    person,
    progress,
    running_page,
    send,
    wait_until,
)

from runtime.settings import Settings
from web.service import Web

pytestmark = pytest.mark.browser

SEED = [
    *(("reports", progress(lane), lane) for lane in range(4)),
    ("alerts", event(1, "sos"), None),
    ("alerts", event(2, "no_report", severity="warning", window=MORNING, reference=MORNING, at=NOW - 600), None),
    ("alerts", event(3, "low_battery", severity="maintenance"), None),
    ("alerts", event(4, "fall", change="cleared"), None),
    ("reports", checkin(1, "awake"), None),
    ("reports", checkin(2, "silent"), None),
]


@pytest.fixture
def seeded(settings: Settings) -> Iterator[Running]:
    """A page that follows the topics, and knows six people in two centres."""
    history = MemoryHistory()
    history.everybody = [person(number, f"이름{number}", "jongno" if number < 5 else "mapo") for number in range(1, 7)]
    send(settings, *SEED)
    with running_page(Web(settings, StoppedClock(), history)) as running:
        wait_until(lambda: running.web.follower.caught_up and running.web.history.read)
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page whose errors and refused scripts fail the test."""
    context = chromium.new_context(locale="ko-KR", viewport={"width": 1280, "height": 900})
    one = context.new_page()
    complaints: list[str] = []
    one.on("pageerror", lambda error: complaints.append(str(error)))
    one.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield one
    context.close()
    assert complaints == []


def opened(page: Page, running: Running, path: str = "/") -> Page:
    page.goto(running.url + path)
    page.wait_for_function("document.readyState === 'complete'")
    return page


def test_a_new_alert_appears_by_itself(seeded: Running, settings: Settings, page: Page) -> None:
    opened(page, seeded)
    expect(page).to_have_title("(2) 안부")
    send(settings, ("alerts", event(5, "fire"), None))
    card = page.locator("#alerts .alert", has_text="화재")
    expect(card).to_contain_text("fire 때문입니다 1.")
    expect(card).to_contain_text("위급")
    expect(page).to_have_title("(3) 안부")
    expect(page.locator("#news")).to_have_text("화재, 이름5")


def test_a_text_that_is_being_typed_stays_when_the_page_changes(seeded: Running, settings: Settings,
                                                                page: Page) -> None:
    opened(page, seeded)
    card = page.locator("#alerts .alert", has_text="보고 없음")
    card.get_by_text("메모 · 처리 완료 · 부재 등록").click()
    box = card.get_by_label("메모 또는 처리 내용")
    box.fill("전화해 보")
    send(settings, ("alerts", event(6, "gas"), None),  # comes before the card that somebody is in
         ("alerts", event(2, "no_report", 2, "raised", reference=MORNING, window=MORNING, at=NOW - 600), None),
         ("alerts", event(1, "sos", 2, "cleared"), None))
    expect(page.locator("#alerts .alert", has_text="가스")).to_be_visible()
    expect(page.locator("#alerts .alert", has_text="sos 때문")).to_have_count(0)
    expect(card).to_contain_text("no_report 때문입니다 2.")
    expect(card.locator(".badge")).to_have_text("위급")
    expect(box).to_be_focused()
    page.keyboard.type("겠습니다")
    expect(box).to_have_value("전화해 보겠습니다")
    order = page.locator("#alerts > ol > .alert h3").all_inner_texts()
    assert ["보고 없음" in order[0], "가스" in order[1]] == [True, True]  # both critical, the older first


def test_acknowledging_asks_for_a_name_once(seeded: Running, settings: Settings, page: Page) -> None:
    opened(page, seeded)
    card = page.locator("#alerts .alert", has_text="SOS")
    card.locator("summary", has_text="제가 대응합니다").click()
    card.locator(".ask").get_by_label("이름").fill("김복지")
    card.get_by_role("button", name="제가 대응합니다").click()
    expect(card.locator(".ask output")).to_contain_text("요청을 보냈습니다")
    send(settings, ("alerts", event(1, "sos", 2, "acknowledged", acknowledged_by="김복지", by="김복지"), None))
    expect(card).to_contain_text("김복지 님이 대응 중")
    other = page.locator("#alerts .alert", has_text="보고 없음")
    other.get_by_role("button", name="제가 대응합니다").click()  # no name is asked for any more
    expect(other.locator("form output").first).to_contain_text("요청을 보냈습니다")
    card.get_by_text("메모 · 처리 완료 · 부재 등록").click()
    card.get_by_role("button", name="처리 완료").click()  # without a word is allowed
    expect(card.locator("output").first).to_contain_text("'처리 완료' 요청을 보냈습니다")


def test_a_page_that_lost_its_server_says_so(seeded: Running, page: Page) -> None:
    page.clock.install()
    opened(page, seeded)
    expect(page.locator("#lost")).to_be_hidden()
    page.clock.run_for(60_000)  # no heartbeat can come meanwhile: the page's time runs ahead of the server's
    expect(page.locator("#lost")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/?site=mapo&half=afternoon", "/people/2", "/people/99", "/login"])
@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_passes_the_accessibility_check(seeded: Running, chromium: Browser, path: str, language: str,
                                                 width: int) -> None:
    context = chromium.new_context(locale=language, viewport={"width": width, "height": 800})
    page = opened(context.new_page(), seeded, path)
    for details in page.locator("main details:not([open]) > summary").all():
        if details.is_visible():
            details.click()
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_page_works_without_scripts(seeded: Running, chromium: Browser) -> None:
    context = chromium.new_context(locale="ko-KR", java_script_enabled=False)
    page = context.new_page()
    page.goto(seeded.url)
    card = page.locator("#alerts .alert", has_text="SOS")
    card.get_by_text("메모 · 처리 완료 · 부재 등록").click()
    form = card.locator("form", has=page.get_by_role("button", name="메모 남기기"))
    form.get_by_label("이름").fill("김복지")
    form.get_by_label("메모 또는 처리 내용").fill("전화했습니다")
    form.get_by_role("button", name="메모 남기기").click()
    expect(page.get_by_role("status").filter(has_text="'메모' 요청을 보냈습니다")).to_be_visible()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Needs help now")).to_be_visible()
    context.close()


def test_the_printed_page_has_no_buttons(seeded: Running, page: Page) -> None:
    opened(page, seeded)
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.locator(".actions").first).to_be_hidden()
    expect(page.locator("#alerts .alert").first).to_be_visible()
