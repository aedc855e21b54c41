"""The documented fallback. It does not depend on the score, so it is a control, not an explanation."""

from __future__ import annotations

from attribution.rerankers.reranker import Reranker
from attribution.types import Attributed, TokenizedPair


def embedding_magnitude(reranker: Reranker, pair: TokenizedPair) -> Attributed:
    """`sum_d |embedding_d|` of the word embeddings: the same for every score."""
    return Attributed(reranker.embed(pair).abs().sum(-1)[0])
