"""Gradio's queue as the page needs it: kept answers before it, places by visitors, and turns in a fair order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request

from interface.server.gradio_private import ask_before_the_queue, refuse_a_look
from interface.server.gradio_queue import Queue, by_turns, install_queue, others, queued

KEPT = {"kept"}
REFUSED: list[tuple[str, str]] = []


def events(visitors: str) -> list[Any]:
    return [SimpleNamespace(session_hash=name, place=place) for place, name in enumerate(visitors)]


@pytest.mark.parametrize(
    ("waiting", "running", "order"),
    [
        ("abc", "", "abc"),
        ("aaabbc", "", "abcaba"),
        ("aaabc", "", "abcaa"),
        ("abc", "a", "bca"),
        ("abab", "aab", "baba"),
        ("aab", "ac", "baa"),
    ],
)
def test_nobody_has_a_turn_twice_while_another_waits(waiting: str, running: str, order: str) -> None:
    had = {name: running.count(name) for name in running}
    found = by_turns(events(waiting), had)
    assert "".join(event.session_hash for event in found) == order
    for name in set(waiting):
        places = [event.place for event in found if event.session_hash == name]
        assert places == sorted(places), "a visitor's own order changed"
    assert by_turns(found, had) == found, "asked again, the order is the same"


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    """Of a page with a start of the page and an endpoint, which answer what is kept; three may wait."""
    monkeypatch.setattr(gr.queueing, "Queue", gr.queueing.Queue)
    REFUSED.clear()
    install_queue(lambda: 3, lambda *who: REFUSED.append(who))

    def answer(text: str) -> str:
        if text not in KEPT:
            refuse_a_look()
        return f"answer to {text}"

    with gr.Blocks() as page:
        box = gr.Textbox()
        box.submit(ask_before_the_queue(answer), box, box, api_visibility="private", concurrency_id="model")
        gr.api(ask_before_the_queue(answer), api_name="ask", concurrency_id="model")
    page.queue()
    page.app.blocks = page
    assert isinstance(page._queue, Queue)
    return page._queue


def in_a_loop(work: Callable[[], Any]) -> Any:
    """This thread may have a loop of its own, of a browser's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work()).result()


async def push(queue: Queue, fn: int, who: str, text: str = "new") -> tuple[str, list[str]]:
    """What became of a request, and the messages to `who`."""
    request = Request(
        {"type": "http", "path": "/gradio_api/queue/join", "headers": [], "server": ("here", 80), "scheme": "http"}
    )
    body = gr.data_classes.PredictBodyInternal(data=[text], fn_index=fn, session_hash=who, request=request)
    _, _, state = await queue.push(body, request, None)
    told = queue.pending_messages_per_session[who]
    return state, [told.get_nowait().msg for _ in range(told.qsize())]


def test_a_full_queue_refuses_after_it_has_looked_for_what_is_kept(queue: Queue) -> None:
    async def work() -> None:
        for who in ("ann", "bob", "cid"):
            assert (await push(queue, 1, who))[0] == "success"
        assert (await push(queue, 1, "dan"))[0] == "queue_full"
        assert not queue.pending_event_ids_session["dan"], "its stream would never end"
        assert REFUSED == [("dan", "ask")]
        assert await push(queue, 1, "dan", "kept") == ("success", ["process_completed"])
        assert await push(queue, 0, "dan", "kept") == ("success", ["process_completed"])
        assert [event.session_hash for event in queue.waiting] == ["ann", "bob", "cid"]

    in_a_loop(work)


def test_of_a_visitors_starts_only_the_latest_takes_a_place(queue: Queue) -> None:
    async def work() -> None:
        for who in ("ann", "ann", "ann", "bob"):
            assert (await push(queue, 0, who))[0] == "success"
        assert (await push(queue, 1, "cid"))[0] == "success", "two of Ann's starts will not run"
        assert (await push(queue, 1, "dan"))[0] == "queue_full"

    in_a_loop(work)
    here = SimpleNamespace(get_blocks=lambda: SimpleNamespace(_queue=queue))
    request = Request({"type": "http", "app": here, "headers": []})
    assert others(gr.Request(request, session_hash="ann"))() == 2
    assert others(gr.Request(request, session_hash="eve"))() == 3
    assert [queued(gr.Request(request, session_hash=who))() for who in ("bob", "cid", "eve")] == [True, True, False]
    assert queued(None)(), "nothing says otherwise"
    assert others(None)() == others(gr.Request(None, session_hash="eve"))() == 0
