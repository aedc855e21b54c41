"""A pair of so many tokens, and what the model takes for it without this program: a score, a gradient."""

from __future__ import annotations

import torch

from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair

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
