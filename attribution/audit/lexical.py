"""BM25 by bm25s over one query's candidates: what an order without any model looks like."""

from __future__ import annotations

from collections.abc import Sequence


def bm25(query: str, texts: Sequence[str]) -> list[float]:
    """One BM25 score a text, counted over these texts alone; 0 for all where no word of the query is in any.

    Robertson and Walker 1994, in the form of Lucene; English stop words are left out. Lù 2024, arXiv:2407.03618.
    """
    import bm25s

    if not texts:
        return []
    tokens = bm25s.tokenize(list(texts), stopwords="en", show_progress=False, return_ids=False)
    wanted = bm25s.tokenize([query], stopwords="en", show_progress=False, return_ids=False)[0]
    known = {token for words in tokens for token in words}
    if not known & set(wanted):
        return [0.0] * len(texts)
    index = bm25s.BM25()
    index.index(tokens, show_progress=False)
    return [float(score) for score in index.get_scores([word for word in wanted if word in known])]
