"""Integrated gradients: how many gradients for how much accuracy, against a reference of 129 nodes."""

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
from benchmarks.data import Pair, lengths, read_pairs
from benchmarks.report import Cell, Table, share

PAIRS = 60
REFERENCE = 129
GOALS = (0.05, 0.01, 0.001)
STEPS = (16, 24, 32, 40, 50)  # of Captum's rule
METHOD = "integrated_gradients"

Estimates = Iterator[tuple[int, Tensor]]  # gradient evaluations so far, the attributions (seq,)


def run(bench: Bench) -> list[Table]:
    """What the defaults reach on both paths, and what each rule needs on the document's path."""
    needed: dict[str, list[list[int | None]]] = defaultdict(list)
    captum: dict[int, list[float]] = defaultdict(list)
    errors, paths = [], []
    pairs = read_pairs(bench.folder, min(PAIRS, bench.pairs))
    for _, pair in bench.progress("completeness", pairs):
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
            needed[name].append(evaluations_needed(rule(evaluate), reference))
        for n in STEPS:
            captum[n].append(relative_l1(gauss_legendre_values(evaluate, n), reference))
    return [_defaults(paths, errors, lengths(pairs[: len(errors)])), _needs(needed), _captum(captum)]


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
    for cap in range(FLOOR, 2 * 33, AT_ONCE):
        (found,) = integrate(lambda alphas: [evaluate(*alphas)], [first], 0.0, cap)
        yield found.n_steps, found.values


def nested_doubling(evaluate: OnePath) -> Estimates:
    """The trapezoid rule on 9, 17, 33, ... uniform nodes; the nodes of one are kept for the next."""
    for n in (9, 17, 33, 65):
        alphas = torch.linspace(0, 1, n)
        yield n, torch.trapezoid(evaluate(alphas)[1], alphas, dim=0)


def gauss_legendre(evaluate: OnePath) -> Estimates:
    """Captum's default rule, as if the right number of steps were known in advance; no node is shared."""
    for n in STEPS:
        yield n, gauss_legendre_values(evaluate, n)


def gauss_legendre_values(evaluate: OnePath, n: int) -> Tensor:
    """What `integrated_gradients_captum` computes with `n_steps=n`, `(seq,)`."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    slopes = evaluate(torch.tensor((1 + nodes) / 2, dtype=torch.float32))[1]  # (n, seq)
    return (torch.tensor(weights / 2, dtype=slopes.dtype)[:, None] * slopes).sum(0)


RULES: dict[str, Callable[[OnePath], Estimates]] = {
    "adaptive (ours)": adaptive,
    "nested doubling": nested_doubling,
    "Captum's rule, steps known": gauss_legendre,
}


def evaluations_needed(estimates: Estimates, reference: Tensor) -> list[int | None]:
    """For each of `GOALS`, the evaluations of the first estimate that is as near to the reference; None: none was."""
    tried = [(n, relative_l1(values, reference)) for n, values in estimates]
    return [next((n for n, error in tried if error <= goal), None) for goal in GOALS]


def relative_l1(values: Tensor, reference: Tensor) -> float:
    """`sum |a - b| / sum |b|`."""
    return ((values - reference).abs().sum() / reference.abs().sum()).item()


def _defaults(paths: list[tuple[Path, ...]], errors: list[float], about: str) -> Table:
    rows: list[dict[str, Cell]] = []
    for side, name in enumerate(("document", "query")):
        of_side = [both[side] for both in paths]
        residuals = [path.relative_residual for path in of_side]
        steps = [path.n_steps for path in of_side]
        rows.append(
            {
                "path": name,
                "given back: median": f"{100 * median(residuals):.2f} %",
                "given back: 95th percentile": f"{100 * float(np.percentile(residuals, 95)):.2f} %",
                "gradients: median": median(steps),
                "mean": fmean(steps),
                "L1 error: median": f"{100 * median(errors):.2f} %" if side == 0 else None,
                "90th percentile": f"{100 * float(np.percentile(errors, 90)):.2f} %" if side == 0 else None,
                "hit the cap": share([path.capped for path in of_side]),
                "pairs": len(of_side),
            }
        )
    says = (
        f"{about}. The default `integrated_gradients`. Given back: the intervals' completeness errors, sizes added up, "
        "as a share of the larger of |logit - baseline logit| and the sum of |attributions|, before they were given "
        f"back to the tokens; then the sum is exact. L1 error after that, against {REFERENCE} uniform nodes."
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


def _captum(errors: dict[int, list[float]]) -> Table:
    rows: list[dict[str, Cell]] = [
        {
            "n_steps": n,
            "L1 error: median": f"{100 * median(of_steps):.2f} %",
            "90th percentile": f"{100 * float(np.percentile(of_steps, 90)):.2f} %",
            "pairs": len(of_steps),
        }
        for n, of_steps in errors.items()
    ]
    says = "Captum's rule (Gauss-Legendre), document's path, same pairs: what a fixed number of steps leaves."
    return Table("Captum's steps", says, rows)
