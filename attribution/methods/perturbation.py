"""Methods that take words away and watch the logit: no gradient, one forward for each change."""

from collections.abc import Sequence
from itertools import combinations
from math import comb

import torch

from attribution.errors import check_range, check_seed
from attribution.methods import in_full
from attribution.removal import Play, game, score_kept, seen_words
from attribution.rerankers.reranker import Reranker
from attribution.types import Attributed, PathRun, Segment, TokenizedPair

DOCUMENT_FIRST: tuple[Segment, Segment] = ("document", "query")
ROLLS = 4  # of one random order, each with its reverse


def occlusion(reranker: Reranker, pair: TokenizedPair, *, operator: str = "mask") -> Attributed:
    """`logit - logit without this word`, one word of the document or the query at a time, in logits.

    A word's value is spread evenly over its tokens. `operator`: a key of `removal.OPERATORS`.
    Zeiler & Fergus 2014, arXiv:1311.2901; Li et al. 2016, arXiv:1612.08220. Raises `OptionError`.
    """
    words = [word for side in DOCUMENT_FIRST for word in seen_words(pair, side)]
    everything = frozenset(range(len(words)))
    without = [everything - {w} for w in range(len(words))]
    logits = score_kept(reranker, pair, words, [everything, *without], operator)
    values = [logits[everything] - logits[kept] for kept in without]
    return Attributed(_spread(reranker, pair, words, values), logit=logits[everything])


def shapley(reranker: Reranker, pair: TokenizedPair, *, n_samples: int = 8, seed: int = 0) -> Attributed:
    """Each word's mean effect on the logit over the orders in which words may join "no document" (or "no query").

    Exact when a side has no more subsets than twice `n_samples` times its words; else over `n_samples`
    `balanced_orders`. Each side sums to `logit - baseline_logit`, in logits; a word's value is spread evenly over its
    tokens. Castro et al. 2009, doi:10.1016/j.cor.2008.04.004; Lundberg & Lee 2017, arXiv:1705.07874.
    Raises `OptionError`.
    """
    n_samples = check_range("n_samples", n_samples, 2, 10_000)
    seed = check_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(len(pair.tokens), device=reranker.device)  # (seq,)
    runs = []
    for side in DOCUMENT_FIRST:
        words = seen_words(pair, side)
        play = game(reranker, pair, words)
        if in_full(len(words), n_samples):
            values = exact_shapley(play, len(words))
        else:
            values = sampled_shapley(play, len(words), n_samples, generator)
        total += _spread(reranker, pair, words, values)
        whole, empty = frozenset(range(len(words))), frozenset[int]()
        logits = play([whole, empty])  # known by now
        runs.append(PathRun((side,), reranker.default_baseline, n_steps=0, baseline_logit=logits[empty]))
    return Attributed(total, tuple(runs), logit=logits[whole])


def exact_shapley(play: Play, n: int) -> list[float]:
    """`sum over S without w of (F(S + w) - F(S)) / (n C(n-1, |S|))` for each word `w` of `n`."""
    subsets = [frozenset(members) for size in range(n + 1) for members in combinations(range(n), size)]
    logit = play(subsets)
    return [
        sum((logit[s | {w}] - logit[s]) / (n * comb(n - 1, len(s))) for s in subsets if w not in s) for w in range(n)
    ]


def sampled_shapley(play: Play, n: int, n_samples: int, generator: torch.Generator) -> list[float]:
    """The mean over `n_samples` `balanced_orders` of what each word adds to those before it."""
    effects = order_effects(play, balanced_orders(n, n_samples, generator))
    return [sum(of_word) / n_samples for of_word in zip(*effects, strict=True)]


def order_effects(play: Play, orders: Sequence[Sequence[int]]) -> list[list[float]]:
    """`(orders, words)`: what each word adds to those before it in that order."""
    logit = play(frozenset(order[:k]) for order in orders for k in range(len(order) + 1))
    effects = [[0.0] * len(order) for order in orders]
    for order, row in zip(orders, effects, strict=True):
        for k, w in enumerate(order):
            row[w] = logit[frozenset(order[: k + 1])] - logit[frozenset(order[:k])]
    return effects


def balanced_orders(n: int, n_samples: int, generator: torch.Generator) -> list[list[int]]:
    """`n_samples` orders of `n` words, each uniformly random, in groups where each word stands early, mid and late.

    A group is one random order, the same order started a quarter, a half and three quarters further on, and the reverse
    of each. What a word adds depends most on how many words came before it. So groups reach the same error with about
    2.5 times fewer orders than independent orders and their reverses (`benchmarks/results.md`).
    """
    orders: list[list[int]] = []
    while len(orders) < n_samples:
        order = torch.randperm(n, generator=generator).tolist()
        rolls = min(ROLLS, -(-(n_samples - len(orders)) // 2))
        for start in (k * n // rolls for k in range(rolls)):
            rolled = order[start:] + order[:start]
            orders += [rolled, rolled[::-1]]
    return orders[:n_samples]


def _spread(reranker: Reranker, pair: TokenizedPair, words: list[list[int]], values: list[float]) -> torch.Tensor:
    """`(seq,)`: each word's value shared evenly by its tokens, 0 elsewhere."""
    spread = torch.zeros(len(pair.tokens), device=reranker.device)
    for positions, value in zip(words, values, strict=True):
        spread[positions] = value / len(positions)
    return spread
