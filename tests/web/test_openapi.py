"""The description of the API in docs/ is the one of the code, and the API answers as described."""

import json
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from support.page import Running, checkin, event

from cli.main import main
from web.alerts import alert_of_event
from web.checkins import checkin_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_document_is_current() -> None:
    result = CliRunner().invoke(main, ["web", "--openapi"])
    assert json.loads(DOCUMENT.read_bytes()) == json.loads(result.stdout), "anbu web --openapi > docs/openapi.json"


@pytest.mark.parametrize(("path", "model"), [("alerts", "AlertOut"), ("checkins", "CheckInOut"),
                                             ("judged-until", "JudgedUntil")])
def test_answers_have_the_fields_described(lonely: Running, path: str, model: str) -> None:
    lonely.web.live.take_alert(alert_of_event(event(1, "sos")))
    lonely.web.live.take_alert(alert_of_event(event("seoul-1", "gateway_outage", lane=1)))
    lonely.web.live.take_checkin(checkin_of(checkin(1, "awake")))
    described = json.loads(DOCUMENT.read_bytes())["components"]["schemas"][model]
    answer = httpx.get(f"{lonely.url}/api/v1/{path}").json()
    answers = answer if isinstance(answer, list) else [answer]
    assert answers
    assert [set(one) for one in answers] == [set(described["properties"])] * len(answers)
