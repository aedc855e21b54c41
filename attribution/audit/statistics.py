"""Intervals and tests over queries, each a few lines of numpy; queries are what is drawn anew, never pairs."""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
# What a query's failure holds, and what each of its correctly ordered pairs does, of which there is at least one.
Held = tuple[Container[str], Sequence[Container[str]]]
RESAMPLES = 2000
LEVEL = 0.05  # of intervals
CLAIMED_BELOW = 0.005  # p: no chance alone, since a model with random weights has tastes, too (benchmarks.audit_null)
AT_ONCE = 4_000_000  # draws in memory at a time


@dataclass(frozen=True)
class Excess:
    """How often something holds among failures, and among the same queries' correctly ordered pairs.

    `n`: queries that have both. `failures`, `controls`: its share in either, each query counted once. `ratio` of the
    two, with half a query added to both so that it is finite, and its 95 % bootstrap interval over queries. `p`: of
    the exact test, Holm-corrected over all that was asked. `claimed`: p < 0.005, and the interval is beyond 1.
    """

    n: int
    failures: float
    controls: float
    ratio: float
    low: float
    high: float
    p: float
    claimed: bool


def mean_intervals(values: Values, seed: int) -> Values:
    """Means of `(queries, columns)` with 95 % percentile bootstrap intervals over queries: `(columns, 3)`.

    Efron and Tibshirani 1993, chapter 13.
    """
    means = np.concatenate([weights @ values / len(values) for weights in _resamples(len(values), seed)])
    return np.stack([values.mean(0), *np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2], axis=0)], axis=1)


def _resamples(n: int, seed: int) -> Iterator[Values]:
    """How often each of `n` queries is drawn, `(draws, n)` at a time, `RESAMPLES` draws in all."""
    generator = np.random.default_rng(seed)
    step = AT_ONCE // n + 1
    for at in range(0, RESAMPLES, step):
        yield generator.multinomial(n, np.full(n, 1 / n), min(step, RESAMPLES - at)).astype(float)


def excesses(keys: Collection[str], queries: Sequence[Held], seed: int) -> dict[str, Excess]:
    """Key -> its `Excess`, Holm-corrected over all keys that hold for any pair."""
    n = len(queries)
    if not n or not keys:
        return {key: Excess(0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, False) for key in keys}
    failures = np.array([[float(key in failure) for key in keys] for failure, _ in queries])  # (queries, keys)
    counts = np.array([[sum(key in pair for pair in pairs) for key in keys] for _, pairs in queries])
    n_pairs = np.array([len(pairs) for _, pairs in queries])
    controls = counts / n_pairs[:, None]
    columns_of = zip(keys, failures.T, counts.T, strict=True)
    corrected = holm({key: exact_p(f, c, n_pairs) for key, f, c in columns_of if f.any() or c.any()})
    drawn = np.concatenate([_ratio(drawn @ failures, drawn @ controls) for drawn in _resamples(n, seed)])
    interval = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2], axis=0)  # (2, keys)
    ratio = _ratio(failures.sum(0), controls.sum(0))
    columns = np.column_stack([failures.mean(0), controls.mean(0), ratio, *interval]).tolist()
    p_values = [corrected.get(key, 1.0) for key in keys]
    return {
        key: Excess(n, held, elsewhere, times, low, high, p, p < CLAIMED_BELOW and low > 1)
        for key, p, (held, elsewhere, times, low, high) in zip(keys, p_values, columns, strict=True)
    }


def _ratio(failures: Values, controls: Values) -> Values:
    """In how many queries it holds among failures, to among controls."""
    return (failures + 0.5) / (controls + 0.5)


def exact_p(failures: Values, controls: NDArray[np.int64], n_controls: NDArray[np.int64]) -> float:
    """How probable so many failures, or more, would be if any of a query's pairs could as well have been its failure.

    Of each query: whether it holds for its failure, 0 or 1, and for how many of its `n_controls` ordered pairs.
    One-sided and exact: given how many of a query's pairs it holds for, its failure is any of them; the sum over
    queries has the distribution of independent draws of unequal chances. Mantel and Haenszel 1959's hypothesis.
    """
    chance = np.ones(1)
    for share in (failures + controls) / (1 + n_controls):
        chance = np.convolve(chance, [1 - share, share])
    return float(chance[int(failures.sum()) :].sum())


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm 1979: the k-th smallest of `m` is multiplied by `m - k + 1`, and none is below one that is smaller."""
    corrected: dict[str, float] = {}
    largest = 0.0
    for k, (key, p) in enumerate(sorted(p_values.items(), key=lambda entry: entry[1])):
        largest = max(largest, min(1.0, p * (len(p_values) - k)))
        corrected[key] = largest
    return corrected


def randomisation_p(differences: Values, seed: int) -> float:
    """Two-sided paired randomisation test: how often random signs make the mean difference as large as it is.

    All signs where there are at most 2,000 of them, else as many random ones. Smucker et al. 2007,
    doi:10.1145/1321440.1321528.
    """
    moved = differences[differences != 0]
    n = len(moved)
    if 2**n <= RESAMPLES:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float(np.mean(np.abs(signs @ moved) >= abs(moved.sum()) - 1e-12))
    generator = np.random.default_rng(seed)
    larger = sum(abs(generator.choice((-1.0, 1.0), n) @ moved) >= abs(moved.sum()) - 1e-12 for _ in range(RESAMPLES))
    return float((larger + 1) / (RESAMPLES + 1))
