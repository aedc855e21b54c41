"""Work that calls back, turned into a generator that yields: its reader sees every batch, and may end it there."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from attribution.errors import Stopped


@dataclass(frozen=True)
class Tick:
    """A batch is about to go through the model."""


class _End(tuple[BaseException | None]):
    """The work is over; with its error, if any."""


def stepwise(work: Callable[[Callable[[], None]], Iterable[Any]]) -> Generator[Any]:
    """The results of `work(tick)` as they come, and a `Tick` wherever the work calls `tick()`.

    The work runs in a thread of its own, never ahead of the reader: once this generator is closed, the next `tick()`
    raises `Stopped` in the work.
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
            for result in work(lambda: hand_over(Tick())):
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
