"""What a run costs on this text: passes by each method's formula, seconds as the last runs had them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attribution.evidence.faithfulness import max_passes
from attribution.types import Explanation

FAITHFULNESS = "faithfulness"  # measured along with the methods, so it is costed like one


@dataclass(frozen=True)
class Size:
    """What passes depend on: the pair's tokens and words, and the budgets chosen."""

    n_tokens: int
    n_words: int
    n_samples: int
    n_steps: int


# Sequences through the model, forward and backward together.
PASSES: dict[str, Callable[[Size], int]] = {
    "saliency": lambda _: 2,
    "saliency_l2": lambda _: 2,
    "input_x_gradient": lambda _: 2,
    "integrated_gradients": lambda _: 80,  # two paths of about 20 nodes
    "integrated_gradients_captum": lambda size: 4 * size.n_steps + 3,
    "expected_gradients": lambda size: 4 * size.n_samples + 1,
    "layerwise_relevance": lambda _: 2,
    "smoothgrad": lambda size: 2 * size.n_samples + 1,
    "occlusion": lambda size: size.n_words + 1,
    "shapley": lambda size: size.n_samples * size.n_words + 2,
    "attention": lambda _: 2,
    "attention_rollout": lambda _: 2,
    "embedding_magnitude": lambda _: 1,
}
DEAR = 24  # passes from which a method waits until the others are measured
_speed: dict[tuple[str, str], float] = {}  # (model, method) -> seconds a pass and token, of its last run


def passes(key: str, size: Size) -> int:
    """About how many sequences method `key` sends through the model."""
    return PASSES[key](size)


def learn(explanation: Explanation) -> None:
    """Remember how fast this method was."""
    n = explanation.n_forward + explanation.n_backward
    _learn(explanation.model_id, explanation.requested_method, n * len(explanation.tokens), explanation.seconds)


def learn_faithfulness(model_id: str, n_forward: int, n_tokens: int, seconds: float) -> None:
    """Remember how fast the measuring was."""
    _learn(model_id, FAITHFULNESS, n_forward * n_tokens, seconds)


def seconds(model_id: str, keys: Sequence[str], size: Size) -> float | None:
    """About how long `keys` take together; None before this model has run anything."""
    known = [speed for (model, _), speed in _speed.items() if model == model_id]
    if not known:
        return None
    typical = sorted(known)[len(known) // 2]
    counts = {key: max_passes(len(keys) - 1) if key == FAITHFULNESS else passes(key, size) for key in keys}
    return sum(n * size.n_tokens * _speed.get((model_id, key), typical) for key, n in counts.items())


def _learn(model_id: str, key: str, work: int, taken: float) -> None:
    if work and taken:
        _speed[model_id, key] = taken / work
