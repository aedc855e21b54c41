"""How much memory a model may take: what the machine or its container has left; and the models that are in memory."""

import ctypes
import gc
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Hashable
from math import inf, nan
from pathlib import Path

from attribution.errors import ModelError, OptionError
from attribution.numbers import fixed
from attribution.rerankers.reranker import Reranker

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
LIMIT = 8 * 2**30  # bytes of weights: of one model, and of all that are kept loaded, unless RERANKER_MAX_GB says more
RESERVED = 2**29  # bytes left to everything else: activations, gradients, the page


def number_set(name: str, default: float, *, or_0: bool = False) -> float:
    """A number above 0, `or_0`, in the environment variable `name`, else `default`. Raises `OptionError`."""
    given = os.environ.get(name, "").strip()
    try:
        value = float(given or default)
    except ValueError:
        value = nan
    if not (0 < value < inf or (or_0 and value == 0)):
        valid = "a number above 0, 0" if or_0 else "a number above 0"
        raise OptionError(f"The environment variable {name} is {given!r}; it must be {valid}, or unset.")
    return value


def limit() -> int:
    """Bytes of weights that are allowed, of one model and of all together."""
    return int(number_set("RERANKER_MAX_GB", LIMIT / 2**30) * 2**30)


def free_memory() -> int | None:
    """Bytes that can still be taken, by the machine's and the container's count; None where neither is told."""
    counts = [count for count in (_machine(), _container()) if count is not None]
    return min(counts, default=None)


def _machine() -> int | None:
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:  # not Linux
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), None)


def _container() -> int | None:
    """Control group version 2: its limit minus what is taken, less the file cache that would make room."""
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        current = int((CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) - current + int(stat.get("inactive_file", 0))


def return_freed() -> None:
    """Gives the system back what was freed: glibc keeps pieces below 32 MB, as most weights are, for its own use."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None  # musl has none
    if trim:
        trim(0)


def gigabytes(n: int) -> str:
    """As a message prints it."""
    return f"{fixed(n / 2**30)} GB" if n >= 2**27 else f"{fixed(n / 2**20)} MB"


def check_room(model_id: str, size: int, dtype: str = "float32") -> None:
    """Raises `ModelError` when weights of `size` bytes in `dtype` are more than the limit, or than what is free."""
    half = " or load it in half of that, load_reranker(..., dtype='bfloat16')," if dtype == "float32" else ""
    if size > limit():
        raise ModelError(
            f"{model_id} takes {gigabytes(size)} in {dtype}; at most {gigabytes(limit())} are allowed here. Set the "
            f"environment variable RERANKER_MAX_GB to allow more,{half} or choose a smaller reranker."
        )
    free = free_memory()
    if free is not None and size + RESERVED > free:
        raise ModelError(
            f"{model_id} takes {gigabytes(size)} in {dtype}, and {gigabytes(free)} of memory are free, of which "
            f"{gigabytes(RESERVED)} are kept for the work itself. Choose a smaller reranker,{half} or try again when "
            "others are done."
        )


class Loaded:
    """Rerankers by key, at most `limit` bytes of weights together; None: as many as one model may have.

    One that is let go stays alive for as long as somebody explains with it, and is freed with the last of them.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self._rerankers: OrderedDict[Hashable, Reranker] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Reranker | None:
        """The reranker, now the most recently used; None if it is not in memory."""
        with self._lock:
            if key in self._rerankers:
                self._rerankers.move_to_end(key)
            return self._rerankers.get(key)

    def put(self, key: Hashable, reranker: Reranker) -> None:
        """Keep it, and let the others go as `make_room` does."""
        self.make_room(reranker.weight_bytes)
        with self._lock:
            self._rerankers[key] = reranker

    def make_room(self, size: int) -> None:
        """Let the least recently used go until `size` bytes more are within the limit."""
        most = limit() if self.limit is None else self.limit
        with self._lock:
            gone = []
            while self._rerankers and size + sum(one.weight_bytes for one in self._rerankers.values()) > most:
                gone.append(self._rerankers.popitem(last=False))
        if gone:
            gone.clear()
            gc.collect()
            return_freed()
