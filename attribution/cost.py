"""What an explanation will cost, before it starts: an upper bound in sequences through the model."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from attribution.explain import options_of
from attribution.methods import METHODS
from attribution.removal import seen_words
from attribution.types import TokenizedPair

OUTSIDE = 4  # the plain forward and the baselines' own, from which `explain` measures
GRADIENT = 3  # a gradient costs about as much as so many forwards
Sides = tuple[int, int]  # words of the query and of the document that the model sees


def _shapley(sides: Sides, options: dict[str, Any]) -> int:
    n_samples = options["n_samples"]
    return sum(2**n if 2**n <= 2 * n_samples * n else n_samples * (n + 1) for n in sides)


SEQUENCES: dict[str, Callable[[Sides, dict[str, Any]], int]] = {
    "saliency": lambda _sides, _options: 1,
    "saliency_l2": lambda _sides, _options: 1,
    "input_x_gradient": lambda _sides, _options: 1,
    "integrated_gradients": lambda _sides, options: 2 * options["max_evaluations"],
    "integrated_gradients_captum": lambda _sides, options: 2 * options["n_steps"],
    "expected_gradients": lambda _sides, options: 2 * options["n_samples"],
    "layerwise_relevance": lambda _sides, _options: 1,
    "smoothgrad": lambda _sides, options: options["n_samples"],
    "occlusion": lambda sides, _options: sum(sides) + 1,
    "shapley": _shapley,
    "attention": lambda _sides, _options: 1,
    "attention_rollout": lambda _sides, _options: 1,
    "embedding_magnitude": lambda _sides, _options: 0,
}


def sides_of(pair: TokenizedPair) -> Sides:
    """How many words of the query and of the document the model sees."""
    return len(seen_words(pair, "query")), len(seen_words(pair, "document"))


def sequences(method: str, sides: Sides, **options: Any) -> int:
    """At most so many sequences through the model for `method` with its `options`; backward passes not counted."""
    parameters = inspect.signature(METHODS[method].attribute).parameters
    given = {name: options.get(name) or parameters[name].default for name in options_of(method)}
    return SEQUENCES[method](sides, given) + OUTSIDE


def forwards(method: str, sides: Sides, **options: Any) -> int:
    """The same in forwards: a sequence that a gradient is taken of counts for `GRADIENT` of them."""
    return sequences(method, sides, **options) * (GRADIENT if METHODS[method].uses_gradient else 1)
