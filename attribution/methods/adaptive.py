"""Integrating a gradient along a path with nested nodes: the completeness error of every interval is known for free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

FIRST = 9  # uniform nodes of the first batch
FLOOR = 17  # below this, errors of opposite sign can hide inside one interval
AT_ONCE = 8  # intervals bisected in one batch
SLACK = 15  # what errors that cancel, and the last change, may be as a multiple of the error of the sum
ROUNDING = 1e-5  # logits: float32 forwards of different batch sizes differ by about this

Evaluate = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Nodes:
    """Points on the path, in order: `alphas (n,)`, `logits (n,)`, `slopes (n, seq)` = sum_d grad * (x - x')."""

    alphas: Tensor
    logits: Tensor
    slopes: Tensor

    def integral(self) -> Tensor:
        """The trapezoid rule, one number a token `(seq,)`."""
        return torch.trapezoid(self.slopes, self.alphas, dim=0)

    def errors(self) -> Tensor:
        """`(n - 1,)` logits: `h/2 (g_i + g_(i+1)) - (F_(i+1) - F_i)`, where g is the slope summed over tokens."""
        total = self.slopes.sum(1)  # (n,)
        return self.alphas.diff() * (total[:-1] + total[1:]) / 2 - self.logits.diff()

    def with_midpoints(self, intervals: Tensor, evaluate: Evaluate) -> Nodes:
        """Every node kept, and the middles of `intervals` added."""
        alphas = (self.alphas[intervals] + self.alphas[intervals + 1]) / 2
        logits, slopes = evaluate(alphas)
        order = torch.cat([self.alphas, alphas]).argsort()
        return Nodes(
            torch.cat([self.alphas, alphas])[order],
            torch.cat([self.logits, logits])[order],
            torch.cat([self.slopes, slopes])[order],
        )


def integrate(evaluate: Evaluate, alphas: Tensor, tolerance: float, max_evaluations: int) -> tuple[Tensor, int, bool]:
    """The integral `(seq,)`, the evaluations used, and whether `max_evaluations` stopped it short of `tolerance`.

    `evaluate`: alphas `(n,)` -> logits `(n,)`, slopes `(n, seq)`; `alphas`: the first nodes, 0 to 1. The intervals with
    the worst error are bisected until the error of the sum is below `tolerance`, and the errors' sizes and the last
    change below `SLACK` times that, all relative to the sum of absolute attributions. All nodes are reused.
    """
    nodes = Nodes(alphas, *evaluate(alphas))
    values = nodes.integral()  # (seq,)
    change = float("inf")
    while not _settled(nodes, values, change, tolerance):
        room = min(AT_ONCE, max_evaluations - len(nodes.alphas))
        if room < 1:
            return values, len(nodes.alphas), True
        errors = nodes.errors().abs()
        nodes = nodes.with_midpoints(errors.topk(min(room, len(errors))).indices, evaluate)
        before, values = values, nodes.integral()
        change = (values - before).abs().sum().item()
    return values, len(nodes.alphas), False


def _settled(nodes: Nodes, values: Tensor, change: float, tolerance: float) -> bool:
    allowed = tolerance * values.abs().sum().item() + ROUNDING
    errors = nodes.errors()
    hidden = max(change, errors.abs().sum().item())
    return len(nodes.alphas) >= FLOOR and abs(errors.sum().item()) <= allowed and hidden <= SLACK * allowed
