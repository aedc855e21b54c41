"""A run sends each part of the page once: what Gradio streams of it is little more than the page at the end."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import gradio as gr
import pytest
from gradio.utils import diff, is_prop_update

from attribution.methods import METHODS
from interface.page import models
from interface.page.settings import DEFAULT_METHODS
from interface.runs import run
from interface.tabs.explain import tab as explain_tab
from interface.tabs.explain.results import CARDS

PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants . " * 6)


@pytest.fixture
def yields(offered: str) -> list[list[Any]]:
    """What a default run yields as Gradio sees it, less what stays on the server."""
    names = ["identity", "score", "head", "faithfulness", *CARDS, "status"]
    updates = explain_tab.run(explain_tab.Asked(offered, *PAIR, n_steps=4))
    return [[update.get(name, gr.skip()) for name in names] for update in updates]


def test_the_stream_is_at_most_half_as_much_again_as_the_page(yields: list[list[Any]]) -> None:
    """Gradio sends the first yield, then what differs from the one before, and at the end the last once more."""
    page = [""] * len(yields[0])
    for update in yields:
        page = [old if is_prop_update(new) else new for old, new in zip(page, update, strict=True)]
    sent = [yields[0], *map(diff, yields, yields[1:]), yields[-1]]
    assert len(json.dumps(sent)) < 1.5 * len(json.dumps(page))


def test_progress_is_told_sparingly(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, then not before its time is over, and then the newest."""
    now, told = 100.0, list[int]()
    monkeypatch.setattr(run.time, "perf_counter", lambda: now)
    tell = run.sparingly(told.append)
    for batch in range(12):
        tell(batch)
        now += run.PROGRESS_SECONDS / 4
    assert told == [0, 4, 8]


def test_a_download_is_told_sparingly_and_always_with_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten messages a second keep a visitor's page busy, and Gradio shows no words without a number."""
    now, told = 100.0, list[tuple[Any, str]]()
    monkeypatch.setattr(run.time, "perf_counter", lambda: now)

    def download(_model_id: str, on_bytes: Any) -> None:
        nonlocal now
        for done in (0, 0, 0, 0, 10, 20, 30, 40):  # of a total that is known once bytes come
            on_bytes(done, 100 if done else 0)
            now += run.PROGRESS_SECONDS / 2

    monkeypatch.setattr(models, "load_reranker", download)
    models.load("demo-reranker", run.Run(progress=lambda at, desc, **_: told.append((at, desc.split()[0]))))
    assert told == [(0.0, "Asking"), (0.0, "Asking"), ((10, 100), "Downloading"), ((30, 100), "Downloading")]


def test_a_card_only_grows_and_is_whole_in_the_end(yields: list[list[Any]]) -> None:
    cards = [update[4:-1] for update in yields[1:-2]]  # the first and the last two have only a status
    for i, key in enumerate(DEFAULT_METHODS):
        versions = [
            update[i] for update in cards if f'data-method="{key}"' in update[i] and "rl-pending" not in update[i]
        ]
        assert len(versions) > 1
        assert all(later.startswith(earlier) for earlier, later in pairwise(versions))
        last = versions[-1]
        assert [len(re.findall(f"<{end}article", last)) for end in ("", "/")] == [1, 1]
    assert cards[-1][len(DEFAULT_METHODS) :] == [""] * (len(METHODS) - len(DEFAULT_METHODS))


@pytest.mark.parametrize(("soon", "sent"), [(1e9, 1), (-1.0, 2)])
def test_curves_that_are_soon_replaced_are_not_sent_first(
    soon: float, sent: int, offered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a quick method and a dear one; the last is sent whatever it costs."""
    monkeypatch.setattr(explain_tab, "SOON", soon)
    asked = explain_tab.Asked(offered, *PAIR, ("saliency", "integrated_gradients_captum"), n_steps=8)
    sections = [update["faithfulness"] for update in explain_tab.run(asked) if update.get("faithfulness")]
    assert len(set(sections)) == sent
    assert "Captum" in sections[-1]
