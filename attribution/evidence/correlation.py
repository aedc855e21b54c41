"""How far two rankings of the same words agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TOP = 5  # how many top words an overlap looks at


def spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's rank correlation, ties given their average rank; None when either side is constant."""
    ranks = [_average_ranks(side) for side in (a, b)]
    if any(len(np.unique(side)) <= 1 for side in ranks):
        return None
    return float(np.asarray(np.corrcoef(ranks))[0, 1])


def top_k_overlap(a: Sequence[float], b: Sequence[float], k: int) -> float:
    """The share of the `k` largest of `a` that are among the `k` largest of `b`; `k` is cut to the length."""
    k = min(k, len(a))
    return len(_top(a, k) & _top(b, k)) / k if k else 0.0


def _top(values: Sequence[float], k: int) -> set[int]:
    return set(sorted(range(len(values)), key=lambda i: -values[i])[:k])  # ties: the earlier word


def _average_ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """`(n,)` ranks from 0; equal values share the mean of the ranks they span."""
    x = np.asarray(values, dtype=np.float64)
    smaller = (x[None, :] < x[:, None]).sum(1)
    equal = (x[None, :] == x[:, None]).sum(1)
    return np.asarray(smaller + (equal - 1) / 2, dtype=np.float64)
