"""Work that calls back, turned into a generator that yields: whoever reads it sees every batch, and may end it there.

On ZeroGPU the work runs in another process; a generator that yields at every batch is what crosses the border, so that
closing it, or a `Stopped` from its reader, ends the work within one batch.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from attribution.errors import Stopped
from attribution.rerankers.reranker import Meter

OnPass = Callable[[Meter], None]


@dataclass(frozen=True)
class Tick:
    """A batch is about to go through the model; `n_forward` sequences have gone before it."""

    n_forward: int


class _End(tuple[BaseException | None]):
    """The work is over; with its error, if any."""


def stepwise(work: Callable[[OnPass], Iterable[Any]]) -> Iterator[Any]:
    """The results of `work(on_pass)` as they come, and a `Tick` before each batch.

    The work runs in a thread of its own, never ahead of the reader: closing this generator ends it at its next batch.
    """
    out: SimpleQueue[Any] = SimpleQueue()
    go = threading.Semaphore(0)
    closed = threading.Event()

    def hand_over(item: Any) -> None:
        out.put(item)
        go.acquire()
        if closed.is_set():
            raise Stopped("nobody reads the results any more")

    def run() -> None:
        error: BaseException | None = None
        try:
            for result in work(lambda meter: hand_over(Tick(meter.n_forward))):
                hand_over(result)
        except BaseException as raised:  # the reader's thread raises it again
            error = raised
        out.put(_End((error,)))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    try:
        while not isinstance(item := out.get(), _End):
            yield item
            go.release()
        if item[0] is not None:
            raise item[0]
    finally:
        closed.set()
        go.release()
        thread.join()
