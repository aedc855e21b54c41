"""Do the words a method puts first carry the score? Comprehensiveness and sufficiency against the controls."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean

from attribution import METHODS
from attribution.evidence.faithfulness import Curves, Faithfulness, measure
from attribution.rerankers.removal import OPERATORS
from benchmarks.bench import Bench
from benchmarks.data import read_pairs
from benchmarks.report import Cell, Table, interval, share

PAIRS = 200
N_RANDOM = 10
RANDOM = "random order (control)"


def run(bench: Bench) -> list[Table]:
    """One table an operator, the most comprehensive method first."""
    measured: dict[str, list[Faithfulness]] = {operator: [] for operator in OPERATORS}
    for i, pair in bench.progress("faithfulness", read_pairs(bench.folder, min(PAIRS, bench.pairs))):
        explanations = bench.explain_all(pair, i)
        for operator, results in measured.items():
            results.append(measure(bench.reranker, explanations, operator=operator, n_random=N_RANDOM, seed=i))
    return [_table(operator, results) for operator, results in measured.items()]


def _table(operator: str, results: list[Faithfulness]) -> Table:
    gains: dict[str, list[float]] = defaultdict(list)  # over the mean of the pair's own random orders
    scores: dict[str, list[Curves]] = defaultdict(list)
    beats: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        for method, score in result.methods.items():
            scores[method].append(score)
            gains[method].append(score.comprehensiveness - result.random.comprehensiveness.mean)
            beats[method].append(score.beats_random)
        chance = result.random.orders
        scores[RANDOM].append(chance[0])
        gains[RANDOM].append(chance[0].comprehensiveness - fmean(o.comprehensiveness for o in chance[1:]))
        beats[RANDOM].append(all(chance[0].comprehensiveness > o.comprehensiveness for o in chance[1:]))
    order = sorted(scores, key=lambda method: -fmean(gains[method]))
    rows: list[dict[str, Cell]] = [
        {
            "method": METHODS[method].label if method in METHODS else method,
            "comprehensiveness": interval([s.comprehensiveness for s in scores[method]]),
            "more than random orders": interval(gains[method]),
            "sufficiency (lower is better)": interval([s.sufficiency for s in scores[method]]),
            "beats every random order": share(beats[method]),
            "pairs": len(scores[method]),
        }
        for method in order
    ]
    says = (
        f"In logits, document words only; {OPERATORS[operator]}. Means with 95 % bootstrap intervals. The last share "
        f"is about {100 / (N_RANDOM + 1):.0f} % by chance. Rows with fewer pairs are over the first of them."
    )
    return Table(f"Faithfulness, operator “{operator}”", says, rows)
