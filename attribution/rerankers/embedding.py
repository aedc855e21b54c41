"""The one hook: inert on the shared model unless the calling thread is inside `EmbeddingAdapter.intercept`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import Tensor, nn

from attribution.types import Point

Replace = Callable[[Tensor], Tensor]


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
