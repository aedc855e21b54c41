"""The hooks on the shared model, registered once at load; inert but for a thread that is inside their context."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import Tensor, nn

from attribution.types import Point

Replace = Callable[[Tensor], Tensor]
_on: ContextVar[bool] = ContextVar("only what is read", default=False)


class EmbeddingAdapter:
    """Lets one thread capture or replace what an embedding layer returns, while other threads see the plain model.

    `layers["word"]` is the word-embedding layer the encoder really calls, `layers["block"]` the whole embeddings block
    (word, position and type, normalised). `input_ids` still go through the model, so positions, padding and token
    types are the model's own. A hook added and removed around each call instead would leak into concurrent calls.
    """

    def __init__(self, layers: Mapping[Point, nn.Module]) -> None:
        self.layers = dict(layers)
        self._current: ContextVar[Mapping[Point, Replace]] = ContextVar("interceptions")
        for point, layer in self.layers.items():
            layer.register_forward_hook(self._hook(point))

    def _hook(self, point: Point) -> Callable[[nn.Module, Any, Tensor], Tensor | None]:
        current = self._current

        def replace_output(_module: nn.Module, _args: Any, output: Tensor) -> Tensor | None:
            replace = current.get({}).get(point)
            return None if replace is None else replace(output)

        return replace_output

    @contextmanager
    def intercept(self, point: Point, replace: Replace) -> Iterator[None]:
        """Inside, in this thread only, the layer at `point` returns `replace(its output)`. Points nest."""
        token = self._current.set({**self._current.get({}), point: replace})
        try:
            yield
        finally:
            self._current.reset(token)


def only_first(model: nn.Module, layers: str) -> None:
    """Makes the last of the model's `layers` obey `only_what_is_read`; otherwise it stays as it is.

    Behind the last layer's attention no position meets another: the output projection and the feed-forward block,
    three quarters of the layer's products, need only the position that is read. Logit and gradient are the same.
    """
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
