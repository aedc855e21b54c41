"""One run a visitor and lane, the latest wins: a newer start ends the one before it, before its next model pass.

A start is claimed at once, outside Gradio's queue, and waits until its handler begins. A claim has a number, so a
handler whose claim was withdrawn meanwhile knows it and does nothing. A tab that runs by itself has a lane of its own.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from statistics import fmean
from typing import Any, Literal

from attribution.errors import Stopped
from attribution.rerankers.memory import return_freed
from attribution.rerankers.meter import Meter
from interface.runs.budget import Budget

SLOTS = 2  # runs at a time, all visitors together
TYPICAL_SECONDS = 3.0  # of a run, until there was one
WAITING = 24  # places in the queue at most
WAIT_SECONDS = 20.0  # of the last place, about: there are fewer places while runs take long
PROGRESS_SECONDS = 0.25
Lane = tuple[str, str]  # (session, name of the lane)
Ended = Literal["running", "waiting"]
MAIN = "explain"
CHOOSING = "model"  # a lane that takes no slot: a chosen model is fetched in a queue of its own

_lock = threading.Condition()  # told whenever a run is over
_running: dict[Lane, Run] = {}
_waiting: dict[Lane, int] = {}  # the number of the claim, in the order they were claimed
_refused: deque[str] = deque(maxlen=1000)  # visitors who found the queue full, until they are told
_numbers = itertools.count(1)
_seconds: deque[float] = deque(maxlen=20)  # how long the last runs took
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
    """

    def __init__(
        self,
        is_gone: Callable[[], bool] = lambda: False,
        progress: Callable[..., Any] | None = None,
        others: Callable[[], int] = lambda: 0,
    ) -> None:
        self._stopped = threading.Event()
        self._is_gone = is_gone
        self._budget: Budget | None = None
        self.progress, self.others = progress, others
        self.tell = sparingly((lambda *_, **__: None) if progress is None else progress)  # Gradio's own is false

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
            self._budget = self._budget or Budget()
            self._budget.check()


@contextmanager
def ticking(tick: Callable[[], None]) -> Iterator[None]:
    """Every `check` of this context calls `tick`, which may raise `Stopped`."""
    token = _tick.set(tick)
    try:
        yield
    finally:
        _tick.reset(token)


@contextmanager
def latest_run(session: str, lane: str = MAIN, run: Run | None = None, claim: int | None = None) -> Iterator[Run]:
    """The visitor's run for the length of the block; the one before it is stopped. Swallows this run's `Stopped`.

    `claim`: the number of its claim; if that was withdrawn or is not the latest, the run is stopped from the start.
    """
    run, key, began = run or Run(), (session, lane), time.perf_counter()
    with _lock:
        late = claim is not None and _waiting.get(key) != claim
        if late:
            run.stop()
        else:
            _waiting.pop(key, None)
            before, _running[key] = _running.get(key), run
            if before:
                before.stop()
    try:
        yield run
    except Stopped:
        return
    finally:
        if lane != CHOOSING and not late:
            _seconds.append(time.perf_counter() - began)
        with _lock:
            if _running.get(key) is run:
                del _running[key]
            _lock.notify_all()
        return_freed()  # each thread that served a run keeps what its largest batch took, else


def anything_runs() -> bool:
    """Whether the model is at work for anybody."""
    return any(lane != CHOOSING for _, lane in [*_running])


def wait_until_idle() -> None:
    """Come back once nothing runs."""
    with _lock:
        _lock.wait_for(lambda: not anything_runs())


def claim(session: str, lane: str = MAIN) -> int:
    """End what the visitor has running, and wait. Returns the claim's number; `ahead` says for how long it waits.

    The main lane ends every lane of the visitor, another lane only itself.
    """
    end(session, None if lane == MAIN else lane)
    with _lock:
        _waiting[session, lane] = number = next(_numbers)
    return number


def waits(session: str, lane: str, claim: int) -> bool:
    """Whether this claim still waits: it was not withdrawn, and no newer one took its place."""
    with _lock:
        return _waiting.get((session, lane)) == claim


def answered(session: str, lane: str) -> None:
    """The visitor's claim has its answer without a run."""
    with _lock:
        _waiting.pop((session, lane), None)


def refuse(session: str, name: str) -> None:
    """The queue is full: the visitor's claim, of the handler `name`, is withdrawn."""
    answered(session, name.removeprefix("run_"))
    _refused.append(session)


def was_refused(session: str) -> bool:
    """Whether the visitor found the queue full; told once."""
    found = session in _refused
    if found:
        _refused.remove(session)
    return found


def ahead(session: str, lane: str = MAIN) -> tuple[int, float] | None:
    """While the visitor's claim waits: the runs before it, and about how long they take, in s; else None."""
    with _lock:
        if (session, lane) not in _waiting:
            return None
        if lane == CHOOSING:
            return 0, 0.0
        running, waiting = ([key for key in lanes if key[1] != CHOOSING] for lanes in (_running, _waiting))
        before = max(0, len(running) + waiting.index((session, lane)) - SLOTS + 1)
        return before, before * fmean(_seconds or [TYPICAL_SECONDS]) / SLOTS


def places() -> int:
    """How many may wait, so that the last of them waits about `WAIT_SECONDS` at the pace of the last runs."""
    return max(SLOTS, min(WAITING, round(WAIT_SECONDS * SLOTS / max(1e-3, fmean(_seconds or [TYPICAL_SECONDS])))))


def wait_of_a_full_queue() -> int:
    """About how many seconds until there is a place in it again."""
    return max(1, round(fmean(_seconds or [TYPICAL_SECONDS]) / SLOTS))


def end(session: str, lane: str | None = None) -> dict[str, Ended]:
    """Stop what runs for the visitor and withdraw what waits, in one lane or in all: by lane, what there was."""
    with _lock:
        mine = [key for key in [*_running, *_waiting] if key[0] == session and lane in (None, key[1])]
        runs = {key[1]: _running.pop(key) for key in mine if key in _running}
        left = [key[1] for key in mine if _waiting.pop(key, None)]
        _lock.notify_all()
    for run in runs.values():
        run.stop()
    return {**dict.fromkeys(left, "waiting"), **dict.fromkeys(runs, "running")}


def stop(session: str, lane: str | None = None) -> Ended | Literal[""]:
    """`end`, in a word."""
    return in_a_word(end(session, lane))


def in_a_word(ended: Mapping[str, Ended]) -> Ended | Literal[""]:
    """What there was in all lanes together: "running" if anything was."""
    return "running" if "running" in ended.values() else "waiting" if ended else ""


def busy(session: str, lane: str | None = None) -> bool:
    """Whether anything of this visitor's runs or waits, in one lane or in any."""
    with _lock:
        return any(key[0] == session and lane in (None, key[1]) for key in [*_running, *_waiting])


def _forget_the_parents() -> None:
    """A forked worker has no visitors; the lock may have been held by a thread that is not there any more."""
    global _lock
    _lock = threading.Condition()
    _running.clear()
    _waiting.clear()


os.register_at_fork(after_in_child=_forget_the_parents)
