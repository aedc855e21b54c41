"""The first example behind a listening server: pages opened before and after it, a visitor's own start, a failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio.utils import is_prop_update

from attribution import METHODS, MODELS
from attribution.rerankers.loading.models import Checkpoint
from attribution.rerankers.reranker import Reranker
from interface.runs import lanes as runs
from interface.tabs import first
from interface.tabs.explain import first_result

PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants .")
N_PARTS = 5 + len(METHODS)
VISITOR = gr.Request(None, session_hash="early")


@pytest.fixture
def opening(tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[first.First, gr.Blocks]]:
    """A page with nothing but the parts of a result."""
    key = tiny_bert.model_id
    monkeypatch.setitem(MODELS, key, Checkpoint("tiny", key, "none", "tiny"))
    found = first.waiting(tiny_bert.revision, key, *PAIR)
    with gr.Blocks() as page:
        parts = [gr.State(part) if i == 4 else gr.HTML(part) for i, part in enumerate(found.parts)]
        found.place(parts)
    yield found, page
    runs.stop("early")


def config(page: gr.Blocks) -> dict[str, Any]:
    """As a page that opens now gets it: `values`, and whether the timer `ticks`."""
    components = page.config["components"]
    (timer,) = (c["props"]["active"] for c in components if c["type"] == "timer")
    return {"values": [c["props"].get("value") for c in components if c["type"] == "html"], "ticks": timer}


def filled(update: tuple[Any, ...]) -> list[Any]:
    return [part for part in update if not is_prop_update(part)]


def test_a_page_opened_early_waits_and_a_later_one_holds_the_result(
    opening: tuple[first.First, gr.Blocks], tiny_bert: Reranker
) -> None:
    found, page = opening
    before = config(page)
    assert before["ticks"]
    assert json.dumps(before).count("rl-pending") == json.dumps(before).count(first.STARTING) > 0
    assert filled(found.fill("", VISITOR)) == []  # nothing yet: the next tick asks again
    assert len(found.fill("", VISITOR)) == N_PARTS + 1

    found.explain(page, lambda: first_result(tiny_bert.model_id, *PAIR))
    after = config(page)
    assert not after["ticks"]
    assert first.STARTING not in json.dumps(after)
    assert after["values"][1:3] == [found.parts[1], found.parts[2]]
    *parts, timer = found.fill("", VISITOR)
    assert parts == list(found.parts)
    assert timer.active is False
    assert parts[4][0].keys() == {key for key in METHODS if f'data-method="{key}"' in "".join(parts[5:])}


def test_what_the_visitor_started_is_never_covered(opening: tuple[first.First, gr.Blocks]) -> None:
    found, page = opening
    runs.claim("early")
    found.explain(page, lambda: ("x",) * N_PARTS)
    assert filled(found.fill("", VISITOR)) == []
    runs.stop("early")  # before it had a result: the example may come after all
    assert filled(found.fill("", VISITOR))[:-1] == ["x"] * N_PARTS
    *parts, timer = found.fill("<p>another score</p>", VISITOR)
    assert filled(tuple(parts)) == []
    assert timer.active is False


def test_a_failure_is_logged_and_said(
    opening: tuple[first.First, gr.Blocks], capsys: pytest.CaptureFixture[str]
) -> None:
    found, page = opening

    def fails() -> tuple[Any, ...]:
        raise RuntimeError("out of memory")

    found.explain(page, fails)
    assert "out of memory" in capsys.readouterr().err
    now = json.dumps(config(page))
    assert first.FAILED in now
    assert first.STARTING not in now
    assert not config(page)["ticks"]
