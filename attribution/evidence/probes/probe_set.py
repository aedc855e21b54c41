"""Probes over many pairs: on which share of them each expectation held, with a bootstrap interval."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import fmean

from attribution.errors import InputError, check_seed, shown
from attribution.evidence.probes.probe import ProbeResult, check_probes, probe
from attribution.evidence.probes.table import NEITHER
from attribution.rerankers.reranker import Reranker, check_reranker

RESAMPLES = 2000


@dataclass(frozen=True)
class ProbeShare:
    """One probe over a set, as shares of the `n` pairs it applies to: `held`, `failed` and `neither` sum to 1.

    `held`: it held, or moved where either direction may be right; `low` to `high`: its 95 % bootstrap interval.
    `failed`: it did not hold. `neither`: no clear effect, or too noisy to tell. `change`: the mean, in logits; compare
    its sign across models, never its size. All None: the probe applied to no pair.
    """

    probe: str
    n: int
    held: float | None
    low: float | None
    high: float | None
    failed: float | None
    neither: float | None
    change: float | None


def probe_set(
    reranker: Reranker,
    pairs: Iterable[tuple[str, str]],
    probes: Sequence[str] | None = None,
    seed: int = 0,
    *,
    on_pair: Callable[[int, InputError | None], None] | None = None,
) -> dict[str, ProbeShare]:
    """`probe` on every `(query, document)`, gathered by probe. Pairs the model cannot read are left out.

    `on_pair` hears of every pair's number, from 0, and of what was wrong with one left out. Raises `OptionError`, and
    `InputError` for what is no pair.
    """
    check_reranker(reranker)
    chosen, seed = check_probes(probes), check_seed(seed)
    found: dict[str, list[ProbeResult]] = {key: [] for key in chosen}
    for number, (query, document) in enumerate(_pairs(pairs)):
        problem = None
        try:
            for result in probe(reranker, query, document, chosen, seed):
                if result.change is not None:
                    found[result.probe].append(result)
        except InputError as error:
            problem = error
        if on_pair:
            on_pair(number, problem)
    return {key: _share(key, results, seed) for key, results in found.items()}


def _pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    if isinstance(pairs, str | bytes) or not isinstance(pairs, Iterable):
        raise InputError(f"pairs is {shown(pairs)}. Give a list of (query, document).")
    for number, pair in enumerate(pairs):
        try:
            query, document = () if isinstance(pair, str | bytes | Mapping | Set) else pair
        except (TypeError, ValueError):
            raise InputError(
                f"pairs holds {shown(pair)} at index {number}. Give a list of (query, document)."
            ) from None
        yield query, document


def _share(key: str, results: Sequence[ProbeResult], seed: int) -> ProbeShare:
    if not results:
        return ProbeShare(key, 0, None, None, None, None, None, None)
    held = [float(result.verdict in ("held", "moved")) for result in results]
    failed = fmean(result.verdict == "did not hold" for result in results)
    neither = fmean(result.verdict in NEITHER for result in results)
    rand = random.Random(seed)
    means = sorted(fmean(rand.choices(held, k=len(held))) for _ in range(RESAMPLES))
    low, high = means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]
    change = fmean(result.change for result in results if result.change is not None)
    return ProbeShare(key, len(results), fmean(held), low, high, failed, neither, change)
