"""One model serves all visitors: explaining leaves it as it was, also after an error, also eight at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import torch

from attribution import METHODS, explain
from attribution.errors import OptionError, Stopped
from attribution.methods.gradients import LEAVES
from attribution.rerankers.hooks import Meter
from attribution.rerankers.reranker import Reranker
from tests.conftest import Tiny
from tests.tiny import PAIRED

QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."
N_THREADS = 8
JOBS: list[tuple[str, dict[str, Any]]] = [
    ("saliency", {}),
    ("saliency", {"leaf": "retain_grad"}),
    ("saliency", {"leaf": "clone"}),  # the fallback
    ("saliency_l2", {}),
    ("input_x_gradient", {}),
    ("integrated_gradients", {}),
    ("integrated_gradients_captum", {"n_steps": 8, "joint": True, "baselines": "unk", "internal_batch_size": 3}),
    ("occlusion", {}),
    ("attention", {}),
    ("layerwise_relevance", {}),
    ("embedding_magnitude", {}),
]


def state(reranker: Reranker) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The weights, and everything else a method could leave behind on the model."""
    weights = {name: value.clone() for name, value in reranker.model.state_dict().items()}
    left = {
        name: (
            module.training,
            *(len(getattr(module, hooks)) for hooks in vars(module) if hooks.endswith("_hooks")),
            *((parameter.requires_grad, parameter.grad is None) for parameter in module.parameters(recurse=False)),
        )
        for name, module in reranker.model.named_modules()
    }
    return weights, left


def assert_untouched(reranker: Reranker, run: Callable[[], object]) -> None:
    weights, left = state(reranker)
    run()
    weights_after, left_after = state(reranker)
    assert left_after == left
    assert weights_after.keys() == weights.keys()
    assert all(torch.equal(weights_after[name], weights[name]) for name in weights)


@pytest.mark.parametrize("architecture", PAIRED)
def test_loaded_model_is_frozen_with_one_hook_a_point(architecture: str, tiny: Tiny) -> None:
    reranker = tiny(architecture)
    hooked = [module for module in reranker.model.modules() if module._forward_hooks]
    points = (reranker.family.word_embeddings, reranker.family.embeddings)
    assert {id(module) for module in hooked} == {id(reranker.model.get_submodule(path)) for path in points}
    assert all(len(module._forward_hooks) == 1 for module in hooked)
    assert not reranker.model.training
    assert all(not p.requires_grad and p.dtype == torch.float32 for p in reranker.model.parameters())


@pytest.mark.parametrize("method", METHODS)
def test_method_leaves_the_model_as_it_was(method: str, tiny_bert: Reranker) -> None:
    assert_untouched(tiny_bert, lambda: explain(tiny_bert, QUERY, DOCUMENT, method))


@pytest.mark.parametrize("leaf", LEAVES)
def test_leaf_leaves_the_model_as_it_was(leaf: str, tiny_bert: Reranker) -> None:
    """Most leaves run on trainable parameters, and none of their gradients reach the shared model."""
    assert_untouched(tiny_bert, lambda: explain(tiny_bert, QUERY, DOCUMENT, "saliency", leaf=leaf))


@pytest.mark.parametrize("method", METHODS)
def test_model_as_it_was_after_a_stop_at_any_pass(method: str, tiny_bert: Reranker) -> None:
    logit = tiny_bert.score(QUERY, [DOCUMENT])
    passes: list[int] = []
    explain(tiny_bert, QUERY, DOCUMENT, method, on_pass=lambda meter: passes.append(meter.n_forward))

    def stop_at(n_forward: int) -> None:
        def on_pass(meter: Meter) -> None:
            if meter.n_forward == n_forward:
                raise Stopped("the visitor pressed Stop")

        with pytest.raises(Stopped, match="pressed Stop"):
            explain(tiny_bert, QUERY, DOCUMENT, method, on_pass=on_pass)

    for n_forward in passes:
        assert_untouched(tiny_bert, partial(stop_at, n_forward))
    assert tiny_bert.score(QUERY, [DOCUMENT]) == logit  # nothing is still intercepted


def test_model_as_it_was_after_bad_input(tiny_bert: Reranker) -> None:
    def bad() -> None:
        with pytest.raises(OptionError):
            explain(tiny_bert, QUERY, DOCUMENT, "integrated_gradients", baselines="no such")

    assert_untouched(tiny_bert, bad)


def test_interception_ends_with_its_block(tiny_bert: Reranker) -> None:
    """Points nest, the outer one comes back, and an exception undoes both."""
    inputs = dict(tiny_bert.encode(QUERY, DOCUMENT).inputs)
    seen: list[str] = []

    def hear(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
        def replace(output: torch.Tensor) -> torch.Tensor:
            seen.append(name)
            return output

        return replace

    def nest_and_fail() -> None:
        intercept = tiny_bert.adapter.intercept
        with intercept("word", hear("outer")), intercept("block", hear("block")):
            with intercept("word", hear("inner")):
                tiny_bert.forward(inputs)
            tiny_bert.forward(inputs)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        nest_and_fail()
    tiny_bert.forward(inputs)
    assert seen == ["inner", "block", "outer", "block"]


@pytest.mark.parametrize("architecture", PAIRED)
def test_trainable_shares_weights_and_thaws_its_own_only(architecture: str, tiny: Tiny) -> None:
    reranker = tiny(architecture)
    trainable = reranker.trainable()
    pairs = list(zip(reranker.model.parameters(), trainable.model.parameters(), strict=True))
    assert pairs
    assert all(ours.data_ptr() == theirs.data_ptr() for ours, theirs in pairs)
    assert all(theirs.requires_grad and not ours.requires_grad for ours, theirs in pairs)
    assert trainable.score(QUERY, [DOCUMENT]) == reranker.score(QUERY, [DOCUMENT])
    trainable.forward(dict(reranker.encode(QUERY, DOCUMENT).inputs)).sum().backward()
    assert any(theirs.grad is not None for _, theirs in pairs)
    assert all(ours.grad is None for ours, _ in pairs)


def test_eight_threads_equal_one(tiny_bert: Reranker) -> None:
    """Pairs of different lengths, several methods, one model: each thread gets what a single one gets."""
    sentence = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "1,234", "cats", "sleep"]
    work = [
        (" ".join(sentence[: 1 + (3 * i + n) % len(sentence)] * (1 + n % 3)), *JOBS[(i + n) % len(JOBS)])
        for i in range(N_THREADS)
        for n in range(len(JOBS))
    ]
    gate = threading.Barrier(N_THREADS)

    def run(job: tuple[str, str, dict[str, Any]]) -> tuple[float, ...]:
        document, method, options = job
        explanation = explain(tiny_bert, QUERY, document, method, **options)
        return explanation.logit, *tiny_bert.score(QUERY, [document]), *explanation.attributions

    def run_share(i: int) -> list[tuple[float, ...]]:
        gate.wait()
        return [run(job) for job in work[i::N_THREADS]]

    expected = [[run(job) for job in work[i::N_THREADS]] for i in range(N_THREADS)]
    assert len({len(values) for share in expected for values in share}) > 10  # the lengths do differ
    with ThreadPoolExecutor(N_THREADS) as pool:
        answers = list(pool.map(run_share, range(N_THREADS)))
    for share, expected_share in zip(answers, expected, strict=True):
        for values, expected_values in zip(share, expected_share, strict=True):
            assert values == pytest.approx(expected_values, rel=1e-5, abs=1e-5)
