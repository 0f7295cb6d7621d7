"""A browser that listens gets changes, and heartbeats if there are none."""

import pytest

from web import changes
from web.changes import PageChanges


async def test_a_stream_without_changes_sends_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT_S", 0.01)
    known = PageChanges()
    heard = known.events(known.id, ["top"])
    assert [(await anext(heard)).event for _ in range(2)] == ["beat", "beat"]
    known.mark("people")  # nothing that this browser shows
    assert (await anext(heard)).event == "beat"
    known.mark("top")
    event = await anext(heard)
    assert (event.event, event.data, event.id) == ("changed", "top", known.id)
    await heard.aclose()


def test_the_changed_parts_of_the_page_after_an_event() -> None:
    known = PageChanges()
    parts = ["top", "alerts", "person-7"]
    first = known.id
    known.mark("alerts")
    second = known.id
    known.mark("person-7")
    assert [known.after(one, parts) for one in (first, second, known.id)] == [["alerts", "person-7"], ["person-7"], []]
    assert [known.after(one, parts) for one in (None, "", "x", f"{first}x")] == [parts] * 4
