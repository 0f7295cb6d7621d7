"""The cost of a month on EC2, Fargate and App Runner, from the prices of prices.json, with all assumptions written out.

    make cost                        or  make cost ARGS="--region ap-northeast-2 --active-hours 24 --json"

The program also checks a claim: a move from a t2.micro (10 USD a month) to App Runner with 0.5 vCPU and 1 GB (8.50 USD)
saves 40 %. By the price list it saves 15 %. The summary says where 40 % can come from, and where not.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

PRICES: Final = Path(__file__).with_name("prices.json")
DAYS: Final = 730 / 24      # days of a month, as AWS counts it
DISK_GB: Final = 20
CLAIMED_PCT: Final = 40.0
OLD, NEW = "EC2 t2.micro", "App Runner, 0.5 vCPU, 1 GB"


class Line(NamedTuple):
    """One way to run something.

    usd: US dollars a month; None: not available.
    parts: the parts of the cost, US dollars a month, by name.
    """

    what: str
    usd: float | None
    parts: dict[str, float]
    assumes: str


def _line(what: str, assumes: str, **parts: float) -> Line:
    return Line(what, round(sum(parts.values()), 2), {name: round(usd, 2) for name, usd in parts.items()}, assumes)


def _ec2(prices: dict[str, Any], kind: str, hours: float, *, public: bool = False) -> Line:
    parts = {"instance": prices["ec2_hour"][kind] * hours, "disk": prices["gp3_gb_month"] * DISK_GB}
    if public:
        parts["address"] = prices["ipv4_hour"] * hours
    return _line(f"EC2 {kind}{', public address' if public else ''}", f"{hours:g} h, {DISK_GB} GB gp3", **parts)


def _fargate(prices: dict[str, Any], what: str, cpu: float, memory: float, hours: float, *,
             balancer: bool = False) -> Line:
    parts = {"vcpu": prices["fargate_vcpu_hour"] * cpu * hours, "memory": prices["fargate_gb_hour"] * memory * hours}
    if balancer:
        parts["load_balancer"] = prices["load_balancer_hour"] * hours
    return _line(f"Fargate, {what}", f"{hours:g} h, {cpu:g} vCPU, {memory:g} GB", **parts)


def _apprunner(prices: dict[str, Any], what: str, hours: float, active: float) -> Line:
    """App Runner bills memory as long as the service is not paused, and the CPU only while it serves a request."""
    if prices["apprunner_vcpu_hour"] is None:
        return Line(what, None, {}, "App Runner does not exist in this region")
    return _line(what, f"{hours:.4g} h provisioned, {active:.4g} h active",
                 memory=prices["apprunner_gb_hour"] * hours, vcpu=prices["apprunner_vcpu_hour"] * 0.5 * active)


def lines(prices: dict[str, Any], hours: float, active_a_day: float) -> list[Line]:
    """All ways to run Anbu.

    hours: hours a month that they run.
    active_a_day: hours a day in which requests are served (App Runner).
    """
    active = min(hours, active_a_day * DAYS * hours / 730)
    return [
        _ec2(prices, "t2.micro", hours),
        _ec2(prices, "t2.micro", hours, public=True),
        _ec2(prices, "t4g.micro", hours),
        _apprunner(prices, NEW, hours, active),
        _apprunner(prices, f"{NEW}, requests all day", hours, hours),
        _apprunner(prices, f"{NEW}, paused between", active, active),
        _fargate(prices, "the same size", 0.5, 1.0, hours),
        _fargate(prices, "all of ecs.yaml", 2 * 0.25 + 0.5 + 0.25, 2 * 0.5 + 1.0 + 0.5, hours, balancer=True),
    ]


def saved_pct(before: float, after: float) -> float:
    return round(100 * (before - after) / before, 1)


def verdict(found: list[Line]) -> dict[str, Any] | None:
    """The part of the claim that holds; None in a region without App Runner."""
    usd = {one.what: one.usd for one in found}
    old, new = usd[OLD], usd[NEW]
    if old is None or new is None:
        return None

    def saving(before: str, after: str) -> float:
        return saved_pct(usd[before] or 0.0, usd[after] or 0.0)

    return {
        "claimed_pct": CLAIMED_PCT, "saved_pct": saved_pct(old, new),
        "can_come_from": {
            "the public address, which EC2 pays for and App Runner includes": saving(f"{OLD}, public address", NEW),
            "pausing between the windows (not for Anbu: an SOS comes at any hour)":
                saving(OLD, f"{NEW}, paused between"),
            "an ARM instance, without moving at all": saving(OLD, "EC2 t4g.micro"),
            "hours of people who look after a machine: in no price list": None,
        },
        "cannot_come_from": {
            "the price of the same hours": saved_pct(old, new),
            "a page that is open all day, whose live events keep the CPU paid": saving(OLD, f"{NEW}, requests all day"),
            "the worker, Kafka and MongoDB: App Runner throttles the CPU between requests, so they run elsewhere": None,
        },
    }


def _told(found: list[Line], said: dict[str, Any] | None, region: str, as_of: str) -> str:
    width = max(len(one.what) for one in found)
    rows = [f"{one.what:<{width}}  {'–' if one.usd is None else f'{one.usd:.2f}':>7}  {one.assumes}" for one in found]
    text = [f"US dollars a month, {region}, prices of {as_of}", "", *rows]
    if said is None:
        return "\n".join(text)
    text += ["", f"t2.micro to App Runner saves {said['saved_pct']:g} %, not {said['claimed_pct']:g} %."]
    for title, reasons in (("40 % can come from", said["can_come_from"]), ("but not from", said["cannot_come_from"])):
        text += ["", f"{title}:"]
        text += [f"  {'' if pct is None else f'{pct:g} %':>8}  {why}" for why, pct in reasons.items()]
    return "\n".join(text)


def main(arguments: list[str] | None = None) -> None:
    document = json.loads(PRICES.read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description="What a month costs on EC2, Fargate and App Runner.")
    parser.add_argument("--region", default="us-east-1", choices=document["regions"])
    parser.add_argument("--hours", type=float, default=730.0, help="a month that it runs; default: all 730")
    parser.add_argument("--active-hours", type=float, default=3.5,
                        help="a day in which requests are served, so that App Runner bills the CPU; default: 3.5")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    if not (0 < given.hours <= 744 and 0 <= given.active_hours <= 24):
        parser.error("a month has up to 744 hours, a day 24")
    found = lines(document["regions"][given.region], given.hours, given.active_hours)
    said = verdict(found)
    if given.json:
        print(json.dumps({"region": given.region, "as_of": document["as_of"],
                          "usd_a_month": [one._asdict() for one in found], "claim": said}, indent=1))
    else:
        print(_told(found, said, given.region, document["as_of"]))


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has closed the pipe; Python would fail again when it flushes at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
