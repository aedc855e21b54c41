"""Where a run meets the model: here, or on ZeroGPU in a process that has a GPU for a while. Import before torch.

What crosses the border there: the updates, and a `Tick` at every batch, at which this side sees whether the visitor
has stopped the run or left, and ends it. Of errors only `gr.Error` keeps its sentence on the way, so they become one
over there.
"""

import contextvars
import logging
import threading
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any

try:
    import spaces
except ImportError:  # only Spaces bring it along
    spaces = None

import gradio as gr

from attribution.errors import AttributionError, Stopped
from interface.runs.kept import follow
from interface.runs.lanes import latest_run
from interface.runs.run import Run, ticking
from interface.server.gradio_queue import gone, lending_place, others

ON_ZEROGPU = spaces is not None and spaces.config.Config.zero_gpu
OUR_FAULT = "Something went wrong on our side. Try again, or another model."
Work = Callable[[Any, Run], Iterator[Any]]  # (what is asked, the run) -> updates
END = object()  # the work is over

log = logging.getLogger("rerank_lens")


def spoken(error: Exception) -> gr.Error:
    """`error` as a visitor reads it: ours in its own words, another in a sentence and in the log."""
    if isinstance(error, gr.Error):
        return error
    if isinstance(error, AttributionError):
        return gr.Error(str(error), print_exception=False)
    log.error("a run failed", exc_info=error)
    return gr.Error(OUR_FAULT, print_exception=False)


def on_model(
    work: Work, lane: str, seconds: Callable[[Any], int] | None, key: Callable[[Any], str]
) -> Callable[..., Generator[Any]]:
    """`work(asked, run)` as `(asked, request, progress, claim)`: a run of the visitor's `lane`, the latest wins.

    `seconds(asked)`: for how long to ask for a lent GPU; None where none is needed. `key(asked)`: what is asked by two
    visitors at the same time under one key is one run. `lane`: empty for one that ends no other run.
    """

    def latest(request: gr.Request | None, progress: Any, claim: int | None) -> Any:
        session = request.session_hash if request and lane else None
        run = Run(gone(request), progress, others(request), lending_place(request))
        return latest_run(session or uuid.uuid4().hex, lane or "api", run, claim)

    def visitors(asked: Any, request: Any = None, progress: Any = None, claim: int | None = None) -> Generator[Any]:
        with latest(request, progress, claim) as run:
            run.check()
            for update in follow(key(asked), partial(steps, asked), run):
                run.check()  # what a stop has said meanwhile is not overwritten
                yield update

    def there(asked: Any, progress: Any) -> Generator[Any]:
        def ticked(tick: Callable[[], None]) -> Generator[Any]:
            with ticking(tick), latest(None, progress, None) as run:
                for update in work(asked, run):
                    run.check()
                    yield update

        try:
            yield from stepwise(ticked)
        except Exception as error:
            raise spoken(error) from None

    def from_worker(asked: Any, run: Run) -> Generator[Any]:
        with closing(worker(asked, run.progress)) as received:
            for step in received:
                run.check()
                if not isinstance(step, Tick):
                    yield step

    steps = work
    if seconds and ON_ZEROGPU:
        worker, steps = spaces.GPU(duration=lambda asked, _progress: seconds(asked))(there), from_worker
    return visitors


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
