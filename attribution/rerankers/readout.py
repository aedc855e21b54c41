"""Only what is read: behind the last layer's attention no position meets another, so the first goes on alone.

There the output projection and the feed-forward block, three quarters of the layer's products, are made for one
position in place of all, and so are their gradients. The logit and its gradient are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import Tensor, nn

_on: ContextVar[bool] = ContextVar("only what is read", default=False)


def only_first(model: nn.Module, layers: str) -> None:
    """Makes the last of the model's `layers` obey `only_what_is_read`; otherwise it stays as it is."""
    last: Any = list(model.get_submodule(layers).children())[-1]
    last.attention.output.register_forward_pre_hook(_first)


@contextmanager
def only_what_is_read() -> Iterator[None]:
    """Inside, in this thread only, the last layer's states but for the first position's are not computed."""
    token = _on.set(True)
    try:
        yield
    finally:
        _on.reset(token)


def _first(_output: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """`args`: what attention gathered and what it is added to, `(batch, seq, hidden)` each."""
    return tuple(states[:, :1] for states in args) if _on.get() else None
