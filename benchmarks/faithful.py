"""Do the words a method puts first carry the score? Comprehensiveness and sufficiency against the controls."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from attribution import METHODS
from attribution.evidence.faithfulness.measure import measure
from attribution.evidence.faithfulness.scores import Curves, Faithfulness
from attribution.removal import OPERATORS
from benchmarks.bench import COSTLY_SHARE, Bench
from benchmarks.data import lengths, read_pairs
from benchmarks.report import Cell, Table, interval, share

PAIRS = 120
SHORT_PAIRS = 200
N_RANDOM = 10
RANDOM = "random order (control)"


def run(bench: Bench) -> list[Table]:
    """Two tables an operator, the most comprehensive method first: the quick methods, and all on fewer pairs."""
    measured: dict[str, list[Faithfulness]] = {operator: [] for operator in OPERATORS}
    pairs = read_pairs(bench.folder, min(PAIRS, bench.pairs))
    for i, pair in bench.progress("faithfulness", pairs):
        methods = bench.methods if i % COSTLY_SHARE == 0 else bench.quick()
        explanations = {method: bench.explain(pair, method) for method in methods}
        for operator, results in measured.items():
            results.append(measure(bench.reranker, explanations, operator=operator, n_random=N_RANDOM, seed=i))
    n = len(measured["mask"])
    tables = [_table(operator, results, bench.quick(), lengths(pairs[:n])) for operator, results in measured.items()]
    if bench.costly():
        few = lengths(pairs[:n:COSTLY_SHARE])
        tables += [
            _table(operator, results[::COSTLY_SHARE], bench.methods, few, ", all methods on fewer pairs")
            for operator, results in measured.items()
        ]
    return tables


def run_short(bench: Bench) -> list[Table]:
    """One table an operator: the quick methods on many short documents."""
    measured: dict[str, list[Faithfulness]] = {operator: [] for operator in OPERATORS}
    pairs = read_pairs(bench.folder, min(SHORT_PAIRS, bench.pairs), passages=False)
    for i, pair in bench.progress("short documents", pairs):
        explanations = {method: bench.explain(pair, method) for method in bench.quick()}
        for operator, results in measured.items():
            results.append(measure(bench.reranker, explanations, operator=operator, n_random=N_RANDOM, seed=i))
    return [
        _table(operator, results, bench.quick(), lengths(pairs[: len(results)]), ", short documents")
        for operator, results in measured.items()
    ]


def _table(
    operator: str, results: Sequence[Faithfulness], methods: Sequence[str], about: str, title: str = ""
) -> Table:
    """Every row is over all of `results`: a method that lacks one is an error."""
    gains: dict[str, list[float]] = {}  # over the mean of the pair's own random orders
    scores: dict[str, list[Curves]] = {}
    beats: dict[str, list[bool]] = {}
    for method in methods:
        of_method = [result.methods[method] for result in results]
        scores[method] = list(of_method)
        gains[method] = [
            score.comprehensiveness - result.random.comprehensiveness.mean
            for score, result in zip(of_method, results, strict=True)
        ]
        beats[method] = [score.beats_random for score in of_method]
    chance = [result.random.orders for result in results]
    scores[RANDOM] = [first for first, *_ in chance]
    gains[RANDOM] = [first.comprehensiveness - fmean(o.comprehensiveness for o in rest) for first, *rest in chance]
    beats[RANDOM] = [all(first.comprehensiveness > o.comprehensiveness for o in rest) for first, *rest in chance]
    rows: list[dict[str, Cell]] = [
        {
            "method": METHODS[method].label if method in METHODS else method,
            "comprehensiveness": interval([s.comprehensiveness for s in scores[method]]),
            "more than random orders": interval(gains[method]),
            "sufficiency (lower is better)": interval([s.sufficiency for s in scores[method]]),
            "beats every random order": share(beats[method]),
            "pairs": len(scores[method]),
        }
        for method in sorted(scores, key=lambda method: -fmean(gains[method]))
    ]
    says = (
        f"{about}. In logits, document words only; {OPERATORS[operator]}. Means with 95 % bootstrap intervals. The "
        f"last share is about {100 / (N_RANDOM + 1):.0f} % by chance."
    )
    return Table(f"Faithfulness, operator “{operator}”{title}", says, rows)
