"""Integrating a gradient along a path with nested nodes: the completeness error of every interval is known for free.

Every gradient comes with its logit `F(alpha)`, and the slope summed over all tokens integrates to `F(b) - F(a)` over an
interval. So each interval's error is known: the intervals with the largest are bisected, and the errors that remain are
redistributed over the tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

FIRST = 5  # uniform nodes of the first batch
FLOOR = 17  # below this, errors of opposite sign can hide inside one interval
AT_ONCE = 4  # intervals of a path bisected in one batch
SLACK = 5  # stop once residual and change are both below SLACK x tolerance: both overstate the error
HIDDEN = 1e-3  # weight of the tokens' own errors, which cancel in the logit
ROUNDING = 1e-5  # logits: float32 forwards of different batch sizes differ by about this

# For each path the alphas `(n,)` asked for, perhaps none -> its logits `(n,)` and slopes `(n, seq)`.
Evaluate = Callable[[Sequence[Tensor]], Sequence[tuple[Tensor, Tensor]]]


@dataclass(frozen=True)
class Integral:
    """`values (seq,)` sum to `logits[1] - logits[0]`, the path's ends, because the errors were redistributed.

    `residual`: the sum of the intervals' absolute errors before that, in logits. `capped`: `max_evaluations` stopped
    the search short of the tolerance.
    """

    values: Tensor
    residual: float
    n_steps: int
    capped: bool
    logits: tuple[float, float]


@dataclass(frozen=True)
class Nodes:
    """Points on the path, in order: `alphas (n,)`, `logits (n,)`, `slopes (n, seq)` = sum_d grad * (x - x')."""

    alphas: Tensor
    logits: Tensor
    slopes: Tensor

    @cached_property
    def pieces(self) -> Tensor:
        """`(n - 1, seq)`: the integral of a monotone cubic through each token's slopes, interval by interval."""
        h = self.alphas.diff()[:, None]  # (n - 1, 1)
        bend = monotone_derivatives(self.alphas, self.slopes)  # (n, seq)
        return self.trapezoids + h**2 / 12 * (bend[:-1] - bend[1:])

    @cached_property
    def trapezoids(self) -> Tensor:
        """`(n - 1, seq)`: the same along straight lines."""
        return self.alphas.diff()[:, None] / 2 * (self.slopes[:-1] + self.slopes[1:])

    @cached_property
    def errors(self) -> Tensor:
        """`(n - 1,)` logits: the pieces summed over tokens - (F_(i+1) - F_i)."""
        return self.pieces.sum(1) - self.logits.diff()

    @cached_property
    def integral(self) -> Tensor:
        """`(seq,)`: the pieces, each interval's error redistributed over the tokens by their share of |slope| in it."""
        sizes = self.slopes[:-1].abs() + self.slopes[1:].abs()  # (n - 1, seq)
        shares = sizes / sizes.sum(1, keepdim=True).clamp_min(torch.finfo(sizes.dtype).tiny)
        return (self.pieces - self.errors[:, None] * shares).sum(0)

    def midpoints(self, at_most: int) -> Tensor:
        """The middles of the intervals where straight lines err most; cubics err less, so their errors say less.

        Where the tokens' errors cancel, the logit shows none; so how much each token's line bends counts too, by
        `HIDDEN`.
        """
        straight = self.trapezoids  # (n - 1, seq)
        errors = (straight.sum(1) - self.logits.diff()).abs() + HIDDEN * (self.pieces - straight).abs().sum(1)
        worst = errors.topk(min(at_most, len(errors))).indices
        return (self.alphas[worst] + self.alphas[worst + 1]) / 2

    def with_nodes(self, alphas: Tensor, logits: Tensor, slopes: Tensor) -> Nodes:
        """These nodes and others, in order."""
        alphas, logits = torch.cat([self.alphas, alphas]), torch.cat([self.logits, logits])
        order = alphas.argsort()
        return Nodes(alphas[order], logits[order], torch.cat([self.slopes, slopes])[order])


def monotone_derivatives(x: Tensor, y: Tensor) -> Tensor:
    """PCHIP's derivatives `(n, seq)` at `x (n,)`: the cubic turns only where `y (n, seq)` does.

    Fritsch & Butland 1984, doi:10.1137/0905021: a weighted harmonic mean of the two secants, 0 where they differ in
    sign; at the ends the secant's own.
    """
    h = x.diff()[:, None]
    secants = y.diff(dim=0) / h  # (n - 1, seq)
    before, after = secants[:-1], secants[1:]
    wide, narrow = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    same = before * after > 0
    one = torch.ones_like(before)
    mean = (wide + narrow) / (wide / torch.where(same, before, one) + narrow / torch.where(same, after, one))
    return torch.cat([secants[:1], torch.where(same, mean, 0.0), secants[-1:]])


def integrate(evaluate: Evaluate, first: Sequence[Tensor], tolerance: float, max_evaluations: int) -> list[Integral]:
    """The integral along several paths at once, so that their nodes share batches; `first`: each path's first nodes.

    The intervals with the largest error are bisected until the summed absolute errors and the last change of the
    attributions are at most `SLACK` x `tolerance`, relative to the sum of absolute attributions. All nodes are reused.
    """
    paths = [Nodes(alphas, *found) for alphas, found in zip(first, evaluate(first), strict=True)]
    changes = [float("inf")] * len(paths)
    while True:
        room = [
            0 if _settled(path, change, tolerance) else max_evaluations - len(path.alphas)
            for path, change in zip(paths, changes, strict=True)
        ]
        if not any(room):
            break
        wanted = [path.midpoints(min(AT_ONCE, more)) for path, more in zip(paths, room, strict=True)]
        found = evaluate(wanted)
        finer = [path.with_nodes(alphas, *of) for path, alphas, of in zip(paths, wanted, found, strict=True)]
        changes = [
            (new.integral - old.integral).abs().sum().item() if len(alphas) else change
            for new, old, alphas, change in zip(finer, paths, wanted, changes, strict=True)
        ]
        paths = finer
    return [
        Integral(
            values=path.integral,
            residual=path.errors.abs().sum().item(),
            n_steps=len(path.alphas),
            capped=not _settled(path, change, tolerance),
            logits=(path.logits[0].item(), path.logits[-1].item()),
        )
        for path, change in zip(paths, changes, strict=True)
    ]


def _settled(nodes: Nodes, change: float, tolerance: float) -> bool:
    allowed = SLACK * (tolerance * nodes.integral.abs().sum().item() + ROUNDING)
    residual = nodes.errors.abs().sum().item()
    return len(nodes.alphas) >= FLOOR and max(change, residual) <= allowed
