"""Integrated gradients against Captum's defaults on passages of many lengths."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from attribution import explain
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from benchmarks.clock import Job, side_by_side
from benchmarks.peers import BOTH, FIRST, ONE, PEERS
from benchmarks.report import Cell, Table

ROOT = Path(__file__).parent.parent
PASSAGES, LENGTHS = 100, (40, 400)  # how many, and words of the shortest and longest


def against_captum(reranker: Reranker, n: int = PASSAGES, minutes: float = float("inf")) -> Table:
    """The three ways to integrated gradients over `n` passages of many lengths, and the nodes that ours took.

    After so many `minutes` no new passage is begun. Any number of the first ones has short and long ones alike.
    """
    names = [FIRST, BOTH, ONE]
    ratios: dict[str, list[float]] = {name: [] for name in names}
    nodes: dict[str, list[int]] = {name: [] for name in names}
    explain(reranker, "who", "warms up", "integrated_gradients")
    began = time.monotonic()
    for pair in spread(passages(reranker, n)):
        if ratios[FIRST] and time.monotonic() - began > 60 * minutes:
            break
        made: dict[str, Any] = {}
        jobs = {name: partial(_keep, made, name, PEERS[name](reranker, pair)) for name in names}
        taken = side_by_side(jobs, 1, warm_up=False)
        for name in names:
            ratios[name].append(taken[name] / taken[FIRST])
        for name in (BOTH, ONE):
            nodes[name] += [path.n_steps for path in made[name].paths]
    rows: list[dict[str, Cell]] = [
        {
            "what": name,
            "nodes a path: median": float(median(nodes[name])) if nodes[name] else 50.0,
            "ratio to the first: median": median(ratios[name]),
            "ratio to the first: worst": max(ratios[name]),
            "pairs": len(ratios[name]),
        }
        for name in names
    ]
    says = f"In turns on the same passages of {LENGTHS[0]} to {LENGTHS[1]} words, once each."
    return Table("Integrated gradients against Captum's defaults", says, rows)


def _keep(made: dict[str, Any], name: str, job: Job) -> None:
    made[name] = job()


def spread(pairs: Sequence[TokenizedPair]) -> list[TokenizedPair]:
    """Another order, of which every beginning is spread evenly over the whole (van der Corput's sequence)."""
    digits = len(pairs).bit_length()
    return [pairs[i] for i in sorted(range(len(pairs)), key=lambda i: f"{i:0{digits}b}"[::-1])]


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
