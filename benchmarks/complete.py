"""Integrated gradients: how many gradients for how much accuracy, against a reference of 257 nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from statistics import fmean, median

import numpy as np
import torch
from torch import Tensor

from attribution.methods.adaptive import AT_ONCE, FIRST, FLOOR, integrate
from attribution.methods.path import OnePath, along_path
from attribution.types import Path
from benchmarks.bench import Bench
from benchmarks.data import Pair, read_pairs
from benchmarks.report import Cell, Table, share

PAIRS = 200
REFERENCE = 257
GOALS = (0.05, 0.01, 0.001)
CAPTUM_PAIRS = 40  # its nodes are never those of the reference, so they cost extra
METHOD = "integrated_gradients"

Estimates = Iterator[tuple[int, Tensor]]  # gradient evaluations so far, the attributions (seq,)


def run(bench: Bench) -> list[Table]:
    """What the defaults reach on both paths, and what each rule needs on the document's path."""
    needed: dict[str, list[list[int | None]]] = defaultdict(list)
    errors, paths = [], []
    for i, pair in bench.progress("completeness", read_pairs(bench.folder, min(PAIRS, bench.pairs))):
        encoded = bench.reranker.encode(pair.query, pair.document)
        evaluate = remember(document_path(bench, pair))
        nodes = torch.linspace(0, 1, REFERENCE, device=bench.reranker.device)
        reference = torch.trapezoid(evaluate(nodes)[1], nodes, dim=0)  # (seq,)
        explanation = bench.explain(pair, METHOD)
        paths.append(explanation.paths)
        places = encoded.positions("document")
        ours = torch.tensor(explanation.attributions, device=bench.reranker.device)
        errors.append(relative_l1(ours[places], reference[places]))
        for name, rule in RULES.items():
            if rule in FREE or i < CAPTUM_PAIRS:
                needed[name].append(evaluations_needed(rule(evaluate), reference))
    return [_defaults(paths, errors), _needs(needed)]


def document_path(bench: Bench, pair: Pair) -> OnePath:
    """From "no document" to the document, the query kept."""
    encoded = bench.reranker.encode(pair.query, pair.document)
    start = bench.reranker.baselines(encoded, bench.reranker.default_baseline)
    return along_path(bench.reranker, encoded, bench.reranker.embed(encoded), start)


def remember(evaluate: OnePath) -> OnePath:
    """The same, no node evaluated twice: nested rules then cost nothing beyond the reference."""
    known: dict[float, tuple[Tensor, Tensor]] = {}

    def remembered(alphas: Tensor) -> tuple[Tensor, Tensor]:
        new = torch.tensor([a for a in alphas.tolist() if a not in known], device=alphas.device)
        if len(new):
            known.update(zip(new.tolist(), zip(*evaluate(new), strict=True), strict=True))
        logits, slopes = zip(*(known[a] for a in alphas.tolist()), strict=True)
        return torch.stack(logits), torch.stack(slopes)

    return remembered


def adaptive(evaluate: OnePath) -> Estimates:
    """Ours, stopped after every batch of bisections."""
    first = torch.linspace(0, 1, FIRST)
    for cap in range(FLOOR, 4 * 64 + 1, AT_ONCE):
        (found,) = integrate(lambda alphas: [evaluate(*alphas)], [first], 0.0, cap)
        yield found.n_steps, found.values


def nested_doubling(evaluate: OnePath) -> Estimates:
    """The trapezoid rule on 9, 17, 33, ... uniform nodes; the nodes of one are kept for the next."""
    for n in (9, 17, 33, 65, 129):
        alphas = torch.linspace(0, 1, n)
        yield n, torch.trapezoid(evaluate(alphas)[1], alphas, dim=0)


def gauss_legendre(evaluate: OnePath) -> Estimates:
    """Captum's default rule at 8, 16, 32, 64 steps; no node is shared, so doubling costs the sum."""
    total = 0
    for n in (8, 16, 32, 64):
        total += n
        yield total, gauss_legendre_values(evaluate, n)


def gauss_legendre_alone(evaluate: OnePath) -> Estimates:
    """As if the right number of steps were known in advance."""
    for n in (8, 16, 32, 64):
        yield n, gauss_legendre_values(evaluate, n)


def gauss_legendre_values(evaluate: OnePath, n: int) -> Tensor:
    """What `integrated_gradients_captum` computes with `n_steps=n`, `(seq,)`."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    slopes = evaluate(torch.tensor((1 + nodes) / 2, dtype=torch.float32))[1]  # (n, seq)
    return (torch.tensor(weights / 2, dtype=slopes.dtype)[:, None] * slopes).sum(0)


RULES: dict[str, Callable[[OnePath], Estimates]] = {
    "adaptive (ours)": adaptive,
    "nested doubling": nested_doubling,
    "Captum's rule, doubling": gauss_legendre,
    "Captum's rule, steps known": gauss_legendre_alone,
}
FREE = (adaptive, nested_doubling)


def evaluations_needed(estimates: Estimates, reference: Tensor) -> list[int | None]:
    """For each of `GOALS`, the evaluations of the first estimate that is as near to the reference; None: none was."""
    tried = [(n, relative_l1(values, reference)) for n, values in estimates]
    return [next((n for n, error in tried if error <= goal), None) for goal in GOALS]


def relative_l1(values: Tensor, reference: Tensor) -> float:
    """`sum |a - b| / sum |b|`."""
    return ((values - reference).abs().sum() / reference.abs().sum()).item()


def _defaults(paths: list[tuple[Path, ...]], errors: list[float]) -> Table:
    rows: list[dict[str, Cell]] = []
    for side, name in enumerate(("document", "query")):
        of_side = [both[side] for both in paths]
        deltas = [path.relative_delta for path in of_side]
        steps = [path.n_steps for path in of_side]
        rows.append(
            {
                "path": name,
                "relative delta: median": f"{100 * median(deltas):.2f} %",
                "95th percentile": f"{100 * float(np.percentile(deltas, 95)):.2f} %",
                "at most 1 %": share([delta <= 0.01 for delta in deltas]),
                "gradients: median": median(steps),
                "mean": fmean(steps),
                "L1 error: median": f"{100 * median(errors):.2f} %" if side == 0 else None,
                "90th percentile": f"{100 * float(np.percentile(errors, 90)):.2f} %" if side == 0 else None,
                "hit the cap": share([path.capped for path in of_side]),
                "pairs": len(of_side),
            }
        )
    says = (
        "The default `integrated_gradients`. Relative delta: |sum of attributions - (logit - baseline logit)| over "
        "the larger of |logit - baseline logit| and the sum of |attributions|. L1 error: against "
        f"{REFERENCE} uniform nodes."
    )
    return Table("Completeness of the defaults", says, rows)


def _needs(needed: dict[str, list[list[int | None]]]) -> Table:
    rows: list[dict[str, Cell]] = []
    for name, results in needed.items():
        row: dict[str, Cell] = {"rule": name}
        for goal, of_goal in zip(GOALS, zip(*results, strict=True), strict=True):
            reached = [float("inf") if n is None else n for n in of_goal]
            middle = float(np.percentile(reached, 50, method="higher"))
            row[f"{100 * goal:g} % error"] = None if middle == float("inf") else int(middle)
        rows.append({**row, "pairs": len(results)})
    says = (
        f"Median gradient evaluations until the L1 error against {REFERENCE} nodes is that small, document's path; "
        "what would be needed if one could see the error. – : not reached by half of the pairs."
    )
    return Table("Gradients for an accuracy", says, rows)
