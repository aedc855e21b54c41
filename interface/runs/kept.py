"""A question that many ask, to the letter and of the same model, is answered once: from memory, or by one run for all.

An answer is kept whole, with the time that it took; whoever gets it again is told so, before Gradio's queue. In memory
only, the least recently used goes first. On ZeroGPU the page's process keeps them, so one that is kept asks for no GPU.
`gr.Cache` holds them; the decorator `gr.cache` would keep what a Stop has cut short, and every update of a stream.
Whoever asks what is being answered follows that run, which ends when the last of them has left.
"""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import gradio as gr

from attribution.rerankers.loading.load import in_memory
from interface.runs.run import Run

KEPT = gr.Cache(max_size=0, max_memory="64mb")
LOOK_SECONDS = 0.1  # between looks whether who follows has stopped
_lock = threading.RLock()
_shared: dict[str, Shared] = {}


def look(key: str) -> tuple[Any, float] | None:
    """What is kept under a `key`, and how many seconds it took then; nothing is under an empty one."""
    found = KEPT.get(key) if key else None
    return (pickle.loads(found["answer"]), found["seconds"]) if found else None


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


class Shared:
    """Updates that several runs see. Whoever needs one that is not there makes it, for all; an error is the last."""

    def __init__(self, key: str, work: Callable[[Run], Iterator[Any]], first: Run) -> None:
        self.key, self.runs, self.seen = key, [first], list[Any]()
        self.turn = threading.Lock()
        self.run = Run(self.left, first.progress, first.others, first.elsewhere)
        self.run.tell = self.tell
        self.steps = work(self.run)

    def left(self) -> bool:
        """Whether nobody follows any more; from then on nobody joins."""
        with _lock:
            nobody = all(run.over for run in self.runs)
            if nobody and _shared.get(self.key) is self:
                del _shared[self.key]
            return nobody

    def tell(self, *args: Any, **kwargs: Any) -> None:
        """Show the progress to all."""
        for run in [*self.runs]:
            run.tell(*args, **kwargs)

    def update(self, i: int, run: Run) -> Any:
        """The one at place `i`, made by `run` unless somebody is at it. Raises what the work raised, and `Stopped`."""
        while not self.turn.acquire(timeout=LOOK_SECONDS):
            run.check()
        try:
            if i == len(self.seen):
                self.seen.append(_next(self.steps))
        finally:
            self.turn.release()
        if isinstance(self.seen[i], Exception):
            raise self.seen[i]
        return self.seen[i]


def _next(steps: Iterator[Any]) -> Any:
    """The next update, or the error in its place."""
    try:
        return next(steps)
    except Exception as error:
        return error


def follow(key: str, work: Callable[[Run], Iterator[Any]], run: Run) -> Iterator[Any]:
    """The updates of `work`, or of the run that has the same `key` already; without a key, of one's own."""
    with _lock:
        shared = _shared.get(key) if key else None
        if shared is None:
            shared = Shared(key, work, run)
            if key:
                _shared[key] = shared
        else:
            shared.runs.append(run)
    try:
        for i in count():
            yield shared.update(i, run)
    except StopIteration:
        return
    finally:
        with _lock:
            shared.runs.remove(run)
            if shared.left() and not shared.runs:  # each refers to the other: Python would find them much later
                shared.steps = iter(())
                shared.seen.clear()
