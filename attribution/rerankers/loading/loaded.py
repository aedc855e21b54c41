"""The models in memory: the least recently used goes first, one that is in use is never freed."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Hashable

from attribution.rerankers.memory import limit as allowed
from attribution.rerankers.memory import return_freed
from attribution.rerankers.reranker import Reranker


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
        most = allowed() if self.limit is None else self.limit
        with self._lock:
            gone = []
            while self._rerankers and size + sum(one.weight_bytes for one in self._rerankers.values()) > most:
                gone.append(self._rerankers.popitem(last=False))
        if gone:
            gone.clear()
            gc.collect()
            return_freed()
