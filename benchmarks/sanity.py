"""Adebayo et al. 2018 (arXiv:1810.03292): does an explanation change when the model's weights are shuffled?"""

from __future__ import annotations

import copy
import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator

import torch

from attribution import METHODS, explain
from attribution.evidence.agreement import spearman
from attribution.evidence.faithfulness.measure import ranked_by
from attribution.removal import seen_words
from attribution.rerankers.reranker import Reranker
from benchmarks.bench import Bench
from benchmarks.data import read_pairs
from benchmarks.report import Cell, Interval, Table, interval

PAIRS = 10
LAYER = re.compile(r"\blayers?\.(\d+)\.")


def run(bench: Bench) -> list[Table]:
    """Spearman of document words before and after, per method and stage; 1 means nothing changed."""
    methods = bench.quick()
    found: dict[str, dict[str, list[float]]] = {method: defaultdict(list) for method in methods}
    stages = list(randomised(bench.reranker))
    pairs = read_pairs(bench.folder, min(PAIRS, bench.pairs))
    n = 0
    for i, pair in bench.progress("sanity", pairs):
        n = i + 1
        for method in methods:
            before = bench.explain(pair, method)
            words = seen_words(before)
            for stage, reranker in stages:
                after = explain(reranker, pair.query, pair.document, method)
                rho = spearman(ranked_by(before, words), ranked_by(after, words))
                found[method][stage].append(0.0 if rho is None else rho)
    rows: list[dict[str, Cell]] = []
    for method in methods:
        row: dict[str, Cell] = {"method": METHODS[method].label}
        row |= {stage: interval(values) for stage, values in found[method].items()}
        rows.append(row)
    rows.sort(key=lambda row: _mean(row[stages[-2][0]]))
    says = (
        "Spearman's rank correlation of the document's words before and after shuffling weights from the top down, "
        f"{n} pairs. Near 0: the explanation depends on those weights. Near 1: it does not, so it cannot "
        "explain them."
    )
    return [Table("Sanity: shuffled weights", says, rows)]


def randomised(reranker: Reranker, seed: int = 0) -> Iterator[tuple[str, Reranker]]:
    """Stages, each with all of the one before: the head; the upper half of the layers; all layers; all weights.

    Shuffling the entries of a tensor keeps its scale, so the model stays a working, if untaught, network.
    """
    names = [name for name, _ in reranker.model.named_parameters()]
    layer = {name: int(match[1]) for name in names if (match := LAYER.search(name))}
    last = max(layer.values())
    top = max(names.index(name) for name in layer)
    stages = {
        "head": [name for name in names[top:] if name not in layer],
        f"+ layers {last // 2 + 2} to {last + 1}": [name for name in layer if layer[name] > last // 2],
        "+ all layers": list(layer),
        "+ embeddings": names,
    }
    generator = torch.Generator().manual_seed(seed)
    model = copy.deepcopy(reranker.model)
    done: set[str] = set()
    for stage, chosen in stages.items():
        for name in chosen:
            if name not in done:
                shuffle(model.get_parameter(name), generator)
        done |= set(chosen)
        yield stage, dataclasses.replace(reranker, model=copy.deepcopy(model), revision=f"shuffled: {stage}")


@torch.no_grad()
def shuffle(weight: torch.Tensor, generator: torch.Generator) -> None:
    """Put the entries of `weight` in a random order, in place."""
    order = torch.randperm(weight.numel(), generator=generator).to(weight.device)
    weight.copy_(weight.flatten()[order].view_as(weight))


def _mean(cell: Cell) -> float:
    return cell.mean if isinstance(cell, Interval) else 0.0
