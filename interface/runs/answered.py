"""The Explain tab's results, kept as they were on the page at the end of a run, and shown to whoever asks the same."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from attribution import METHODS
from attribution.views.page import status_html
from interface.runs.kept import KEPT, KeptAnswer, key_of
from interface.runs.lanes import latest_run

N_INPUTS = 13  # of `run`: what is before the request
KEPT_STATUS = "Done: kept from an earlier run of the same texts and settings, which took {:.1f} s."
TOKEN_BYTES = 400  # of an explanation in memory


class Shown:
    """`parts`: `[identity, score, head, faithfulness, kept, *cards]`, as the updates left them."""

    def __init__(self) -> None:
        self.parts: list[Any] = ["", "", "", "", None, *[""] * len(METHODS)]

    def see(self, update: tuple[Any, ...]) -> None:
        """What is skipped stays."""
        self.parts = [old if isinstance(new, dict) else new for old, new in zip(self.parts, update[:-1], strict=True)]


def answered_before(handler: Callable[..., Iterator[tuple[Any, ...]]]) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """For `run`: what is on the page at its end is kept, unless it was cut short, and shown to whoever asks the same.

    Outside the mark for a lent GPU, which an answer that is kept does not need.
    """

    @functools.wraps(handler)
    def asked(*inputs: Any) -> Iterator[tuple[Any, ...]]:
        kept = KEPT.get(_key(inputs))
        if kept:
            with latest_run(inputs[N_INPUTS].session_hash or ""):
                status = status_html(KEPT_STATUS.format(kept.seconds))
                yield *kept.content, status
                yield *[gr.skip()] * len(kept.content), status  # the end of a stream repeats its last yield
            return
        began, shown = time.perf_counter(), Shown()
        for update in handler(*inputs):
            shown.see(update)
            yield update
        keep(inputs, shown, time.perf_counter() - began)

    return asked


def keep(inputs: Sequence[Any], shown: Shown, seconds: float) -> None:
    """Keep the page as it is `shown` for the same `inputs`, those of `run`, if every method is there and measured."""
    done, measured = shown.parts[4] or ({}, None)
    if measured and {key for keys in inputs[3:8] for key in keys or []} == set(done) <= set(measured.methods):
        html = sum(len(part) for part in shown.parts if isinstance(part, str))
        size = html + TOKEN_BYTES * sum(len(e.tokens) for e in done.values())
        KEPT.put(_key(inputs), KeptAnswer(tuple(shown.parts), size, seconds))


def is_kept(*inputs: Any) -> bool:
    """Whether `run` would show again what it has shown before."""
    return KEPT.get(_key(inputs)) is not None


def _key(inputs: Sequence[Any]) -> str:
    return key_of(*inputs[:N_INPUTS])
