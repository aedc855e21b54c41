"""Waiting for bytes: counted in the client's thread, told to the one that waits, given up when none comes any more."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from attribution.errors import ModelError
from attribution.rerankers.memory import gigabytes

OnBytes = Callable[[int, int], None]  # (bytes that came, of so many); may raise to give up
Answer = TypeVar("Answer")
KEPT = "Finished files are kept; try again."  # the client begins half a file anew


class GivenUp(Exception):
    """Ends a transfer that nobody waits for any more."""


class Transfer:
    """Bytes that came, counted by the client's progress bar in its thread and read by the one that waits."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.given_up, self.last = total, 0, False, time.monotonic()

    def bar(self, base: type[Any]) -> type[Any]:
        """A progress bar for the client, of its own kind `base`, that prints nothing."""
        transfer = self

        class Bar(base):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **{**kwargs, "disable": True})

            def update(self, n: float | None = 1) -> None:
                if transfer.given_up:
                    raise GivenUp
                transfer.done += int(n or 0)
                transfer.last = time.monotonic()

        return Bar


def watched(work: Callable[[], Answer], transfer: Transfer, on_bytes: OnBytes, stalled: float) -> Answer:
    """What `work` returns or raises, from a thread of its own; `ModelError` once no byte comes for `stalled` seconds.

    The client resumes a broken transfer by itself; it has no limit on the whole.
    """
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    transfer.last = time.monotonic()
    threading.Thread(target=run, daemon=True).start()  # nobody waits for it at exit
    try:
        while not answer.done():
            wait([answer], 0.1)
            on_bytes(transfer.done, transfer.total)
            if not answer.done() and time.monotonic() - transfer.last > stalled:
                raise ModelError(
                    f"The Hub has sent nothing for {stalled:.0f} seconds, after {gigabytes(transfer.done)} of "
                    f"{gigabytes(transfer.total)}. {KEPT}"
                )
    finally:
        transfer.given_up = not answer.done()
    return answer.result()
