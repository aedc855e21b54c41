"""The same question at the same time is one run: all who ask follow it, and it ends when the last of them has left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from interface.runs.run import Run

LOOK_SECONDS = 0.1  # between looks whether who follows has stopped
_lock = threading.Lock()
_shared: dict[str, Shared] = {}


class Shared:
    """Updates that several runs see. Whoever needs one that is not there makes it, for all; an error is the last."""

    def __init__(self, key: str, work: Callable[[Run], Iterator[Any]], first: Run) -> None:
        self.key, self.runs, self.seen = key, [first], list[Any]()
        self.turn = threading.Lock()
        self.run = Run(self.left, first.progress, first.others)
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
        shared.left()
