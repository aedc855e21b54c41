"""How the yardsticks measure: side by side in turns, operations counted, the machine's own rate in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

Job = Callable[[], object]


def side_by_side(jobs: Mapping[str, Job], n: int, *, warm_up: bool = True) -> dict[str, float]:
    """Median seconds of each over `n` rounds after one to warm up; one run each a round, so load falls on all alike."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(0 if warm_up else 1, n + 1):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            if turn:
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(of_job) for name, of_job in taken.items()}


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_flop_count(query.shape, key.shape, value.shape))


def _attention_backward(grad: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_backward_flop_count(grad.shape, query.shape, key.shape, value.shape))


# PyTorch knows how to count matrix products, but not its attention kernel of the CPU.
COUNTED: dict[Any, Callable[..., Any]] = {
    **flop_registry,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}


class Operations(TorchDispatchMode):
    """Adds up the operations of every product inside; PyTorch's own counter fails on leaves within a model."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        count = COUNTED.get(func._overloadpacket)
        if count is None:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **kwargs)
        if count is not None:
            self.total += int(count(*args, **kwargs, out_val=out))
        return out


def operations(job: Job) -> int:
    """Floating-point operations of the matrix products that `job` makes, forward and backward."""
    with Operations() as counter:
        job()
    return counter.total


def matmul_rate(size: int = 1024, n: int = 9) -> float:
    """Operations a second of one large float32 matrix product, the median of `n`."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    seconds = side_by_side({"product": lambda: a @ b}, n)["product"]
    return 2 * size**3 / seconds
