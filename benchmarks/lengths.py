"""Integrated gradients against Captum's defaults on passages of many lengths."""

from __future__ import annotations

import json
import random
from pathlib import Path
from statistics import median

from attribution import explain
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from benchmarks.clock import side_by_side
from benchmarks.peers import BOTH, FIRST, ONE, PEERS
from benchmarks.report import Cell, Table

ROOT = Path(__file__).parent.parent
PASSAGES, LENGTHS = 100, (40, 400)  # how many, and words of the shortest and longest


def against_captum(reranker: Reranker, n: int = PASSAGES) -> Table:
    """The three ways to integrated gradients over `n` passages of many lengths, and the nodes that ours took."""
    names = [FIRST, BOTH, ONE]
    ratios: dict[str, list[float]] = {name: [] for name in names}
    nodes: dict[str, list[int]] = {name: [] for name in names}
    explain(reranker, "who", "warms up", "integrated_gradients")
    for pair in passages(reranker, n):
        taken = side_by_side({name: PEERS[name](reranker, pair) for name in names}, 1, warm_up=False)
        for name in names:
            ratios[name].append(taken[name] / taken[FIRST])
        for name, joint in ((BOTH, False), (ONE, True)):
            made = explain(reranker, pair.query, pair.document, "integrated_gradients", joint=joint)
            nodes[name] += [path.n_steps for path in made.paths]
    rows: list[dict[str, Cell]] = [
        {
            "what": name,
            "nodes a path: median": float(median(nodes[name])) if nodes[name] else 50.0,
            "ratio to the first: median": median(ratios[name]),
            "ratio to the first: worst": max(ratios[name]),
            "pairs": n,
        }
        for name in names
    ]
    says = f"In turns on the same {n} passages of {LENGTHS[0]} to {LENGTHS[1]} words, once each."
    return Table("Integrated gradients against Captum's defaults", says, rows)


def passages(reranker: Reranker, n: int, words: tuple[int, int] = LENGTHS) -> list[TokenizedPair]:
    """`n` pairs: a query of the examples, its document among others, `words` at least and at most, evenly spread."""
    examples = json.loads((ROOT / "examples" / "pairs.json").read_text(encoding="utf-8"))
    draw = random.Random(0)
    pairs = []
    for i in range(n):
        length = round(words[0] + (words[1] - words[0]) * i / max(1, n - 1))
        example, *others = draw.sample(examples, len(examples))
        text = " ".join(of["document"] for of in [*others, *others, *others]).split()
        own = example["document"].split()[:length]
        start = draw.randint(0, length - len(own))  # of its own document
        pairs.append(reranker.encode(example["query"], " ".join([*text[:start], *own, *text[start:]][:length])))
    return pairs
