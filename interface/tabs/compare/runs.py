"""What runs on the model for the Compare tab: the list, and why A is above B."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from attribution import contrast, explain, load_reranker, rank
from attribution.errors import InputError, OptionError
from attribution.evidence.compare.contrast import Contrast
from attribution.rerankers.reranker import Meter
from attribution.views.compare import Which
from attribution.views.page import status_html
from attribution.views.what_if import outcomes_html
from interface.page import models
from interface.runs.gpu import gpu
from interface.runs.handlers import answer_errors, sparingly
from interface.runs.lanes import latest_run
from interface.server.gradio_private import gone
from interface.tabs import lent
from interface.tabs.compare.state import Asked, Compared, draw_identity, draw_rows, draw_why, draw_words, pick

PARTS = (
    "state",
    "identity",
    "rows",
    "why",
    "words",
    "what_if",
    "meet",
    "picked",
    "status",
)  # the order of a handler's outputs
LANE = "compare"  # of its own: a start here ends what runs here
NO_LIST = "There is no list yet. Press Compare first."

Out = tuple[Any, ...]


def out(**parts: Any) -> Out:
    """A handler's outputs, in the order of `PARTS`; what is not given stays as it is."""
    return tuple(parts.get(name, gr.skip()) for name in PARTS)


def watch(check: Callable[[Meter], None], progress: gr.Progress, label: str, of: int = 0) -> Callable[[Meter], None]:
    """An `on_pass` that ends a stopped run and shows the passes so far, `of` how many if that is known."""
    tell = sparingly(progress)

    def on_pass(meter: Meter) -> None:
        check(meter)
        share = min(1.0, meter.n_forward / of) if of else 0.5
        tell(share, desc=f"{label}: {meter.n_forward}{f' of {of}' if of else ''} passes")

    return on_pass


@answer_errors
@gpu(seconds=lent.for_list, lane=LANE)
def run_list(
    asked: Asked | str | None,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[Out]:
    """Rank the list, contrast its first two, then colour the rows; each as soon as it is there.

    `asked`: a text where the boxes cannot be compared; it was said, and what is on the page stays.
    """
    if not isinstance(asked, Asked):
        yield out()
        return
    began = time.perf_counter()
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:
        yield out(status=status_html("Scoring the list …"))
        reranker = models.load(asked.model_id, progress, current.check)
        texts = [document.text for document in asked.documents]
        on_pass = watch(current.check, progress, "Scoring", len(texts))
        ranking = rank(reranker, asked.query, texts, on_pass=on_pass)
        a, b = asked.picked or (ranking.rows[0].place, ranking.rows[1].place)
        compared = Compared(asked, ranking, a=a, b=b)
        yield out(
            state=compared,
            identity=draw_identity(compared),
            rows=draw_rows(compared),
            why="",
            words="",
            what_if="",
            meet="",
            status=status_html("Ranked. Asking why A is above B …"),
        )
        compared = dataclasses.replace(compared, contrast=_contrast(compared, current.check, progress))
        yield _contrasted(compared, status_html("Colouring the rows …"))
        for step, row in enumerate(ranking.rows):
            on_pass = watch(current.check, progress, f"Colouring {step + 1} of {len(ranking.rows)}")
            try:
                said = explain(reranker, asked.query, row.document, asked.colour, on_pass=on_pass)
            except OptionError as error:  # the method does not know this family: the rows stay plain
                yield out(status=status_html(f"The rows stay plain: {error}"))
                return
            compared = dataclasses.replace(compared, coloured={**compared.coloured, row.place: said})
        yield out(
            state=compared,
            rows=draw_rows(compared),
            status=status_html(f"Done after {time.perf_counter() - began:.1f} s."),
        )


def run_pick(
    compared: Compared | None,
    event: gr.EventData,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Out]:
    """Another A or B: the list stays, the contrast is made anew. The event itself cannot go to a GPU worker."""
    yield from _run_pick(compared, int(event.place), "A" if event.which == "A" else "B", request, progress)


@answer_errors
@gpu(seconds=lent.for_pick, lane=LANE)
def _run_pick(
    compared: Compared | None, place: int, which: Which, request: gr.Request, progress: gr.Progress
) -> Iterator[Out]:
    if compared is None:
        raise InputError(NO_LIST)
    began = time.perf_counter()
    chosen = pick(compared, place, which)
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:
        yield out(
            state=chosen,
            rows=draw_rows(chosen),
            what_if="",
            meet="",
            picked=f"{chosen.a},{chosen.b}",
            status=status_html("Asking why A is above B …"),
        )
        done = dataclasses.replace(chosen, contrast=_contrast(chosen, current.check, progress))
        yield _contrasted(done, status_html(f"Done after {time.perf_counter() - began:.1f} s."))


def _contrast(compared: Compared, check: Callable[[Meter], None], progress: gr.Progress) -> Contrast:
    asked = compared.asked
    first, second = (asked.documents[compared.place(which) - 1].text for which in ("A", "B"))
    on_pass = watch(check, progress, "Why A over B")
    return contrast(load_reranker(asked.model_id), asked.query, first, second, asked.method, on_pass=on_pass)


def _contrasted(compared: Compared, status: str) -> Out:
    """Everything that a new contrast changes."""
    return out(
        state=compared,
        rows=draw_rows(compared),
        why=draw_why(compared),
        words=draw_words(compared),
        what_if=outcomes_html([]),
        status=status,
    )
