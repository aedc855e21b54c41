"""Work that calls back, turned into a generator that yields: its reader sees every batch, and may end it there."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from attribution.errors import Stopped

END = object()  # the work is over


@dataclass(frozen=True)
class Tick:
    """A batch is about to go through the model."""


def stepwise(work: Callable[[Callable[[], None]], Iterable[Any]]) -> Generator[Any]:
    """The results of `work(tick)` as they come, and a `Tick` wherever the work calls `tick()`.

    The work runs in a thread of its own, never ahead of the reader: once this generator is closed, the next `tick()`
    raises `Stopped` in the work.
    """
    out: SimpleQueue[Any] = SimpleQueue()
    go = threading.Semaphore(0)
    closed = threading.Event()
    errors: list[BaseException] = []

    def hand_over(item: Any) -> None:
        out.put(item)
        go.acquire()
        if closed.is_set():
            raise Stopped("nobody reads the results any more")

    def run() -> None:
        try:
            for result in work(lambda: hand_over(Tick())):
                hand_over(result)
        except BaseException as error:  # the reader's thread raises it again
            errors.append(error)
        out.put(END)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    try:
        while (item := out.get()) is not END:
            yield item
            go.release()
        if errors:
            raise errors[0]
    finally:
        closed.set()
        go.release()
        thread.join()
