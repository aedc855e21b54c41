"""A tiny model on offer, a visitor, and nothing kept from another test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import gradio as gr
import pytest
from gradio.utils import is_prop_update

from attribution import MODELS
from attribution.rerankers.loading.models import Checkpoint
from attribution.rerankers.reranker import Reranker
from interface.runs.kept import KEPT
from interface.runs.lanes import end, in_a_word

PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants .")
SESSION = "visitor"


def visitor(session: str = SESSION) -> gr.Request:
    """As a handler gets it."""
    return gr.Request(None, session_hash=session)


def stop(session: str, lane: str | None = None) -> str:
    """End what the visitor has in a lane, or in all: "running", "waiting" or "" for what there was."""
    return in_a_word(end(session, lane))


def shown(updates: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What is on the page after these updates."""
    page: dict[str, Any] = {}
    for update in updates:
        page |= {name: value for name, value in update.items() if not is_prop_update(value)}
    return page


@pytest.fixture(autouse=True)
def nothing_before() -> Iterator[None]:
    """No answer is kept, and nothing of the visitor's runs or waits."""
    KEPT.clear()
    yield
    KEPT.clear()
    end(SESSION)


@pytest.fixture
def offered(tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of the tiny model, on offer."""
    key = tiny_bert.model_id
    monkeypatch.setitem(MODELS, key, Checkpoint("tiny", key, "none", "tiny"))
    return key


@pytest.fixture(scope="session")
def demo(tiny_bert: Reranker) -> gr.Blocks:
    """The whole page, built once with the tiny model on offer; no test changes it."""
    import app

    key = tiny_bert.model_id
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, key, Checkpoint("tiny", key, "none", "tiny"))
        return app.build([key])[0]


@pytest.fixture
def unserved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages whose events are called as they are: Gradio makes no routes for them, which takes longest."""
    monkeypatch.setattr("gradio.routes.App.create_app", lambda *_, **__: None)
