"""One run: it is stopped, tells its progress, and ends before its next model pass once nobody waits for it."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from attribution.errors import Stopped
from attribution.rerankers.hooks import Meter
from interface.runs.limits import check_time

PROGRESS_SECONDS = 0.25
_tick: ContextVar[Callable[[], None] | None] = ContextVar("tick", default=None)


def sparingly(progress: Callable[..., Any]) -> Callable[..., None]:
    """`progress`, told at most every `PROGRESS_SECONDS`: a message a batch is a good part of a short run's stream."""
    told = -math.inf

    def tell(*args: Any, **kwargs: Any) -> None:
        nonlocal told
        now = time.perf_counter()
        if now - told >= PROGRESS_SECONDS:
            told = now
            progress(*args, **kwargs)

    return tell


class Run:
    """A visitor's run; `check` is an `on_pass` that ends it once it was stopped, or has taken what a run may take.

    `tell`: shows its progress, as `gr.Progress` is called. `others()`: how many visitors wait for a turn.
    `lend_place()`: a block in which its place in the queue is another's. `away`: whether it is in such a block.
    """

    def __init__(
        self,
        is_gone: Callable[[], bool] = lambda: False,
        progress: Callable[..., Any] | None = None,
        others: Callable[[], int] = lambda: 0,
        lend_place: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._began, self._lend_place = time.perf_counter(), lend_place
        self.away, self.seconds_away = False, 0.0
        self._stopped = threading.Event()
        self._is_gone = is_gone
        self._at_work: float | None = None  # since when, by `time.perf_counter`
        self.progress, self.others = progress, others
        self.tell = sparingly((lambda *_, **__: None) if progress is None else progress)  # Gradio's own is false

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self._began

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """While it waits for something else than the model in memory: a download may take minutes."""
        began, self.away = time.perf_counter(), True
        try:
            with self._lend_place():
                yield
        finally:
            self.away = False
            self.seconds_away += time.perf_counter() - began

    @property
    def over(self) -> bool:
        """Its visitor has stopped it, or is gone."""
        return self._stopped.is_set() or self._is_gone()

    def stop(self) -> None:
        """End the run before its next model pass."""
        self._stopped.set()

    def check(self, meter: Meter | None = None) -> None:
        """Raises `Stopped` after `stop`, or once the visitor is gone; `OverBudget` at the host's limit.

        In a GPU worker, the page's process is asked. The limit counts from the first batch, which has a `meter`: a
        download does not use it up.
        """
        tick = _tick.get()
        if tick:
            tick()
        if self._stopped.is_set():
            raise Stopped("stopped by the visitor")
        if self._is_gone():
            raise Stopped("the visitor is gone")
        if meter:
            self._at_work = self._at_work or time.perf_counter()
            check_time(self._at_work)

    def watch(self, label: str, of: int = 0) -> Callable[[Meter], None]:
        """A `check` that also shows the passes so far, `of` how many if that is known."""

        def on_pass(meter: Meter) -> None:
            self.check(meter)
            self.tell((meter.n_forward, of or None), desc=label, unit="passes")

        return on_pass


@contextmanager
def ticking(tick: Callable[[], None]) -> Iterator[None]:
    """Every `check` of this context calls `tick`, which may raise `Stopped`."""
    token = _tick.set(tick)
    try:
        yield
    finally:
        _tick.reset(token)
