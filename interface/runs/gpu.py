"""ZeroGPU lends a GPU to functions marked with `gpu`; everywhere else the mark does nothing. Import before torch.

There a marked handler runs in a process of its own. What crosses the border: its yields, and a `Tick` at every batch,
at which this side sees whether the visitor has stopped the run or left, and ends it. Of errors only `gr.Error` keeps
its sentence on the way, so they become one over there.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, TypeVar

try:
    import spaces
except ImportError:  # only Spaces bring it along
    spaces = None

import gradio as gr

from interface.runs.handlers import answer_errors
from interface.runs.lanes import MAIN, latest_run, ticking
from interface.runs.steps import Tick, stepwise
from interface.server.gradio_private import gone

Handler = TypeVar("Handler", bound=Callable[..., Any])
ON_ZEROGPU = spaces is not None and spaces.config.Config.zero_gpu


def gpu(seconds: int | Callable[..., int], lane: str | None = MAIN) -> Callable[[Handler], Handler]:
    """Mark a generator handler as needing the GPU for about `seconds`, or as many as `seconds(*arguments)` says.

    `lane`: of the visitor's runs, the one that the handler claims; None: it ends no other run.
    """
    return (lambda handler: across(handler, seconds, lane)) if ON_ZEROGPU else lambda handler: handler


def across(handler: Callable[..., Any], seconds: int | Callable[..., int], lane: str | None) -> Any:
    """`handler` in a GPU worker, read from here."""

    @functools.wraps(handler)
    def there(*args: Any, **kwargs: Any) -> Generator[Any]:
        def work(tick: Callable[[], None]) -> Generator[Any]:
            with ticking(tick):
                yield from handler(*args, **kwargs)

        yield from stepwise(work)

    worker = spaces.GPU(duration=seconds)(answer_errors(there))

    @functools.wraps(handler)
    def here(*args: Any, **kwargs: Any) -> Generator[Any]:
        given = [*args, *kwargs.values()]
        request = next((value for value in given if isinstance(value, gr.Request)), None)
        session = request.session_hash if request and lane else None
        run = latest_run(session or uuid.uuid4().hex, lane or MAIN, is_gone=gone(request))
        with run as current, closing(worker(*args, **kwargs)) as steps:
            for step in steps:
                if isinstance(step, Tick):
                    current.check()
                else:
                    yield step

    return here
