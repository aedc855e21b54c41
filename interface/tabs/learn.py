"""Tab "Learn", two pages of one story: every way to the embeddings' gradient, run on the visitor's pair; and what one
pass leaves in the model.
"""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

from attribution.cost import GRADIENT
from attribution.lab.autograd import EXPERIMENTS, PICTURED, LabRow, equal_gradients, run_lab
from attribution.rerankers.meter import Meter, metered
from attribution.views.lab import intro_html, lab_html, pictures_html
from attribution.views.page import identity_html, status_html
from interface.page import models
from interface.page.layout import Shell, open_run, scripts
from interface.page.links import Linked, field
from interface.runs.handlers import Pair, Update, handler
from interface.runs.run import Run
from interface.tabs import inside

LANES = {"lab": "", "inside": ""}
PAGES = [("How autograd gets there", "lab"), ("Inside the model", "inside")]
AGAIN = "Press “Run the lab on the boxes” to update."
# What is opened with a result of other text runs again; opening the tab has started what has no result yet.
FOLLOW = "() => [...document.querySelectorAll('[data-rl-stale] .rl-again')].find((it) => it.checkVisibility())?.click()"


def build(shell: Shell, tab: gr.Tab) -> Linked:
    """A switch and its two pages, of which CSS shows the chosen one; what is opened follows the boxes."""
    page = gr.Radio(PAGES, value="lab", label="Page", show_label=False, container=False, elem_id="learn-page")
    page.select(None, js=FOLLOW)
    with gr.Column(elem_id="lab"):
        gr.HTML(intro_html())
        with gr.Column(elem_classes="rl-result"):
            identity = gr.HTML("", elem_id="lab-identity")
            again = gr.Button("Run the lab on the boxes", variant="primary", elem_classes="rl-again")
            shell.actions.lines["lab"].render()
            pictures = gr.HTML("", elem_id="lab-pictures", js_on_load=scripts("words"))
            rows = gr.HTML("", elem_id="lab-rows")
        open_run(shell, tab, again, run, {"identity": identity, "pictures": pictures, "rows": rows})
    with gr.Column(elem_id="inside"):
        fields = inside.build(shell, tab)
    return Linked([field(page), *fields])


# A gradient each row, the true one for each beside it, and the plain forward.
@handler(lane="lab", passes=lambda _asked, _sides: 2 * GRADIENT * (1 + len(EXPERIMENTS)))
def run(asked: Pair, run: Run) -> Iterator[Update]:
    """The table, one more row each time; the two pictures as soon as their rows are there."""
    reranker = models.load(asked.model_id, run)
    identity = identity_html(asked.identity(reranker.revision, notes=reranker.notes), AGAIN)
    rows: list[LabRow] = []
    experiments = run_lab(reranker, asked.query, asked.document)
    for step in range(1, len(EXPERIMENTS) + 1):
        with metered(Meter(run.check)):
            rows.append(next(experiments))
        done = step == len(EXPERIMENTS)
        so_far = "Done" if done else f"{step} of {len(EXPERIMENTS)} rows"
        status = status_html(f"{so_far} after {run.seconds:.1f} s.")
        table = lab_html(rows, equal_gradients(rows), finished=done)
        pictures = {"pictures": pictures_html(rows)} if step == PICTURED else {}
        yield {"identity": identity, "rows": table, "shown": asked if done else None, "status": status, **pictures}
