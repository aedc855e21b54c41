"""Do a method's words lie in the evidence that a human marked? Plausible is not faithful; both are shown."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from attribution import METHODS
from attribution.evidence.faithfulness.measure import ranked_by
from attribution.removal import seen_words
from attribution.types import Explanation
from benchmarks.bench import Bench
from benchmarks.data import Pair, read_evidence
from benchmarks.report import Cell, Table, interval

PAIRS = 40
N_RANDOM = 20
COMMON = frozenset(re.findall(r"\w+", "what which who when where why how is are was were do does did a an the of in"))
RANDOM, OVERLAP = "random order (control)", "words of the query (control)"


def run(bench: Bench) -> list[Table]:
    """Average precision of the document's words against the marked spans, per method."""
    found: dict[str, list[float]] = defaultdict(list)
    for i, pair in bench.progress("plausibility", read_evidence(bench.folder, min(PAIRS, bench.pairs))):
        for method in bench.quick():
            explanation = bench.explain(pair, method)
            words = seen_words(explanation)
            marked = [_in_evidence(explanation, positions, pair) for positions in words]
            found[METHODS[method].label].append(average_precision(ranked_by(explanation, words), marked, i))
        texts = [pair.document[span_of(explanation, positions)] for positions in words]
        found[OVERLAP].append(average_precision(query_overlap(pair.query, texts), marked, i))
        found[RANDOM].append(fmean(average_precision([0.0] * len(words), marked, s) for s in range(N_RANDOM)))
    rows: list[dict[str, Cell]] = [
        {"method": method, "average precision": interval(found[method]), "pairs": len(found[method])}
        for method in sorted(found, key=lambda method: -fmean(found[method]))
    ]
    says = (
        "Document words against the spans that answer the question, marked by humans (OneStopQA). A model may rightly "
        "use other words than a human would mark."
    )
    return [Table("Plausibility", says, rows)]


def average_precision(values: Sequence[float], relevant: Sequence[bool], seed: int) -> float:
    """Mean precision at the rank of each relevant word, the largest value first; ties in a random order."""
    order = random.Random(seed).sample(range(len(values)), len(values))
    order.sort(key=lambda i: -values[i])
    hits = [rank for rank, i in enumerate(order, 1) if relevant[i]]
    return fmean(n / rank for n, rank in enumerate(hits, 1))


def query_overlap(query: str, words: Sequence[str]) -> list[float]:
    """1 for a word that is also in the query and no common word, else 0."""
    asked = {word.strip("?.,").lower() for word in query.split()} - COMMON
    return [float(word.strip().lower() in asked) for word in words]


def span_of(explanation: Explanation, positions: Sequence[int]) -> slice:
    """The document's characters of a word whose tokens stand at `positions`."""
    first, last = explanation.tokens[positions[0]], explanation.tokens[positions[-1]]
    return slice(first.start, last.end)


def _in_evidence(explanation: Explanation, positions: Sequence[int], pair: Pair) -> bool:
    where = span_of(explanation, positions)
    return any(start <= where.start and where.stop <= end for start, end in pair.spans)
