"""The calculator says what the price list says: 10 and 8.50 USD, and 15 % between them, not 40."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.aws.cost import DAYS, NEW, OLD, PRICES, lines, main, saved_pct

VIRGINIA = json.loads(PRICES.read_text(encoding="utf-8"))["regions"]["us-east-1"]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    main([*arguments, "--json"])
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def usd(hours: float = 730, active: float = 3.5) -> dict[str, float | None]:
    return {one.what: one.usd for one in lines(VIRGINIA, hours, active)}


def test_the_two_known_costs_are_reproduced() -> None:
    found = usd()
    assert (round(found[OLD] or 0), round(found[NEW] or 0, 1)) == (10, 8.5)
    assert found[f"{NEW}, requests all day"] == 28.47


def test_the_cost_agrees_with_a_calculation_by_hand() -> None:
    """0.5 vCPU at 0.064 for 3.5 hours a day, and 1 GB at 0.007 all the time."""
    assert usd()[NEW] == round(0.5 * 0.064 * 3.5 * DAYS + 0.007 * 730, 2)
    assert usd()[OLD] == round(0.0116 * 730 + 0.08 * 20, 2)


def test_the_claimed_saving_is_computed(capsys: pytest.CaptureFixture[str]) -> None:
    claim = told(capsys)["claim"]
    assert isinstance(claim, dict)
    assert (claim["saved_pct"], claim["claimed_pct"]) == (15.4, 40.0)
    assert max(pct for pct in claim["cannot_come_from"].values() if pct is not None) < 40
    main([])
    assert "saves 15.4 %, not 40 %" in capsys.readouterr().out


def test_load_and_hours_change_the_cost() -> None:
    assert usd(active=24)[NEW] == usd()[f"{NEW}, requests all day"]
    assert usd(active=0)[NEW] == round(0.007 * 730, 2)
    half, whole = (usd(hours=hours)["Fargate, the same size"] or 0 for hours in (365, 730))
    assert half * 2 == pytest.approx(whole, abs=0.01)


def test_a_region_without_app_runner_has_no_claim(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--region", "ap-northeast-2")
    assert found["claim"] is None
    main(["--region", "ap-northeast-2"])
    assert "does not exist in this region" in capsys.readouterr().out


def test_the_saving_is_a_percentage() -> None:
    assert saved_pct(10.0, 8.5) == 15.0


@pytest.mark.parametrize("arguments", [["--hours", "800"], ["--active-hours", "25"], ["--region", "mars"]])
def test_wrong_arguments_end_the_command_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_closed_pipe_is_no_error(arguments: list[str]) -> None:
    """As in `make cost | head -1`: no traceback, whether nobody reads from the start or the reader has had enough."""
    script = Path(__file__).parents[2] / "deploy/aws/cost.py"
    with subprocess.Popen([sys.executable, str(script), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
