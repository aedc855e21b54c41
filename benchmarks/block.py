"""Gradient after the embeddings block by one forward against two: `python -m benchmarks.block [MODEL] [--rounds N]`.

One forward captures what the block returns and goes on with it; two run the model to get it, and again to score it.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from attribution import load_reranker
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from benchmarks.attention_implementations import pair_of
from benchmarks.clock import side_by_side

LENGTHS = (32, 128, 512)  # tokens


def in_one(reranker: Reranker, pair: TokenizedPair) -> Tensor:
    """The gradient `(1, seq, hidden)`, the block captured in the forward that makes the logit."""
    states, logit = reranker.logit_from_block(pair)
    return torch.autograd.grad(logit.sum(), states)[0]


def in_two(reranker: Reranker, pair: TokenizedPair) -> Tensor:
    """The same, the block captured in a forward of its own."""
    with torch.no_grad():
        states = reranker.logit_from_block(pair)[0].requires_grad_(True)
    with reranker.adapter.intercept("block", lambda _output: states):
        logit = reranker.forward(dict(pair.inputs))
    return torch.autograd.grad(logit.sum(), states)[0]


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="key of MODELS, folder or Hub id")
    parser.add_argument("--rounds", type=int, default=9, help="runs of each, in turns; the median is told")
    options = parser.parse_args()
    reranker = load_reranker(options.model, device="cpu")
    for length in LENGTHS:
        pair = pair_of(reranker, length)
        torch.testing.assert_close(in_one(reranker, pair), in_two(reranker, pair))
        jobs = {"one": lambda pair=pair: in_one(reranker, pair), "two": lambda pair=pair: in_two(reranker, pair)}
        taken = side_by_side(jobs, options.rounds)
        print(
            f"{len(pair.tokens)} tokens: two forwards {1000 * taken['two']:.0f} ms, one {1000 * taken['one']:.0f} ms, "
            f"ratio {taken['one'] / taken['two']:.2f}"
        )


if __name__ == "__main__":
    main()
