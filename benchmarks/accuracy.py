"""Integrated gradients to equal error: what each rule needs, how long that takes, and what each improvement brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

import torch
from torch import Tensor

from attribution.methods.adaptive import FIRST, FLOOR, Nodes, integrate
from attribution.methods.path import OnePath, along_path
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from benchmarks.clock import side_by_side
from benchmarks.complete import REFERENCE, gauss_legendre_values, relative_l1, remember
from benchmarks.report import Cell, Table

GOALS = (0.01, 0.003)
OURS = (17, 21, 25, 29, 33, 41, 49, 65)
STEPS = (16, 24, 32, 40, 50, 64, 80)


def adaptive(evaluate: OnePath, n: int) -> Tensor:
    """Ours at exactly `n` nodes, `(seq,)`."""
    (found,) = integrate(lambda alphas: [evaluate(*alphas)], [torch.linspace(0, 1, FIRST)], 0.0, n)
    return found.values


def uniform(evaluate: OnePath, n: int) -> Tensor:
    """The trapezoid rule on uniform nodes."""
    alphas = torch.linspace(0, 1, n)
    return torch.trapezoid(evaluate(alphas)[1], alphas, dim=0)


def bisected(evaluate: OnePath, n: int) -> Nodes:
    """The nodes of `adaptive`, before anything is taken out of them."""
    seen: dict[float, tuple[Tensor, Tensor]] = {}

    def note(alphas: Tensor) -> tuple[Tensor, Tensor]:
        logits, slopes = evaluate(alphas)
        seen.update(zip(alphas.tolist(), zip(logits, slopes, strict=True), strict=True))
        return logits, slopes

    adaptive(note, n)
    places = sorted(seen)
    logits, slopes = zip(*(seen[place] for place in places), strict=True)
    return Nodes(torch.tensor(places), torch.stack(logits), torch.stack(slopes))


RULES: dict[str, tuple[Callable[[OnePath, int], Tensor], Sequence[int]]] = {
    "ours": (adaptive, OURS),
    "trapezoid, uniform": (uniform, (17, 33, 65)),
    "Captum's rule": (gauss_legendre_values, STEPS),
}
# At 17 nodes, each with one thing more than the one before.
SWITCHED: dict[str, Callable[[OnePath], Tensor]] = {
    "17 uniform nodes, trapezoid": lambda evaluate: uniform(evaluate, FLOOR),
    "bisected where the error is": lambda evaluate: bisected(evaluate, FLOOR).trapezoids.sum(0),
    "monotone cubic": lambda evaluate: bisected(evaluate, FLOOR).pieces.sum(0),
    "errors given back (ours)": lambda evaluate: adaptive(evaluate, FLOOR),
}


def run(reranker: Reranker, pairs: Sequence[TokenizedPair], rounds: int) -> list[Table]:
    """On the document's path of each pair."""
    needed: dict[tuple[str, float], list[float]] = {(rule, goal): [] for rule in RULES for goal in GOALS}
    seconds: dict[tuple[str, float], list[float]] = {key: [] for key in needed}
    errors: dict[str, list[float]] = {name: [] for name in SWITCHED}
    for pair in pairs:
        start = reranker.baselines(pair, reranker.default_baseline)
        plain = along_path(reranker, pair, reranker.embed(pair), start)
        known = remember(plain)
        reference = uniform(known, REFERENCE)
        for name, estimate in SWITCHED.items():
            errors[name].append(relative_l1(estimate(known), reference))
        for goal in GOALS:
            jobs = {}
            for name, (rule, counts) in RULES.items():
                n = next((n for n in counts if relative_l1(rule(known, n), reference) <= goal), None)
                needed[name, goal].append(n or float("inf"))
                if n:
                    jobs[name] = partial(rule, plain, n)
            taken = side_by_side(jobs, rounds)
            for name in RULES:
                seconds[name, goal].append(taken.get(name, float("inf")) / taken.get("ours", float("nan")))
    rows: list[dict[str, Cell]] = [
        {
            "what": name,
            "goal": f"{100 * goal:g} %",
            "nodes: median": _finite(median(needed[name, goal])),
            "ratio of time to ours: median": _finite(median(seconds[name, goal])),
            "pairs": len(pairs),
        }
        for name, goal in needed
    ]
    says = (
        f"The fewest nodes with an L1 error below the goal, against {REFERENCE} uniform ones. –: not with {STEPS[-1]}."
    )
    switched: list[dict[str, Cell]] = [
        {"what": name, "ratio of L1 error, median": median(of_name), "worst": max(of_name), "pairs": len(pairs)}
        for name, of_name in errors.items()
    ]
    one_by_one = "Each row adds one thing to the row before it; L1 error on the document's path."
    return [Table("Integrated gradients to equal error", says, rows), Table("At 17 nodes", one_by_one, switched)]


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None
