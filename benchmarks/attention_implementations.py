"""sdpa against eager attention, forward and gradient: `python -m benchmarks.attention_implementations [MODEL]`."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from attribution import load_reranker
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair

LENGTHS = (64, 128, 256, 512)  # tokens
WARM_UP = 2
QUERY = "how many people live in Berlin"
SENTENCE = "Berlin is the capital of Germany and has about 3.7 million inhabitants in twelve boroughs. "


def pair_of(reranker: Reranker, length: int) -> TokenizedPair:
    """The longest pair of at most `length` tokens, a few words long or more."""
    words = (SENTENCE * length).split()
    low, high = 1, len(words)
    while low < high:  # the most words that fit
        middle = (low + high + 1) // 2
        tokens = len(reranker.tokenizer(QUERY, " ".join(words[:middle]), verbose=False)["input_ids"])
        low, high = (middle, high) if tokens <= length else (low, middle - 1)
    return reranker.encode(QUERY, " ".join(words[:low]))


def forward(reranker: Reranker, pair: TokenizedPair) -> None:
    """One score, by the whole model as anybody runs it."""
    with torch.inference_mode():
        reranker.read_logit(reranker.outputs(dict(pair.inputs))).item()


def gradient(reranker: Reranker, pair: TokenizedPair) -> None:
    """One score and its gradient at the word embeddings, likewise."""
    emb = reranker.embed(pair).clone().requires_grad_(True)
    with reranker.adapter.intercept("word", lambda _output: emb):
        logit = reranker.read_logit(reranker.outputs(dict(pair.inputs)))
    torch.autograd.grad(logit.sum(), emb)[0].sum().item()


PASSES: dict[str, Callable[[Reranker, TokenizedPair], None]] = {"forward": forward, "forward + gradient": gradient}


def measure(rerankers: list[Reranker], length: int, name: str, n: int) -> list[float]:
    """Median milliseconds of each over `n` runs, in turns, so that other load falls on all alike."""
    pair = pair_of(rerankers[0], length)
    times: list[list[float]] = [[] for _ in rerankers]
    for turn in range(WARM_UP + n):
        for taken, reranker in zip(times, rerankers, strict=True):
            began = time.perf_counter()
            PASSES[name](reranker, pair)
            if turn >= WARM_UP:
                taken.append(1000 * (time.perf_counter() - began))
    return [statistics.median(taken) for taken in times]


def main() -> None:
    """Write a markdown table to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", help="a key of MODELS, a folder or a Hub id; default: the bundled reranker")
    parser.add_argument("-n", type=int, default=15, help="runs a cell")
    options = parser.parse_args()
    shared = load_reranker(options.model, device="cpu")
    rerankers = [shared, shared.eager()]
    print("| tokens | pass | sdpa, ms | eager, ms | eager / sdpa |\n|---|---|---|---|---|")
    for length in LENGTHS:
        for name in PASSES:
            sdpa, eager = measure(rerankers, length, name, options.n)
            print(f"| {length} | {name} | {sdpa:.1f} | {eager:.1f} | {eager / sdpa:.2f} |", flush=True)


if __name__ == "__main__":
    main()
