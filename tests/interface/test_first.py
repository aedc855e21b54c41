"""The first example behind a listening server: pages opened before and after it, a visitor's own start, a failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from attribution import METHODS
from attribution.rerankers.reranker import Reranker
from attribution.views.page import identity_html
from interface.runs.lanes import claim
from interface.tabs.explain import results as first
from interface.tabs.explain.tab import Asked, run
from tests.interface.conftest import PAIR, SESSION, stop, visitor

pytestmark = pytest.mark.usefixtures("unserved")


@pytest.fixture
def asked(offered: str) -> Asked:
    return Asked(offered, *PAIR)


@pytest.fixture
def opening(asked: Asked, tiny_bert: Reranker) -> Iterator[tuple[first.Opening, gr.Blocks]]:
    """A page with nothing but the parts of a result."""
    opened = first.without_result(identity_html(asked.identity(tiny_bert.revision)))
    with gr.Blocks() as page:
        parts = {name: gr.State(part) if name == "results" else gr.HTML(part) for name, part in opened.items()}
        yield first.Opening(opened, parts), page


def config(page: gr.Blocks) -> dict[str, Any]:
    """As a page that opens now gets it: `values`, and whether the timer `ticks`."""
    components = page.config["components"]
    (timer,) = (c["props"]["active"] for c in components if c["type"] == "timer")
    return {"values": [c["props"].get("value") for c in components if c["type"] == "html"], "ticks": timer}


def filled(found: first.Opening, score: str = "") -> dict[str, Any]:
    """What a tick writes, by name; the timer as whether it goes on."""
    update = found.fill(score, visitor())
    timer = update.pop(found.timer)
    return {name: update[part] for name, part in found.outputs.items() if part in update} | {
        "ticks": getattr(timer, "active", True)
    }


def test_a_page_opened_early_waits_and_a_later_one_holds_the_result(
    opening: tuple[first.Opening, gr.Blocks], asked: Asked
) -> None:
    found, page = opening
    page.config = page.get_config_file()
    before = config(page)
    assert before["ticks"]
    assert json.dumps(before).count("rl-pending") == json.dumps(before).count(first.STARTING) > 0
    assert filled(found) == {"ticks": True}  # nothing yet: the next tick asks again

    found.explain(page, lambda: run.ahead(asked))
    after = config(page)
    assert not after["ticks"]
    assert first.STARTING not in json.dumps(after)
    assert after["values"][:2] == [found.page["identity"], found.page["score"]]
    update = filled(found)
    assert update == {**found.page, "ticks": False}
    cards = "".join(part for name, part in update.items() if name.startswith("card"))
    assert update["results"][0].keys() == {key for key in METHODS if f'data-method="{key}"' in cards}
    assert "kept from an earlier run" in next(run(asked, visitor()))["status"]


def test_what_the_visitor_started_is_never_covered(opening: tuple[first.Opening, gr.Blocks]) -> None:
    found, page = opening
    claim(SESSION)
    result = dict.fromkeys(found.outputs, "x")
    found.explain(page, lambda: result)
    assert filled(found) == {"ticks": True}
    stop(SESSION)  # before it had a result: the example may come after all
    assert filled(found) == {**result, "ticks": False}
    assert filled(found, "<p>another score</p>") == {"ticks": False}


def test_a_failure_is_logged_and_said(
    opening: tuple[first.Opening, gr.Blocks], capsys: pytest.CaptureFixture[str]
) -> None:
    found, page = opening

    def fails() -> dict[str, Any]:
        raise RuntimeError("out of memory")

    found.explain(page, fails)
    assert "out of memory" in capsys.readouterr().err
    now = json.dumps(config(page))
    assert first.FAILED in now
    assert first.STARTING not in now
    assert not config(page)["ticks"]
