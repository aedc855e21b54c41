"""Answers kept across visitors: what was asked before, to the letter and of the same model, is not computed again.

An answer is kept whole, with the time that it took; whoever gets it again is told so, before Gradio's queue. In memory
only, the least recently used goes first. On ZeroGPU the page's process keeps them, so one that is kept asks for no GPU.
`gr.Cache` holds them; the decorator `gr.cache` would keep what a Stop has cut short, and every update of a stream.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.rerankers.loading.load import in_memory

KEPT = gr.Cache(max_size=0, max_memory="64mb")


@dataclass(frozen=True)
class Kept:
    """An answer as it was given, and how many seconds it took then."""

    answer: Any
    seconds: float


def look(key: str) -> Kept | None:
    """What is kept under a `key`; nothing is under an empty one."""
    found = KEPT.get(key) if key else None
    return Kept(pickle.loads(found["answer"]), found["seconds"]) if found else None


def keep(key: str, answer: Any, seconds: float) -> None:
    """Keep an `answer` that took so long, as bytes: their size is known, and nobody changes them."""
    if key:
        KEPT.set(key, answer=pickle.dumps(answer), seconds=seconds)


def key_of(model_ids: Iterable[str], *asked: Any) -> str:
    """What an answer depends on, as a digest: the weights and how they are read, and all that was asked.

    Empty while a model is not in memory: then nothing is known of its weights.
    """
    read: list[Any] = []
    for model_id in model_ids:
        reranker = in_memory(model_id)
        if reranker is None:
            return ""
        dtype = next(reranker.model.parameters()).dtype
        read += [model_id, reranker.revision, str(reranker.device), str(dtype), reranker.max_length, reranker.settings]
    return hashlib.blake2b(repr((read, asked)).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
