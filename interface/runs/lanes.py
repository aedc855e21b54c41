"""One run a visitor and lane, the latest wins: a newer start ends the one before it, before its next model pass.

A start is claimed at once, outside Gradio's queue, and waits here, with what it asks for, until its handler begins. A
claim has a number, so a run whose claim was withdrawn meanwhile does nothing. A tab that runs by itself has a lane.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal

from attribution.errors import Stopped
from attribution.rerankers.memory import return_freed
from interface.runs.run import Run

SLOTS = 2  # runs at a time, all visitors together
COMES_SECONDS = 5.0  # within which the run of a start is in Gradio's queue; its visitor may have left before
FORGOTTEN_SECONDS = 600.0  # after which a start whose run never came is not remembered
TYPICAL_SECONDS = 3.0  # of a run, until there was one
WAITING = 24  # places in the queue at most
REMEMBERED = 1000  # visitors of whom it is known what they were told last
WAIT_SECONDS = 20.0  # of the last place, about: there are fewer places while runs take long
Lane = tuple[str, str]  # (session, name of the lane)
Ended = Literal["running", "waiting"]
MAIN = "explain"
CHOOSING = "model"  # a lane that takes no slot: a chosen model is fetched in a queue of its own

_lock = threading.Condition()  # told whenever a run is over
_running: dict[Lane, Run] = {}
_waiting: dict[Lane, Claim] = {}  # in the order they were claimed
_refused: deque[str] = deque(maxlen=1000)  # visitors who found the queue full, until they are told
_no: dict[Lane, int] = {}  # the number of a start that was refused with a word, which stands until the next claim
_said: dict[str, dict[str, str]] = {}  # by visitor, what each line was told last
_numbers = itertools.count(int(time.time() * 1000))  # a page that is open meanwhile sees them rise after a restart too
_seconds: deque[float] = deque(maxlen=20)  # how long the last runs took


@dataclass(frozen=True)
class Claim:
    """What a start asked of which handler; numbers rise. `queued()`: whether its visitor has anything in the queue."""

    number: int
    asked: Any = None
    handler: str = ""
    queued: Callable[[], bool] = lambda: True
    began: float = field(default_factory=lambda: time.monotonic())

    def lasts(self, seconds: float) -> bool:
        """Whether the claim is younger than that, or its run may still come."""
        return time.monotonic() - self.began < seconds or self.queued()


@contextmanager
def latest_run(session: str, lane: str = MAIN, run: Run | None = None, claim: int | None = None) -> Iterator[Run]:
    """The visitor's run for the length of the block; the one before it is stopped. Swallows this run's `Stopped`.

    `claim`: the number of its claim; if that was withdrawn or is not the latest, the run is stopped from the start.
    """
    run, key, began = run or Run(), (session, lane), time.perf_counter()
    with _lock:
        latest = _waiting.get(key)
        late = claim is not None and (latest is None or latest.number != claim)
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
            _seconds.append(time.perf_counter() - began - run.seconds_away)
        with _lock:
            if _running.get(key) is run:
                del _running[key]
            _lock.notify_all()
        return_freed()  # each thread that served a run keeps what its largest batch took, else


def anything_runs() -> bool:
    """Whether the model is at work for anybody."""
    return any(lane != CHOOSING and not run.away for (_, lane), run in [*_running.items()])


def wait_until_idle() -> None:
    """Come back once nothing runs."""
    with _lock:
        _lock.wait_for(lambda: not anything_runs())


def claim(session: str, lane: str = MAIN, *wanted: Any) -> tuple[int, dict[str, Ended]]:
    """End what the visitor has, and wait: the claim's number and what it ended; `ahead` says for how long it waits.

    The main lane ends every lane of the visitor, another lane only itself. `wanted`: the other fields of the `Claim`.
    """
    ended = end(session, None if lane == MAIN else lane)
    with _lock:
        for key in [key for key, one in _waiting.items() if not one.lasts(FORGOTTEN_SECONDS)]:
            del _waiting[key]
        _waiting[session, lane] = latest = Claim(next(_numbers), *wanted)
    return latest.number, ended


def waiting(session: str, lane: str, handler: str) -> Claim | None:
    """The visitor's claim that waits for this handler, if one does."""
    with _lock:
        found = _waiting.get((session, lane))
    return found if found and found.handler == handler else None


def say_no(session: str, lane: str) -> None:
    """A start was refused and its visitor told why; what runs goes on, and writes over that message no more."""
    with _lock:
        _no[session, lane] = next(_numbers)


def may_say(session: str, lane: str, claim: int) -> bool:
    """Whether this claim may still write the lane's status: no later start was refused in the lane."""
    return _no.get((session, lane), 0) < claim


def say(session: str, line: str, text: str) -> str:
    """`text`, kept as what the visitor's line was told last: on its way to the browser an older one may pass it."""
    with _lock:
        _said[session] = {**_said.pop(session, {}), line: text}
        if len(_said) > REMEMBERED:
            del _said[next(iter(_said))]
    return text


def said(session: str) -> Mapping[str, str]:
    """What each of the visitor's lines was told last."""
    return _said.get(session, {})


def forget(session: str) -> None:
    """The visitor left: stop what still runs for them."""
    end(session)
    _said.pop(session, None)


def answered(session: str, lane: str) -> None:
    """The visitor's claim has its answer without a run."""
    with _lock:
        _waiting.pop((session, lane), None)


def refuse(session: str, name: str) -> None:
    """The queue is full: the claim of the event `name` is withdrawn; "run_compare_2" is one of Compare's.

    An endpoint has no claim; its caller reads the refusal itself.
    """
    kind, *lane = name.split("_")
    if kind == "run":
        answered(session, lane[0])
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
        come = [key for key, one in _waiting.items() if one.lasts(COMES_SECONDS) or key == (session, lane)]
        at_work = [key for key, run in _running.items() if not run.away]
        running, waiting = ([key for key in keys if key[1] != CHOOSING] for keys in (at_work, come))
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
        for key in [key for key in _no if key[0] == session and lane in (None, key[1])]:
            del _no[key]
        _lock.notify_all()
    for run in runs.values():
        run.stop()
    return {**dict.fromkeys(left, "waiting"), **dict.fromkeys(runs, "running")}


def in_a_word(ended: Mapping[str, Ended]) -> Ended | Literal[""]:
    """What `end` ended, in one word: "running" if anything ran, else "waiting", else ""."""
    return "running" if "running" in ended.values() else "waiting" if ended else ""


def busy(session: str, lane: str | None = None) -> bool:
    """Whether anything of this visitor's runs or waits, in one lane or in any."""
    with _lock:
        return any(key[0] == session and lane in (None, key[1]) for key in [*_running, *_waiting])


def numbered(session: str, lanes: Iterable[str]) -> tuple[int, list[str]]:
    """`(number, those of the lanes that are busy)`, "" for any: of two answers the one with the higher number holds."""
    with _lock:
        return next(_numbers), [lane for lane in lanes if busy(session, lane or None)]


def _forget_the_parents() -> None:
    """A forked worker has no visitors; the lock may have been held by a thread that is not there any more."""
    global _lock
    _lock = threading.Condition()
    _running.clear()
    _waiting.clear()
    _no.clear()
    _said.clear()


os.register_at_fork(after_in_child=_forget_the_parents)
