"""What a run costs is arithmetic: words and options give passes, passes and tokens give seconds."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from attribution import METHODS
from attribution.errors import OptionError
from attribution.evidence.faithfulness.measure import max_passes
from attribution.explain import forwards, sequences, sides_of
from attribution.rerankers.reranker import Reranker
from interface.runs import cost
from interface.runs import limits as budget
from interface.runs.handlers import Pair

SIDES = (3, 7)  # words of the query and of the document
SIZE = cost.Size(20, SIDES)


@pytest.fixture(autouse=True)
def nothing_ran() -> Iterator[None]:
    cost._speeds.clear()
    yield
    cost._speeds.clear()


def reranker(n_parameters: int, model_id: str = "m") -> Any:
    """As much of one as costs depend on."""
    weights = [torch.empty(n_parameters - 1, device="meta"), torch.empty(1, device="meta")]
    return SimpleNamespace(model_id=model_id, model=SimpleNamespace(parameters=lambda: weights))


@pytest.mark.parametrize("method", METHODS)
def test_a_gradient_counts_as_three_forwards_and_unknown_options_as_none(method: str) -> None:
    """`sequences` itself is counted on the model in tests/test_passes.py."""
    said = sequences(method, SIDES, n_samples=6) * (3 if METHODS[method].uses_gradient else 1)
    assert forwards(method, SIDES, n_samples=6) == said
    assert cost.counts_of(SIZE, [method], {"n_samples": 6, "unknown": 1}) == {method: said}


def test_options_that_are_not_given_are_the_methods_own() -> None:
    assert sequences("expected_gradients", SIDES) == sequences("expected_gradients", SIDES, n_samples=None)
    assert sequences("integrated_gradients_captum", SIDES, n_steps=0) == sequences("integrated_gradients_captum", SIDES)
    assert sequences("occlusion", (2, 5)) == 8 + 4
    assert sequences("shapley", (3, 3), n_samples=4) == 2 * 2**3 + 4, "both sides in full"
    assert sequences("shapley", (4, 1), n_samples=2) == 2**4 + 2 + 4, "as many subsets as orders would take: in full"
    assert sequences("shapley", (5, 1), n_samples=3) == 3 * 4 + 2 + 2 + 4, "no words and all of them once"


def test_sides_are_words_that_the_model_sees(tiny_bert: Reranker) -> None:
    pair = tiny_bert.encode("how many people ?", "berlin has about 3.7 million inhabitants")
    assert sides_of(pair) == (4, 6)
    assert cost.size_of(pair) == cost.Size(len(pair.tokens), (4, 6))


def test_seconds_are_by_the_models_size_until_something_ran() -> None:
    counts = {"saliency": 15, "occlusion": 10}
    usual = 25 * 20 / 10_000
    assert cost.seconds(reranker(22_700_000), 20, counts) == pytest.approx(usual)
    assert cost.seconds(reranker(100), 20, counts) == pytest.approx(usual), "a tiny model has its overhead"
    assert cost.seconds(reranker(3 * 22_700_000), 20, counts) == pytest.approx(3 * usual)


def test_seconds_are_as_the_method_ran_at_its_fastest() -> None:
    model = reranker(22_700_000)
    for taken in (3.0, 0.25, 1.0):
        cost.learn("m", "occlusion", n_forwards=100, n_tokens=50, taken=taken)
    assert cost.seconds(model, 20, {"occlusion": 10}) == pytest.approx(10 * 20 * 0.25 / (100 * 50))
    both = cost.seconds(model, 20, {"occlusion": 10, "saliency": 10})
    assert both == pytest.approx(10 * 20 * 0.25 / (100 * 50) + 10 * 20 / 10_000)
    for other in ("a model", "other"):  # before and after "m" in the alphabet
        assert cost.seconds(reranker(22_700_000, other), 20, {"occlusion": 10}) == pytest.approx(200 / 10_000)
    for fastest in (0.25, 0.25, 0.25, 0.75):
        cost.learn("m", "occlusion", n_forwards=100, n_tokens=50, taken=0.75)
        found = cost.seconds(model, 20, {"occlusion": 10})
        assert found == pytest.approx(10 * 20 * fastest / (100 * 50)), "the last five runs"
    cost._speeds.clear()
    assert cost.seconds(model, 20, {"occlusion": 10}) == pytest.approx(200 / 10_000)


def test_a_busy_moment_is_no_measure_of_the_machine() -> None:
    cost.learn("m", "saliency", n_forwards=1, n_tokens=1, taken=60.0)
    assert cost.seconds(reranker(22_700_000), 20, {"saliency": 10}) == pytest.approx(2 * 200 / 10_000)


def test_an_estimate_holds_the_methods_and_their_faithfulness() -> None:
    n_forwards, seconds = cost.estimate(reranker(22_700_000), SIZE, ["saliency", "occlusion"], {"n_samples": 2})
    measured = 2 * max_passes(2)  # under both operators
    assert n_forwards == 3 * 5 + 15 + measured
    assert seconds == pytest.approx((3 * 5 + 15 + measured) * 20 / 10_000)


@pytest.mark.parametrize(("limit", "cap"), [("", 60), ("20", 20), ("0", 60)])
def test_a_lent_gpu_is_asked_for_as_long_as_the_work_takes(
    limit: str, cap: int, monkeypatch: pytest.MonkeyPatch, tiny_bert: Reranker
) -> None:
    """3 s for the weights, then 100,000 tokens a second, in whole seconds."""
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", limit)
    monkeypatch.delenv("SPACE_ID", raising=False)
    asked = Pair(tiny_bert.model_id, "how many people ?", "berlin has about 3.7 million inhabitants")
    tokens = len(tiny_bert.encode(asked.query, asked.document).tokens)
    for passes, seconds in ((0, 3), (10**5, 3 + tokens), (10**5 + 1, 4 + tokens), (10**7, 60)):
        assert cost.lent(asked, lambda _asked, _sides: passes) == min(seconds, cap)  # noqa: B023


def test_what_is_asked_before_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "45")
    said = budget.ask("v0", 12_345, 1_234.5, "x")
    assert "about 1,234 s (at most 12,345 passes" in said
    assert "stops a run after 45 s" in said
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "0")
    said = budget.ask("v0", 12_345, 1_234.5, "y")
    assert said
    assert "stops a run" not in said
    assert budget.ask("v1", 10, 30.0, "x") == "", "30 s are not long"
    assert budget.ask("v1", 10, 30.1, "x")
    assert budget.ask("v2", 10, 30.1, "x"), "another visitor has not heard it"
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "soon")
    with pytest.raises(OptionError, match="BUDGET_SECONDS is 'soon'; it must be a number above 0, 0, or unset"):
        budget.limit()


def test_a_budget_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(budget.time, "perf_counter", lambda: now[0])
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "5")
    now[0] = 105.0
    budget.check_time(100.0)
    now[0] = 105.1
    with pytest.raises(budget.OverBudget, match="limit of 5 s a run"):
        budget.check_time(100.0)
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "0")
    now[0] = 1e9
    budget.check_time(100.0)
