"""A strange record is shown or breaks the contract. It never breaks the page for other records."""

from contextlib import suppress
from typing import Any

import httpx
from support.page import NOW, Running, checkin, event

from models.errors import ContractError
from web.alerts import alert_of_event
from web.checkins import checkin_of

STRANGE: list[Any] = [None, True, 5, -1.5, "", "text", [], [1], {}, {"ko": 1}, {"a": {"b": []}}]


def test_strange_alerts_are_shown_or_refused(lonely: Running) -> None:
    fields, taken = sorted({*event(7, "sos")["data"], "subject", "data"}), 0
    for number, (field, strange) in enumerate((field, strange) for field in fields for strange in STRANGE):
        document = event(number, "sos", at=NOW - number)
        (document if field in ("subject", "data") else document["data"])[field] = strange
        with suppress(ContractError):
            lonely.web.live.take_alert(alert_of_event(document))
            taken += 1
    assert taken > len(fields)
    lonely.web.live.take_alert(alert_of_event(event(99, "fall")))
    for path in ("/", "/people/99", "/parts?part=top&part=alerts&part=people", "/api/v1/alerts"):
        assert httpx.get(lonely.url + path).status_code == 200
    assert "fall 때문입니다" in httpx.get(lonely.url, headers={"accept-language": "ko"}).text


def test_strange_checkins_are_shown_or_refused(lonely: Running) -> None:
    for field in checkin(1, "awake"):
        for number, strange in enumerate(STRANGE):
            with suppress(ContractError):
                lonely.web.live.take_checkin(checkin_of({**checkin(number, "awake"), field: strange}))
    assert [httpx.get(lonely.url + path).status_code for path in ("/", "/api/v1/checkins")] == [200, 200]
