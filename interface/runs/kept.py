"""Answers kept across visitors: what was asked before, to the letter and of the same model, is not computed again.

An answer is kept whole, with the time that it took; whoever gets it again is told so. In memory only, the least
recently used goes first. On ZeroGPU they are kept by the page's process, so one that is kept asks for no GPU.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from attribution.rerankers.loading.load import in_memory

LIMIT = 64 * 2**20  # bytes, about, of all answers together


@dataclass(frozen=True)
class KeptAnswer:
    """What was answered, how large it is in bytes, about, and how many seconds it took."""

    content: Any
    size: int
    seconds: float


class Answers:
    """Answers by key, at most `limit` bytes together."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._answers: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> KeptAnswer | None:
        """The answer, now the most recently used; None where there is none, as for an empty key."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: str, answer: KeptAnswer) -> None:
        """Keep it, unless it has no key; the least recently used go until all are within the limit."""
        with self._lock:
            if key and answer.size <= self.limit:
                self._answers[key] = answer
                while sum(kept.size for kept in self._answers.values()) > self.limit:
                    self._answers.popitem(last=False)


def key_of(model_id: str, *asked: Any) -> str:
    """What an answer depends on, as a digest: the weights and how they are read, and all that was asked.

    Empty while the model is not in memory: then nothing is known of its weights.
    """
    reranker = in_memory(model_id) if isinstance(model_id, str) else None
    if reranker is None:
        return ""
    dtype = next(reranker.model.parameters()).dtype
    read = (model_id, reranker.revision, str(reranker.device), str(dtype), reranker.max_length, reranker.settings)
    return hashlib.blake2b(repr((read, asked)).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


KEPT = Answers()
