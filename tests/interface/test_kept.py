"""What was asked before is answered from memory: to the letter, of the same weights, bounded, and never cut short."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from gradio.caching import CacheMissError, ProbeCache

from attribution.rerankers.reranker import Reranker
from interface.programs import api
from interface.runs import kept
from interface.runs.handlers import UNCHANGED
from interface.runs.lanes import busy, claim
from interface.tabs.explain import tab as explain_tab
from tests.interface.conftest import SESSION, shown, visitor

PAIR = ("berlin", "museums in paris")


def asked(model: str, *pair: str, **other: Any) -> explain_tab.Asked:
    query, document = pair or PAIR
    given: dict[str, Any] = {"methods": ("saliency",), "n_samples": 2, "n_steps": 2, **other}
    return explain_tab.Asked(model, query, document, **given)


def run(model: str, *pair: str, **other: Any) -> list[dict[str, Any]]:
    return list(explain_tab.run(asked(model, *pair, **other), visitor(), None, claim(SESSION)[0]))


def test_the_page_shows_again_what_it_showed_and_says_so(offered: str) -> None:
    first = run(offered)
    again, end = run(offered)
    assert len(first) > 2
    assert 'data-method="saliency"' in again["card 1"]
    assert {**shown(first), "status": ""} == {**again, "status": ""}
    assert "kept from an earlier run" in again["status"]
    assert end == UNCHANGED, "the end of a stream repeats its last update"
    assert not busy(SESSION), "what was claimed for it waits for ever"
    others: list[dict[str, Any]] = [{"methods": ("saliency", "input_x_gradient")}, {"operator": "delete"}]
    for other in others:
        assert len(run(offered, **other)) > 2
    assert len(run(offered, PAIR[0], PAIR[1] + " ")) > 2
    assert explain_tab.at_most(asked(offered)) == (0, 0.0)


def test_a_run_that_was_cut_short_is_not_kept(offered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "1e-9")
    run(offered)
    monkeypatch.delenv("RERANK_LENS_BUDGET_SECONDS")
    steps = explain_tab.run(asked(offered), visitor())
    next(steps)
    claim(SESSION)
    list(steps)  # ended by a newer start
    assert len(run(offered)) > 2


def test_the_api_answers_again_with_the_first_ones_time(offered: str) -> None:
    first = api.explain(*PAIR, "saliency", offered)
    again = api.explain(*PAIR, "saliency", offered)
    assert (first["kept"], again["kept"]) == (False, True)
    assert {**first, "kept": True} == again
    assert not api.explain(*PAIR, "saliency", offered, leaf="clone")["kept"]
    assert not api.rank(PAIR[0], [PAIR[1]], offered)["kept"]


def test_gradios_look_gets_what_is_kept_and_nothing_else(offered: str) -> None:
    """Before the queue nothing runs, and an error waits for its turn."""
    with ProbeCache():
        for arguments in (*PAIR, "saliency", offered), ("", "", "saliency", offered), (*PAIR, "saliency", "/etc"):
            with pytest.raises(CacheMissError):
                api.explain(*arguments)
        with pytest.raises(CacheMissError):
            run(offered)
        assert api.models()["models"]
    api.explain(*PAIR, "saliency", offered)
    run(offered)
    with ProbeCache():
        assert api.explain(*PAIR, "saliency", offered)["kept"]
        assert "kept from" in run(offered)[0]["status"]


def test_the_key_is_of_the_weights_too(tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    model, key = tiny_bert.model_id, kept.key_of([tiny_bert.model_id], PAIR)
    kept.keep(key, "answer", 1.5)
    assert kept.look(key) == ("answer", 1.5)
    for change in ({"revision": "other"}, {"max_length": 7}):
        other = dataclasses.replace(tiny_bert, **change)
        monkeypatch.setattr(kept, "in_memory", lambda _: other)  # noqa: B023
        assert kept.key_of([model], PAIR) not in ("", key)
    monkeypatch.setattr(kept, "in_memory", lambda _: None)
    assert kept.key_of([model], PAIR) == ""
    kept.keep("", "no key", 1.0)
    assert kept.look("") is None


def test_what_is_kept_is_bounded_and_the_least_used_goes() -> None:
    """64 MB together: three answers of 20 MB, and a fourth in place of the one that nobody asked for."""
    for name in "abc":
        kept.keep(name, name * 20_000_000, 0.0)
    assert kept.look("a")
    kept.keep("d", "d" * 20_000_000, 0.0)
    assert [name for name in "abcd" if kept.look(name)] == ["a", "c", "d"]
