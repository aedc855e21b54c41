"""What an explanation costs, counted on the model itself, and a stop that really stops."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from attribution import METHODS, explain
from attribution.errors import Stopped
from attribution.rerankers.reranker import Meter, Reranker

QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."
IG, CAPTUM = "integrated_gradients", "integrated_gradients_captum"


@pytest.mark.parametrize("method", METHODS)
def test_passes_are_what_the_model_saw(method: str, tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sequences through the model or a twin of it; `on_pass` hears of each batch before it runs."""
    batches: list[int] = []
    heard: list[int] = []
    model_class = type(tiny_bert.model)
    forward = model_class.forward

    def counted(self: Any, **inputs: Any) -> Any:
        batches.append(len(inputs["input_ids"]))
        assert heard[-1] == sum(batches[:-1])
        return forward(self, **inputs)

    monkeypatch.setattr(model_class, "forward", counted)
    explanation = explain(tiny_bert, QUERY, DOCUMENT, method, on_pass=lambda meter: heard.append(meter.n_forward))
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
