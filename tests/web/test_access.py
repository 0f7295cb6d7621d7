"""The access to the page, and the headers of each answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from click.testing import CliRunner
from starlette.requests import Request
from support.page import MemoryHistory, Running, StoppedClock, browser, csrf_of, page_settings, running_page

from cli.main import main
from local.embedded import free_port
from web.access import Gate
from web.service import Web

TOKEN = "correct horse battery"


@pytest.fixture
def guarded(history: MemoryHistory) -> Iterator[Running]:
    settings = page_settings(kafka=f"127.0.0.1:{free_port()}", web_token=TOKEN)
    with running_page(Web(settings, StoppedClock(), history)) as page:
        yield page


@contextmanager
def logged_in(page: Running) -> Iterator[httpx.Client]:
    with browser(page) as client:
        csrf = csrf_of(client.get("/login"))
        answer = client.post("/login", data={"csrf": csrf, "token": TOKEN, "then": "/people/7"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/people/7")
        assert {"httponly", "samesite=lax"} <= set(answer.headers["set-cookie"].lower().replace(" ", "").split(";"))
        yield client


@pytest.mark.parametrize(("path", "status", "location"), [
    ("/", 303, "/login"),
    ("/people/7", 303, "/login?then=/people/7"),
    ("/parts?part=top", 401, None),
    ("/events?part=top", 401, None),
    ("/api/v1/alerts", 401, None),
    ("/login", 200, None),
    ("/health", 200, None),
    ("/static/anbu.css", 200, None),
])
def test_without_the_token_only_the_login_is_visible(guarded: Running, path: str, status: int,
                                                     location: str | None) -> None:
    answer = httpx.get(guarded.url + path)
    assert (answer.status_code, answer.headers.get("location")) == (status, location)


def test_a_caseworker_can_log_in_and_out(guarded: Running) -> None:
    with logged_in(guarded) as client:
        csrf = csrf_of(client.get("/people/7"))
        assert client.post("/logout", data={"csrf": csrf}).headers["location"] == "/login"
        assert client.get("/").status_code == 303


def test_the_api_takes_the_token(guarded: Running) -> None:
    def answer(authorization: str) -> int:
        return httpx.get(f"{guarded.url}/api/v1/alerts", headers={"authorization": authorization}).status_code

    assert [answer(one) for one in (f"Bearer {TOKEN}", f"Basic {TOKEN}", "Bearer wrong", "")] == [200, 401, 401, 401]


def test_the_api_takes_a_token_in_any_language() -> None:
    token = "비밀번호는 열여섯 글자가 넘는다"
    gate = Gate(token, lambda: 0.0)
    for given, is_open in ((token.encode(), True), ("비밀".encode(), False), (b"\xff", False)):
        scope = {"type": "http", "headers": [(b"authorization", b"Bearer " + given)], "session": {}}
        assert gate.is_open(Request(scope)) is is_open


def test_tokens_cannot_be_guessed(guarded: Running) -> None:
    with browser(guarded) as client:
        csrf = csrf_of(client.get("/login"))
        answers = [client.post("/login", data={"csrf": csrf, "token": f"guess {number}"}) for number in range(11)]
        assert [one.status_code for one in answers] == [403] * 10 + [429]
        assert client.post("/login", data={"csrf": csrf, "token": TOKEN}).status_code == 429


def test_a_forged_session_is_refused(guarded: Running) -> None:
    with logged_in(guarded) as client:
        value = client.cookies["anbu"]
        forged = ("A" if value[0] != "A" else "B") + value[1:]
    assert httpx.get(guarded.url, cookies={"anbu": forged}).status_code == 303


@pytest.mark.parametrize("path", ["/login", "/logout", "/name", "/alerts/7:sos:0.1.1/acknowledge", "/people/7/excuse"])
def test_a_form_of_another_site_is_refused(lonely: Running, path: str) -> None:
    with browser(lonely, "en") as client:
        client.get("/")
        answers = [client.post(path, data={"by": "eve"}), client.post(path, data={"by": "eve", "csrf": "guess"})]
        assert [one.status_code for one in answers] == [403, 403]
        assert "out of date" in answers[0].text


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil"])
def test_a_redirect_never_leads_to_another_site(lonely: Running, then: str) -> None:
    with browser(lonely) as client:
        assert client.get("/language/en", params={"then": then}).headers["location"] == "/"
        data = {"csrf": csrf_of(client.get("/people/7")), "by": "kim", "then": then}
        assert client.post("/name", data=data).headers["location"] == "/"


def test_a_request_for_an_unknown_host_is_refused(lonely: Running) -> None:
    statuses = {host: httpx.get(lonely.url, headers={"host": host}).status_code
                for host in ("localhost:8080", "127.0.0.1", "[::1]:80", "evil.example", "127.evil.example", "")}
    assert statuses == {"localhost:8080": 200, "127.0.0.1": 200, "[::1]:80": 200, "evil.example": 421,
                        "127.evil.example": 421, "": 421}


@pytest.mark.parametrize("path", ["/", "/people/7", "/nowhere", "/login", "/api/v1/alerts", "/static/anbu.js"])
def test_every_answer_has_security_headers(lonely: Running, path: str) -> None:
    headers = httpx.get(lonely.url + path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers.get("cache-control") == (None if path.startswith("/static") else "no-store")


@pytest.mark.parametrize(("environ", "words"), [
    ({"ANBU_WEB_HOST": "0.0.0.0"}, "ANBU_WEB_TOKEN_FILE"),
    ({"ANBU_WEB_HOST": "192.0.2.7"}, "ANBU_WEB_TOKEN_FILE"),
    ({"ANBU_WEB_TOKEN": "short"}, "at least 16"),
    ({"ANBU_WEB_PORT": "http"}, "ANBU_WEB_PORT"),
])
def test_a_page_that_would_be_open_to_the_network_does_not_start(environ: dict[str, str], words: str) -> None:
    result = CliRunner().invoke(main, ["web"], env=environ)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
