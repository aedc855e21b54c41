"""Tab "Autograd lab": every way to the embeddings' gradient, run on the visitor's pair, row by row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from attribution.lab.autograd import EXPERIMENTS, LabRow, equal_gradients, run_lab
from attribution.rerankers.reranker import Meter, metered
from attribution.views.lab import intro_html, lab_html
from attribution.views.page import identity_html, status_html
from interface.page import models
from interface.page.actions import Actions, open_run
from interface.runs.gpu import gpu
from interface.runs.handlers import KEEP_SECONDS, PairInputs, answer_errors, identity_of
from interface.runs.lanes import latest_run
from interface.runs.limits import check_model, check_texts
from interface.server.gradio_private import gone
from interface.tabs import lent

LANE = "lab"
AGAIN = "Press “Run the lab on the boxes” for them."


def build(pair: PairInputs, actions: Actions, tab: gr.Tab) -> Any:
    """The tab's components and their one event, which is returned."""
    gr.HTML(intro_html())
    shown = gr.State(None, time_to_live=KEEP_SECONDS)
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML("", elem_id="lab-identity")
        again = gr.Button("Run the lab on the boxes", variant="primary", elem_classes="rl-again")
        status = actions.lines[LANE].render()
        rows = gr.HTML("", elem_id="lab-rows")
    return open_run(tab, again, run, pair, [shown], [shown, identity, rows, status], actions, LANE)


@answer_errors
@gpu(seconds=lent.for_lab, lane=LANE)
def run(
    model_id: str,
    query: str,
    document: str,
    shown: Any,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[tuple[Any, ...]]:
    """Yields `(shown, identity, rows, status)`, one more row each time; nothing new if the pair is shown already."""
    pair = (model_id, query, document)
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:
        if shown == pair:
            return
        check_model(model_id)
        check_texts(query, document)
        began = time.perf_counter()
        yield None, gr.skip(), gr.skip(), status_html("Starting …")
        reranker = models.load(model_id, progress, current.check)
        identity = identity_html(identity_of(model_id, reranker.revision, query, document), AGAIN)
        rows: list[LabRow] = []
        experiments = run_lab(reranker, query, document)
        for step in range(1, len(EXPERIMENTS) + 1):
            with metered(Meter(current.check)):
                rows.append(next(experiments))
            done = step == len(EXPERIMENTS)
            so_far = "Done" if done else f"{step} of {len(EXPERIMENTS)} rows"
            seconds = time.perf_counter() - began
            table = lab_html(rows, equal_gradients(rows), finished=done)
            yield pair if done else None, identity, table, status_html(f"{so_far} after {seconds:.1f} s.")
