"""BM25 by bm25s over one query's candidates: what an order without any model looks like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np


def bm25(query: str, texts: Sequence[str]) -> list[float]:
    """One BM25 score a text, counted over these texts alone; 0 for all where no word of the query is in any.

    Robertson and Walker 1994, in the form of Lucene; English stop words are left out. Lù 2024, arXiv:2407.03618.
    """
    index, known = _index(texts)
    words = [word for word in _words([query])[0] if word in known]
    return [float(score) for score in index.get_scores(words)] if words else [0.0] * len(texts)


def best_by_bm25(texts: Iterable[str], queries: Iterable[str], top: int) -> Iterator[list[int]]:
    """For each query the places of its `top` best texts, best first; only texts that hold a word of it.

    No text is kept; the index in memory takes some 16 bytes a word.
    """
    index, known = _index(texts)
    for query in queries:
        words = [word for word in _words([query])[0] if word in known]
        scores = index.get_scores(words) if words else np.zeros(0)
        best = np.argsort(-scores, kind="stable")[:top].tolist()
        yield [i for i in best if scores[i] > 0]


def _index(texts: Iterable[str]) -> tuple[Any, set[str]]:
    """An index of the texts, and the words it knows."""
    import bm25s

    tokens = _words(texts)
    index = bm25s.BM25()
    known = {word for words in tokens for word in words}
    if known:
        index.index(tokens, show_progress=False)
    return index, known


def _words(texts: Iterable[str]) -> list[list[str]]:
    import bm25s

    words: list[list[str]] = bm25s.tokenize(iter(texts), stopwords="en", show_progress=False, return_ids=False)
    return words
