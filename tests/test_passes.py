"""What an explanation costs, counted on the model itself, and a stop that really stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
import torch

from attribution import METHODS, explain, removal
from attribution.errors import Stopped
from attribution.explain import OUTSIDE, options_of, sequences, sides_of
from attribution.removal import OPERATORS, score_kept, seen_words
from attribution.rerankers import reranker as rerankers
from attribution.rerankers.hooks import Meter
from attribution.rerankers.reranker import Reranker

QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."
IG, CAPTUM = "integrated_gradients", "integrated_gradients_captum"


@pytest.fixture
def batches(tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sequences each forward of the model, or of a twin of it, took; counted on the model's class."""
    seen: list[int] = []
    forward = type(tiny_bert.model).forward

    def counted(self: Any, **inputs: Any) -> Any:
        seen.append(len(inputs["input_ids"]))
        return forward(self, **inputs)

    monkeypatch.setattr(type(tiny_bert.model), "forward", counted)
    return seen


SMALL = {"n_samples": 6, "n_steps": 5, "max_evaluations": 33}


@pytest.mark.parametrize("given", [{}, SMALL], ids=["defaults", "options"])
@pytest.mark.parametrize("method", METHODS)
def test_a_method_runs_the_model_as_often_as_its_row_says(
    method: str, given: dict[str, int], tiny_bert: Reranker, batches: list[int]
) -> None:
    pair = tiny_bert.encode(QUERY, DOCUMENT)
    options = {name: n for name, n in given.items() if name in options_of(method)}
    METHODS[method].attribute(tiny_bert, pair, **options)
    said = sequences(method, sides_of(pair), **given) - OUTSIDE
    bound = method in (IG, "shapley")  # they stop early, or meet a set of words again
    assert said // 4 <= sum(batches) <= said if bound else sum(batches) == said
    fixed = METHODS[method].passes
    assert said == fixed or not isinstance(fixed, int)


def test_a_side_of_few_words_takes_each_of_its_subsets(tiny_bert: Reranker, batches: list[int]) -> None:
    pair = tiny_bert.encode("how many", "berlin has people")
    METHODS["shapley"].attribute(tiny_bert, pair)
    said = sequences("shapley", sides_of(pair)) - OUTSIDE
    assert said == 2**2 + 2**3
    assert sum(batches) in (said, said - 1)  # all words of one side are all of the other's


def test_a_side_of_many_words_takes_the_beginnings_of_orders_each_once(tiny_bert: Reranker, batches: list[int]) -> None:
    pair = tiny_bert.encode("how", DOCUMENT)
    n, n_samples = sides_of(pair)[1], 3
    METHODS["shapley"].attribute(tiny_bert, pair, n_samples=n_samples)
    said = sequences("shapley", sides_of(pair), n_samples=n_samples) - OUTSIDE
    assert said == 2 + n_samples * (n - 1) + 2
    assert said - n_samples < sum(batches) <= said, "two orders may begin alike"
    usual = (sequences("shapley", sides_of(pair)) - OUTSIDE - 4) / (n - 1)
    assert usual % 2 == 0, "each order has its reverse"


@pytest.mark.parametrize("method", METHODS)
def test_passes_are_what_the_model_saw(method: str, tiny_bert: Reranker, batches: list[int]) -> None:
    """`on_pass` hears of each batch before it runs."""
    heard: list[int] = []

    def on_pass(meter: Meter) -> None:
        assert meter.n_forward == sum(batches)
        heard.append(meter.n_forward)

    explanation = explain(tiny_bert, QUERY, DOCUMENT, method, on_pass=on_pass)
    assert explanation.n_forward == sum(batches)
    assert len(heard) == len(batches)
    assert (explanation.n_backward > 0) == METHODS[method].uses_gradient
    assert explanation.seconds > 0


@pytest.mark.parametrize(
    ("method", "options", "n_backward"),
    [
        ("saliency", {}, 1),
        ("saliency", {"leaf": "clone"}, 1),
        ("saliency_l2", {}, 1),
        ("input_x_gradient", {}, 1),
        (CAPTUM, {}, 80),
        (CAPTUM, {"n_steps": 20}, 40),
        (CAPTUM, {"n_steps": 20, "joint": True}, 20),
        (CAPTUM, {"n_steps": 20, "internal_batch_size": 3}, 40),
        ("expected_gradients", {"n_samples": 6}, 12),
        ("smoothgrad", {"n_samples": 6}, 6),
        ("layerwise_relevance", {}, 1),
        ("embedding_magnitude", {}, 0),
    ],
)
def test_backward_passes(method: str, options: dict[str, Any], n_backward: int, tiny_bert: Reranker) -> None:
    assert explain(tiny_bert, QUERY, DOCUMENT, method, **options).n_backward == n_backward


@pytest.mark.parametrize("options", [{}, {"joint": True}, {"tolerance": 0.001, "max_evaluations": 33}])
def test_adaptive_path_reports_its_evaluations(options: dict[str, Any], tiny_bert: Reranker) -> None:
    explanation = explain(tiny_bert, QUERY, DOCUMENT, IG, **options)
    shared = len(explanation.paths) - 1  # the pair itself, where all paths end
    assert explanation.n_backward == sum(path.n_steps for path in explanation.paths) - shared
    assert all(path.n_steps <= options.get("max_evaluations", 65) for path in explanation.paths)


def test_internal_batch_size_bounds_the_batch_and_changes_nothing(tiny_bert: Reranker) -> None:
    whole = explain(tiny_bert, QUERY, DOCUMENT, CAPTUM, n_steps=10)
    counts: list[int] = []
    options = {"n_steps": 10, "internal_batch_size": 3}
    parts = explain(tiny_bert, QUERY, DOCUMENT, CAPTUM, on_pass=lambda m: counts.append(m.n_forward), **options)
    assert max(after - before for before, after in pairwise(counts)) == 3
    assert parts.attributions == pytest.approx(whole.attributions, abs=1e-5)


def test_stop_really_stops(tiny_bert: Reranker) -> None:
    """At the pass where the caller raised, no later one begins."""
    passes: list[int] = []

    def on_pass(meter: Meter) -> None:
        passes.append(meter.n_forward)
        if meter.n_forward >= 12:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        explain(tiny_bert, QUERY, DOCUMENT, CAPTUM, n_steps=500, internal_batch_size=4, on_pass=on_pass)
    assert passes == [0, 4, 8, 12]


@pytest.mark.parametrize("method", [key for key in METHODS if key != "integrated_gradients"])
def test_only_the_adaptive_rule_gives_an_error_back_or_is_cut_short(method: str, tiny_bert: Reranker) -> None:
    paths = explain(tiny_bert, QUERY, DOCUMENT, method).paths
    assert {(path.residual, path.relative_residual, path.capped) for path in paths} <= {(0.0, 0.0, False)}
    assert bool(paths) == METHODS[method].complete


@contextmanager
def shapes_seen(reranker: Reranker) -> Iterator[list[tuple[int, int]]]:
    """The `(batch, seq)` of every forward of the model."""
    seen: list[tuple[int, int]] = []
    hook = reranker.model.register_forward_pre_hook(
        lambda _model, _args, inputs: seen.append(tuple(inputs["input_ids"].shape)), with_kwargs=True
    )
    try:
        yield seen
    finally:
        hook.remove()


def check_batches(shapes: list[tuple[int, int]], at_once: int) -> None:
    """None has more tokens than that, unless it is one text; all of a length but the last have no room for one more."""
    assert all(n == 1 or n * length <= at_once for n, length in shapes)
    assert all((n + 1) * length > at_once for (n, length), (_, after) in pairwise(shapes) if length == after)


@pytest.mark.parametrize("at_once", [1, 40, 100, 2048])
def test_batches_hold_so_many_tokens_and_change_no_score(
    at_once: int, tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = ["berlin", "paris sleeps .", "museums " * 12, DOCUMENT, *["berlin has people ."] * 7]
    alone = [tiny_bert.score(QUERY, [document])[0] for document in documents]
    monkeypatch.setattr(rerankers, "TOKENS_A_CHUNK", at_once)
    with shapes_seen(tiny_bert) as seen:
        assert tiny_bert.score(QUERY, documents) == pytest.approx(alone, abs=1e-5)
    check_batches(seen, at_once)
    assert [length for _, length in seen] == sorted((length for _, length in seen), reverse=True)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("at_once", [1, 40, 100, 2048])
def test_texts_without_words_come_in_batches_and_change_no_score(
    at_once: int, operator: str, tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = tiny_bert.encode(QUERY, DOCUMENT)
    words = seen_words(pair)
    kept = [frozenset(range(len(words))) - {i, j} for i in range(len(words)) for j in range(i + 1)]
    alone: dict[frozenset[int], float] = {}
    for left in kept:
        gone = [at for w, places in enumerate(words) if w not in left for at in places]
        inputs = {name: value.clone() for name, value in pair.inputs.items()}
        if operator == "delete":
            stay = [i for i in range(len(pair.tokens)) if i not in gone]
            inputs = {name: value[:, stay] for name, value in inputs.items()}
        else:
            inputs["input_ids"][:, gone] = tiny_bert.tokenizer.mask_token_id
        with torch.no_grad():
            alone[left] = tiny_bert.forward(inputs).item()
    monkeypatch.setattr(removal, "TOKENS_A_CHUNK", at_once)
    with shapes_seen(tiny_bert) as seen:
        assert score_kept(tiny_bert, pair, words, kept, operator) == pytest.approx(alone, abs=1e-5)
    check_batches(seen, at_once)
