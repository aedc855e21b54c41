"""`Meter`: passes through a model, counted in the thread that asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Meter:
    """Counts sequences through the model, forward and backward; `on_pass` hears of each batch and may raise."""

    on_pass: Callable[[Meter], None] | None = None
    n_forward: int = 0
    n_backward: int = 0

    def forward(self, n: int) -> None:
        """`n` sequences are about to go through the model."""
        if self.on_pass:
            self.on_pass(self)
        self.n_forward += n

    def backward(self, n: int) -> None:
        """`n` sequences had a gradient taken."""
        self.n_backward += n


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


def current() -> Meter | None:
    """What the passes of this thread are counted into, if anybody asked."""
    return _meter.get()


@contextmanager
def metered(meter: Meter) -> Iterator[Meter]:
    """Count the passes of this thread into `meter`."""
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)
