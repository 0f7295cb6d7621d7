"""The metrics of a page: its answers, and whether the broker is away."""

from support.page import Running, browser


def test_a_page_without_a_broker(lonely: Running) -> None:
    with browser(lonely) as client:
        client.get("/no-such-page")
        lines = client.get("/metrics").text.splitlines()
    assert {"anbu_page_caught_up 0.0"} <= set(lines)
    counted = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}
    assert counted['anbu_page_responses_total{status="404"}'] >= 1
