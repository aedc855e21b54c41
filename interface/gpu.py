"""ZeroGPU lends a GPU to functions marked with `gpu`; everywhere else the mark does nothing. Import before torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Handler = TypeVar("Handler", bound=Callable[..., Any])

try:
    import spaces
except ImportError:  # only Spaces bring it along
    spaces = None


def gpu(seconds: int) -> Callable[[Handler], Handler]:
    """Mark a generator handler as needing the GPU for about `seconds`."""
    return spaces.GPU(duration=seconds) if spaces else lambda handler: handler
