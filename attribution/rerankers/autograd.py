"""The caller's autograd mode, kept out: gradients are taken the same under `torch.no_grad()` or `inference_mode()`."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch

Function = TypeVar("Function", bound=Callable[..., Any])


def with_autograd(function: Function) -> Function:
    """Runs `function`, or each step of a generator function, with autograd on and outside of inference mode."""
    return torch.inference_mode(mode=False)(torch.enable_grad()(function))
