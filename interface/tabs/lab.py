"""Page "How autograd gets there" of Learn: every way to the embeddings' gradient, run on the visitor's pair."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gradio as gr

from attribution.cost import GRADIENT
from attribution.lab.autograd import EXPERIMENTS, PICTURED, LabRow, equal_gradients, run_lab
from attribution.methods.passes import Sides
from attribution.rerankers.meter import Meter, metered
from attribution.views.lab import intro_html, lab_html, pictures_html
from attribution.views.page import identity_html, status_html
from interface.page import models
from interface.page.layout import STATIC, Shell, open_run
from interface.runs.handlers import Pair, Update, handler
from interface.runs.run import Run

AGAIN = "Press “Run the lab on the boxes” to update."


def build(shell: Shell, tab: gr.Tab) -> None:
    """The page's components, and the run that opening Learn starts."""
    gr.HTML(intro_html())
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML("", elem_id="lab-identity")
        again = gr.Button("Run the lab on the boxes", variant="primary", elem_classes="rl-again")
        shell.actions.lines["lab"].render()
        pictures = gr.HTML("", elem_id="lab-pictures", js_on_load=(STATIC / "words.js").read_text("utf-8"))
        rows = gr.HTML("", elem_id="lab-rows")
    open_run(shell, tab, again, run, {"identity": identity, "pictures": pictures, "rows": rows})


def passes(_asked: Pair, _sides: Sides) -> int:
    """A gradient each row, the true one for each beside it, and the plain forward."""
    return 2 * GRADIENT * (1 + len(EXPERIMENTS))


@handler(lane="lab", passes=passes)
def run(asked: Pair, run: Run) -> Iterator[Update]:
    """The table, one more row each time; the two pictures as soon as their rows are there."""
    began = time.perf_counter()
    reranker = models.load(asked.model_id, run)
    identity = identity_html(asked.identity(reranker.revision, notes=reranker.notes), AGAIN)
    rows: list[LabRow] = []
    experiments = run_lab(reranker, asked.query, asked.document)
    for step in range(1, len(EXPERIMENTS) + 1):
        with metered(Meter(run.check)):
            rows.append(next(experiments))
        done = step == len(EXPERIMENTS)
        so_far = "Done" if done else f"{step} of {len(EXPERIMENTS)} rows"
        status = status_html(f"{so_far} after {time.perf_counter() - began:.1f} s.")
        table = lab_html(rows, equal_gradients(rows), finished=done)
        pictures = {"pictures": pictures_html(rows)} if step == PICTURED else {}
        yield {"identity": identity, "rows": table, "shown": asked if done else None, "status": status, **pictures}
