"""Tab "Autograd lab": every way to the embeddings' gradient, run on the visitor's pair, row by row."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gradio as gr

from attribution import load_reranker
from attribution.lab.autograd import EXPERIMENTS, LabRow, equal_gradients, run_lab
from attribution.views.lab import intro_html, lab_html, status_html
from interface.common import QUEUE, PairInputs, answer_errors, check_fields, check_model, check_texts
from interface.gpu import gpu


def build(pair: PairInputs) -> None:
    """The tab's components and their one event."""
    gr.HTML(intro_html())
    start = gr.Button("Run the lab", variant="primary")
    status = gr.HTML(status_html("Ready."), elem_id="lab-status")
    rows = gr.HTML("", elem_id="lab-rows")
    start.click(
        run,
        pair.components,
        [rows, status],
        show_progress="minimal",
        show_progress_on=status,
        api_visibility="private",
        validator=check_fields,
        **QUEUE,
    )


@answer_errors
@gpu(seconds=30)
def run(model_id: str, query: str, document: str) -> Iterator[tuple[str, str]]:
    """Yields `(rows, status)` as HTML, one more row each time."""
    check_model(model_id)
    check_texts(query, document)
    began = time.perf_counter()
    rows: list[LabRow] = []
    for row in run_lab(load_reranker(model_id), query, document):
        rows.append(row)
        finished = len(rows) == len(EXPERIMENTS)
        done = "Done" if finished else f"{len(rows)} of {len(EXPERIMENTS)} rows"
        table = lab_html(rows, equal_gradients(rows), finished=finished)
        yield table, status_html(f"{done} after {time.perf_counter() - began:.1f} s.")
