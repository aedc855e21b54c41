"""What holds in one thread alone, on a model that all threads share: its passes counted, hooks, the autograd mode.

The hooks are registered once at load, and inert but for a thread that is inside their context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from attribution.errors import OptionError, shown
from attribution.types import Point

Replace = Callable[[Tensor], Tensor]
OnPass = Callable[["Meter"], None]  # hears of every batch before it goes through the model; may raise `Stopped`
Value = TypeVar("Value")
Function = TypeVar("Function", bound=Callable[..., Any])
_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)
_on: ContextVar[bool] = ContextVar("only what is read", default=False)


@contextmanager
def _inside(variable: ContextVar[Any], value: Value) -> Iterator[Value]:
    """Inside, in this thread only, `variable` is `value`."""
    token = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(token)


def with_autograd(function: Function) -> Function:
    """Runs `function`, or each step of a generator function, with autograd on and outside of inference mode.

    So gradients are taken the same under a caller's `torch.no_grad()` or `inference_mode()`.
    """
    return torch.inference_mode(mode=False)(torch.enable_grad()(function))


@dataclass
class Meter:
    """Counts sequences through the model, forward and backward; `on_pass` hears of each batch and may raise."""

    on_pass: OnPass | None = None
    n_forward: int = 0
    n_backward: int = 0

    def __post_init__(self) -> None:
        """Raises `OptionError` where nobody could be told."""
        if not (self.on_pass is None or callable(self.on_pass)):
            raise OptionError(f"on_pass is {shown(self.on_pass)}; it must be a function of one argument, or None.")

    def forward(self, n: int) -> None:
        """`n` sequences are about to go through the model."""
        if self.on_pass:
            self.on_pass(self)
        self.n_forward += n

    def backward(self, n: int) -> None:
        """`n` sequences had a gradient taken."""
        self.n_backward += n


def current() -> Meter | None:
    """What the passes of this thread are counted into, if anybody asked."""
    return _meter.get()


def metered(meter: Meter) -> AbstractContextManager[Meter]:
    """Count the passes of this thread into `meter`; if it tells nobody, who heard of passes until now hears of them."""
    meter.on_pass = meter.on_pass or getattr(_meter.get(), "on_pass", None)
    return _inside(_meter, meter)


class EmbeddingAdapter:
    """Lets one thread capture or replace what an embedding layer returns, while other threads see the plain model.

    `layers["word"]` is the word-embedding layer the encoder really calls, `layers["block"]` the whole embeddings block
    (word, position and type, normalised). `input_ids` still go through the model, so positions, padding and token
    types are the model's own. A hook added and removed around each call instead would leak into concurrent calls.
    """

    def __init__(self, layers: Mapping[Point, nn.Module]) -> None:
        self._current: ContextVar[Mapping[Point, Replace]] = ContextVar("interceptions")
        for point, layer in layers.items():
            layer.register_forward_hook(self._hook(point))

    def _hook(self, point: Point) -> Callable[[nn.Module, Any, Tensor], Tensor | None]:
        current = self._current

        def replace_output(_module: nn.Module, _args: Any, output: Tensor) -> Tensor | None:
            replace = current.get({}).get(point)
            return None if replace is None else replace(output)

        return replace_output

    def intercept(self, point: Point, replace: Replace) -> AbstractContextManager[object]:
        """Inside, in this thread only, the layer at `point` returns `replace(its output)`. Points nest."""
        return _inside(self._current, {**self._current.get({}), point: replace})


def only_first(model: nn.Module, layers: str) -> None:
    """Makes the last of the model's `layers` obey `only_what_is_read`; otherwise it stays as it is.

    Behind the last layer's attention no position meets another: the output projection and the feed-forward block,
    three quarters of the layer's products, need only the position that is read. Logit and gradient are the same.
    """
    last: Any = list(model.get_submodule(layers).children())[-1]
    last.attention.output.register_forward_pre_hook(_first)


def only_what_is_read() -> AbstractContextManager[object]:
    """Inside, in this thread only, the last layer's states but for the first position's are not computed."""
    return _inside(_on, True)


def _first(_output: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """`args`: what attention gathered and what it is added to, `(batch, seq, hidden)` each."""
    return tuple(states[:, :1] for states in args) if _on.get() else None
