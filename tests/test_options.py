"""Options have the effect that their docstrings say, seen in what goes through the model, and how often."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution import (
    contrast,
    contrast_sentences,
    counterfactual,
    explain,
    interaction,
    probe,
    probe_set,
    raise_above,
    sentences,
)
from attribution.errors import OptionError, Stopped
from attribution.evidence.faithfulness.measure import FRACTIONS, max_passes, measure, measure_stream, random_orders
from attribution.evidence.sentences import sentences_stream
from attribution.export import dumps, plain
from attribution.methods import path
from attribution.methods.path import ONE_SIDE_EACH, random_texts
from attribution.removal import score_kept, seen_words
from attribution.rerankers.reranker import Reranker
from tests.linear import QUERY, WORDS, linear_reranker

LONG = " ".join(random.Random(0).choices([word for word in WORDS if len(word) > 1], k=55))
SHORT = "delta ember fjord grape hazel ivory jewel karma"


def through_the_model(reranker: Reranker, action: Callable[[], Any]) -> Tensor:
    """The embeddings `(n, seq, hidden)` that the model went on with while `action` ran."""
    seen: list[Tensor] = []
    block = reranker.model.get_submodule("embeddings")
    handle = block.register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))
    try:
        action()
    finally:
        handle.remove()
    return torch.cat(seen)


def test_the_seed_makes_the_random_orders() -> None:
    """The control's numbers are those of `random_orders` at that seed, by forwards of our own."""
    reranker = linear_reranker()
    saliency = {"saliency": explain(reranker, QUERY, SHORT, "saliency")}
    pair = reranker.encode(QUERY, SHORT)
    words = seen_words(pair)
    first, again, other = (measure(reranker, saliency, n_random=3, seed=seed).random.orders for seed in (5, 5, 6))
    assert first == again
    assert {order.deletion for order in first} != {order.deletion for order in other}
    half = len(words) // 2
    for order, curves in zip(random_orders(len(words), 3, 5), first, strict=True):
        left = frozenset(order[half:])
        assert curves.deletion[4] == pytest.approx(score_kept(reranker, pair, words, [left])[left], abs=1e-5)
    assert random_orders(9, 4, 1) != random_orders(9, 4, 2)
    assert all(sorted(order) == list(range(9)) for order in random_orders(9, 4, 1))


@pytest.mark.parametrize("n_random", [2, 100])
def test_bounds_of_n_random_are_allowed(n_random: int) -> None:
    reranker = linear_reranker()
    saliency = {"saliency": explain(reranker, QUERY, SHORT, "saliency")}
    assert len(measure(reranker, saliency, n_random=n_random).random.orders) == n_random
    for beyond in (1, 101):
        with pytest.raises(OptionError, match=f"n_random is {beyond}"):
            measure(reranker, saliency, n_random=beyond)


def test_max_passes_is_reached_when_no_two_orders_share_a_set() -> None:
    reranker = linear_reranker()
    base = explain(reranker, QUERY, LONG, "saliency")
    draw = random.Random(3)
    noise = {str(i): replace(base, attributions=tuple(draw.random() for _ in base.tokens)) for i in range(4)}
    assert measure(reranker, noise).n_forward == max_passes(4) == 122
    assert measure(reranker, noise, n_random=2).n_forward == max_passes(4, 2) == 2 * len(FRACTIONS) * 7 + 2


SEED = (0, 2**63 - 1)
BOUNDS: dict[tuple[str, str], tuple[float, float]] = {  # as the methods' docstrings and README say them
    ("integrated_gradients", "tolerance"): (1e-4, 1.0),
    ("integrated_gradients", "max_evaluations"): (17, 1025),
    ("integrated_gradients_captum", "n_steps"): (2, 1000),
    ("integrated_gradients_captum", "internal_batch_size"): (1, 2048),
    ("expected_gradients", "n_samples"): (1, 1000),
    ("expected_gradients", "seed"): SEED,
    ("smoothgrad", "n_samples"): (1, 1000),
    ("smoothgrad", "noise"): (0.0, 10.0),
    ("smoothgrad", "seed"): SEED,
    ("shapley", "n_samples"): (2, 10_000),
    ("shapley", "seed"): SEED,
}


@pytest.mark.parametrize(("method", "option"), BOUNDS)
def test_an_option_is_taken_within_its_bounds_and_refused_beyond(method: str, option: str) -> None:
    """Taken: it gets as far as the model."""
    reranker, (low, high) = linear_reranker(), BOUNDS[method, option]
    step: float = 1 if isinstance(low, int) else 1e-5

    def stop(_meter: object) -> None:
        raise Stopped("far enough")

    for value in (low, high):
        with pytest.raises(Stopped):
            explain(reranker, QUERY, SHORT, method, on_pass=stop, **{option: value})
    for value in (low - step, high + step):
        with pytest.raises(OptionError, match=f"^{option} is .* between {low} and {high}"):
            explain(reranker, QUERY, SHORT, method, on_pass=stop, **{option: value})


@pytest.mark.parametrize(
    ("option", "low", "high", "run"),
    [
        ("n_words", 1, 64, partial(interaction, query=QUERY, document=SHORT)),
        ("most_orders", 4, 16, partial(contrast_sentences, query=QUERY, first=SHORT, second="amber.")),
        ("seed", *SEED, partial(sentences, query=QUERY, document=SHORT)),
    ],
)
def test_what_is_no_method_takes_its_option_within_its_bounds_too(
    option: str, low: int, high: int, run: Callable[..., object]
) -> None:
    def stop(_meter: object) -> None:
        raise Stopped("far enough")

    for value in (low, high):
        with pytest.raises(Stopped):
            run(linear_reranker(), on_pass=stop, **{option: value})
    for value in (low - 1, high + 1):
        with pytest.raises(OptionError, match=f"^{option} is .* between {low} and {high}"):
            run(linear_reranker(), on_pass=stop, **{option: value})


OF_NUMPY: dict[str, Callable[[Any], Any]] = {
    f"{method} {option}": lambda value, method=method, option=option: explain(
        linear_reranker(), QUERY, SHORT, method, **{option: value}
    )
    for method, option in BOUNDS
} | {
    "sentences": lambda value: sentences(linear_reranker(), QUERY, "alpha. " * 7, seed=value),
    "contrast_sentences": lambda value: contrast_sentences(linear_reranker(), QUERY, SHORT, "amber.", seed=value),
    "most_orders": lambda value: contrast_sentences(linear_reranker(), QUERY, SHORT, "amber.", most_orders=value - 1),
    "interaction": lambda value: interaction(linear_reranker(), QUERY, SHORT, n_words=value),
    "probe": lambda value: probe(linear_reranker(), QUERY, SHORT, seed=value),
    "probe_set": lambda value: probe_set(linear_reranker(), [(QUERY, SHORT)], seed=value),
}


@pytest.mark.parametrize("name", OF_NUMPY)
def test_a_number_of_numpy_is_taken_as_the_number_that_it_is(name: str) -> None:
    value, kind = (0.5, np.float32) if name.endswith(("tolerance", "noise")) else (17, np.int64)
    found, expected = (plain(OF_NUMPY[name](of)) for of in (kind(value), value))
    for one in (found, expected):
        if isinstance(one, dict):
            one.pop("seconds", None)
    assert dumps(found) == dumps(expected)
    if kind is np.int64:
        with pytest.raises(OptionError, match="it must be a whole number"):
            OF_NUMPY[name](np.float64(value))


@pytest.mark.parametrize("noise", [0.1, 0.3, 1.0])
def test_smoothgrads_noise_is_a_share_of_the_embeddings_deviation(noise: float) -> None:
    reranker = linear_reranker()
    with torch.no_grad():
        reranker.word_embeddings.get_parameter("weight").mul_(7)
    still = reranker.embed(reranker.encode(QUERY, SHORT))
    nodes = through_the_model(
        reranker, lambda: explain(reranker, QUERY, SHORT, "smoothgrad", n_samples=300, noise=noise)
    )
    noisy = nodes[(nodes != still).any(-1).any(-1)]
    assert len(noisy) == 300
    assert (noisy - still).std().item() == pytest.approx(noise * still.std().item(), rel=0.02)
    assert (noisy - still).mean().abs().item() < 0.02 * still.std().item()


def test_expected_gradients_places_are_one_a_stratum_and_on_the_path() -> None:
    """Node i lies between random text i and the pair, at a random place of the i-th n-th of the way."""
    reranker, n = linear_reranker(), 12
    pair = reranker.encode(QUERY, SHORT)
    whole = reranker.embed(pair)[0]  # (seq, hidden)
    places: list[list[float]] = []
    for seed in (1, 2):
        run = through_the_model(
            reranker, partial(explain, reranker, QUERY, SHORT, "expected_gradients", n_samples=n, seed=seed)
        )
        nodes = run[(run != whole).any(-1).any(-1)]
        assert len(nodes) == 2 * n
        generator = torch.Generator().manual_seed(seed)
        for side, of_side in zip(ONE_SIDE_EACH, nodes.split(n), strict=True):
            texts = reranker.word_embeddings(random_texts(reranker, pair, side, n, generator)).detach()
            torch.rand(n, generator=generator)
            way = whole - texts  # (n, seq, hidden)
            alphas = ((of_side - texts) * way).sum((1, 2)) / way.square().sum((1, 2))
            torch.testing.assert_close(of_side, texts + alphas[:, None, None] * way, atol=1e-4, rtol=0)
            assert (alphas * n).floor().tolist() == list(range(n))
            places.append((alphas * n % 1).tolist())
    assert len({round(place, 3) for of_side in places for place in of_side}) > 3.5 * n  # no two at the same spot


@pytest.mark.parametrize(
    ("method", "option", "room", "sizes"),
    [
        *(("expected_gradients", "n_samples", *row) for row in ((0, [1] * 6), (3, [3, 3]), (4, [3, 3]), (5, [3, 3]))),
        *(("integrated_gradients_captum", "n_steps", *row) for row in ((0, [1] * 6), (4, [4, 2]), (6, [6]))),
    ],
)
def test_six_nodes_go_through_the_model_as_many_at_once_as_there_is_room_for(
    method: str, option: str, room: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reranker, batches = linear_reranker(), list[int]()
    monkeypatch.setattr(path, "TOKENS_A_CHUNK", (room + 1) * len(reranker.encode(QUERY, SHORT).tokens) - 1)
    block = reranker.model.get_submodule("embeddings")
    block.register_forward_hook(lambda _module, _inputs, output: batches.append(len(output)))
    options: dict[str, Any] = {option: 6}
    explain(reranker, QUERY, SHORT, method, **options)
    assert batches[: 2 * len(sizes)] == sizes * 2, "for the document, then for the query"


@pytest.mark.parametrize(("n_words", "fewest"), [(4, 2), (8, 16)])
def test_shapley_is_exact_from_the_threshold_on(n_words: int, fewest: int) -> None:
    """`2 ** n <= 2 * n_samples * n`, met with equality: every subset is scored. One sample fewer: not every one."""
    reranker, document = linear_reranker(), " ".join(SHORT.split()[:n_words])
    words = seen_words(reranker.encode("apple", document))
    assert len(words) == n_words
    at = explain(reranker, "apple", document, "shapley", n_samples=fewest)
    assert at.n_forward >= 2**n_words
    if fewest > 2:
        assert explain(reranker, "apple", document, "shapley", n_samples=fewest - 1).n_forward < 2**n_words


def test_seconds_are_those_of_the_call_and_no_more() -> None:
    linear = linear_reranker()
    lower, higher = sorted((SHORT[:20], SHORT[20:]), key=lambda text: linear.score(QUERY, [text])[0])
    saliency = {"saliency": explain(linear, QUERY, SHORT, "saliency")}
    calls: list[Callable[[], Any]] = [
        lambda: explain(linear, QUERY, SHORT),
        lambda: sentences(linear, QUERY, SHORT),
        lambda: contrast(linear, QUERY, lower, higher),
        lambda: contrast_sentences(linear, QUERY, lower, higher),
        lambda: counterfactual(linear, QUERY, higher, lower),
        lambda: raise_above(linear, QUERY, lower, higher),
        lambda: interaction(linear, QUERY, lower),
        lambda: measure(linear, saliency, n_random=2),
    ]
    for call in calls:
        began = time.perf_counter()
        found = call()
        assert 0 < found.seconds <= time.perf_counter() - began


@pytest.mark.parametrize(
    "function", [sentences, sentences_stream, contrast_sentences, probe, probe_set, measure_stream]
)
def test_who_names_no_seed_gets_the_same_draws_everywhere(function: Callable[..., Any]) -> None:
    assert signature(function).parameters["seed"].default == 0
