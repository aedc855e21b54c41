"""What was asked before is answered from memory: to the letter, of the same weights, bounded, and never cut short."""

from __future__ import annotations

import dataclasses
from typing import Any

import gradio as gr
import pytest
from gradio.utils import is_prop_update

from attribution import MODELS
from attribution.rerankers.loading.models import Checkpoint
from attribution.rerankers.reranker import Reranker
from interface.programs import api
from interface.runs import answered
from interface.runs import kept as answers
from interface.runs.kept import Answers, KeptAnswer, key_of
from interface.runs.lanes import _waiting, claim
from interface.tabs import explain as explain_tab

PAIR = ("berlin", "museums in paris")
OPTIONS = ("", "detach_clone", "mask", 2, 2)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tiny_bert: Reranker) -> Answers:
    """Nothing kept yet, and the tiny model on offer."""
    monkeypatch.setitem(MODELS, tiny_bert.model_id, Checkpoint(label="tiny", path="", licence="", about=""))
    fresh = Answers()
    for module in (api, answered):
        monkeypatch.setattr(module, "KEPT", fresh)
    return fresh


def run(model: str, *pair: str, gradient: tuple[str, ...] = ("saliency",), options: Any = OPTIONS) -> list[Any]:
    request = gr.Request(None, session_hash="ann")
    claim("ann")
    return list(explain_tab.run(model, *pair, list(gradient), [], [], [], [], *options, request))


def test_the_page_shows_again_what_it_showed_and_says_so(tiny_bert: Reranker, kept: Answers) -> None:
    first = run(tiny_bert.model_id, *PAIR)
    again, end = run(tiny_bert.model_id, *PAIR)
    assert len(first) > 1
    assert 'data-method="saliency"' in again[5]
    assert [*again[1:4], *again[5:-1]] == [*first[-2][1:4], *first[-2][5:-1]]
    assert all("kept from an earlier run" in update[-1] for update in (again, end))
    assert all(map(is_prop_update, end[:-1])), "the end of a stream repeats its last yield"
    assert not _waiting, "what was claimed for it waits for ever"
    others: list[dict[str, Any]] = [
        {"gradient": ("saliency", "input_x_gradient")},
        {"options": (*OPTIONS[:2], "delete", 2, 2)},
    ]
    for other in others:
        assert len(run(tiny_bert.model_id, *PAIR, **other)) > 1
    assert len(run(tiny_bert.model_id, PAIR[0], PAIR[1] + " ")) > 1
    assert explain_tab.at_most(tiny_bert.model_id, *PAIR, ["saliency"], [], [], [], [], *OPTIONS) == (0, 0.0)


def test_a_run_that_was_cut_short_is_not_kept(
    tiny_bert: Reranker, kept: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "1e-9")
    run(tiny_bert.model_id, *PAIR)
    monkeypatch.delenv("RERANK_LENS_BUDGET_SECONDS")
    assert len(run(tiny_bert.model_id, *PAIR)) > 1


def test_the_api_answers_again_with_the_first_ones_time(tiny_bert: Reranker, kept: Answers) -> None:
    first = api.explain(*PAIR, "saliency", tiny_bert.model_id)
    again = api.explain(*PAIR, "saliency", tiny_bert.model_id)
    assert (first["kept"], again["kept"]) == (False, True)
    assert {**first, "kept": True} == again
    assert not api.explain(*PAIR, "saliency", tiny_bert.model_id, leaf="clone")["kept"]
    assert not api.rank(PAIR[0], [PAIR[1]], tiny_bert.model_id)["kept"]


def test_the_key_is_of_the_weights_too(tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of(tiny_bert.model_id, *PAIR)
    for change in ({"revision": "other"}, {"max_length": 7}):
        other = dataclasses.replace(tiny_bert, **change)
        monkeypatch.setattr(answers, "in_memory", lambda _: other)  # noqa: B023
        assert key_of(tiny_bert.model_id, *PAIR) != key
    monkeypatch.setattr(answers, "in_memory", lambda _: None)
    assert key_of(tiny_bert.model_id, *PAIR) == ""


def test_what_is_kept_is_bounded_and_the_least_used_goes() -> None:
    few = Answers(limit=30)
    for name in "abc":
        few.put(name, KeptAnswer(name, 10, 0.0))
    few.get("a")
    few.put("d", KeptAnswer("d", 10, 0.0))
    few.put("large", KeptAnswer("large", 31, 0.0))
    few.put("", KeptAnswer("no key", 1, 0.0))
    assert [name for name in ("a", "b", "c", "d", "large", "") if few.get(name)] == ["a", "c", "d"]
