"""One run a visitor, the latest wins: a new run ends the one before it, before that one's next model pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from attribution.errors import Stopped
from attribution.rerankers.reranker import Meter

_lock = threading.Lock()
_running: dict[str, Run] = {}  # session -> its latest run


class Run:
    """A visitor's run; `check` is an `on_pass` that ends it once it was stopped."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the run before its next model pass."""
        self._stopped.set()

    def check(self, _meter: Meter | None = None) -> None:
        """Raises `Stopped` after `stop`."""
        if self._stopped.is_set():
            raise Stopped("stopped by the visitor")


@contextmanager
def latest_run(session: str) -> Iterator[Run]:
    """The visitor's run for the length of the block; the one before it is stopped. Swallows this run's `Stopped`."""
    run = Run()
    with _lock:
        before, _running[session] = _running.get(session), run
    if before:
        before.stop()
    try:
        yield run
    except Stopped:
        return
    finally:
        with _lock:
            if _running.get(session) is run:
                del _running[session]


def stop(session: str) -> bool:
    """Stop what runs for the visitor; whether anything did."""
    with _lock:
        run = _running.pop(session, None)
    if run:
        run.stop()
    return run is not None
