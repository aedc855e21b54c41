"""Tab "Learn", two pages of one story: every way to the embeddings' gradient, run on the visitor's pair; and what one
pass leaves in the model: attentions, hidden states with their gradients, and the head as a read-out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.explain import GRADIENT
from attribution.lab.autograd import EXPERIMENTS, PICTURED, LabRow, equal_gradients, run_lab
from attribution.lab.internals import Inside, look_inside
from attribution.rerankers.hooks import Meter, metered
from attribution.views import learn as views
from attribution.views.page import identity_html, status_html
from attribution.views.templating import render
from interface.page import models
from interface.page.layout import Shell, open_run, scripts
from interface.page.links import Field, Linked, field
from interface.runs.handlers import ASIDE, KEEP_SECONDS, Pair, Update, handler
from interface.runs.run import Run

LANES = {"lab": "", "inside": ""}
PAGES = [("How to get the gradient", "lab"), ("Inside the model", "inside")]
RUN_AGAIN = "Press “Run the lab on the boxes” to update."
LOOK_AGAIN = "Press “Look inside for the text in the boxes” to update."
DEFAULT_MEASURE = "grad_norm"
MAP = 320  # pixels: below twice that, the two maps stand one above the other
REDRAW: dict[str, Any] = {**ASIDE, "queue": True}
# What is opened with a result of other text runs again; opening the tab has started what has no result yet.
FOLLOW = "() => [...document.querySelectorAll('[data-rl-stale] .rl-again')].find((it) => it.checkVisibility())?.click()"


@dataclass(frozen=True)
class Asked(Pair):
    """A pair, and what to show first: layer and head of its attention, for `_picked`, and a measure of its states."""

    attention: str = ""
    measure: str = DEFAULT_MEASURE


def build(shell: Shell, tab: gr.Tab) -> Linked:
    """A switch and its two pages, of which CSS shows the chosen one; what is opened follows the boxes."""
    page = gr.Radio(PAGES, value="lab", label="Page", show_label=False, container=False, elem_id="learn-page")
    page.select(None, js=FOLLOW)
    with gr.Column(elem_id="lab"):
        gr.HTML(render("lab_intro.html"))
        with gr.Column(elem_classes="rl-result"):
            identity = gr.HTML("", elem_id="lab-identity")
            again = gr.Button("Run the lab on the boxes", variant="primary", elem_classes="rl-again")
            shell.actions.lines["lab"].render()
            pictures = gr.HTML("", elem_id="lab-pictures", js_on_load=scripts("quote", "words"))
            rows = gr.HTML("", elem_id="lab-rows")
        open_run(shell, tab, again, run, {"identity": identity, "pictures": pictures, "rows": rows})
    with gr.Column(elem_id="inside"):
        fields = _build_inside(shell, tab)
    return Linked([field(page), *fields])


def _build_inside(shell: Shell, tab: gr.Tab) -> list[Field]:
    """The page's components; one run asks the model, the menus only redraw what it left. Returns what a link has."""
    inside = gr.State(None, time_to_live=KEEP_SECONDS)
    picked = gr.Textbox("", label="Layer and head", visible="hidden")
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML("", elem_id="inside-identity")
        again = gr.Button("Look inside for the text in the boxes", variant="primary", elem_classes="rl-again")
        shell.actions.lines["inside"].render()
        with gr.Column(elem_classes="rl-needs-result"):
            with gr.Row():
                with gr.Column(min_width=MAP):
                    gr.HTML(render("title.html", text="Attention"))
                    menus = gr.HTML("", elem_id="inside-menus", js_on_load=scripts("menus"))
                    attention = gr.HTML("", elem_id="inside-attention", js_on_load=scripts("quote", "heat"))
                with gr.Column(min_width=MAP):
                    gr.HTML(render("title.html", text="Hidden states"))
                    measures = [(label, key) for key, label in views.MEASURES.items()]
                    measure = gr.Radio(measures, value=DEFAULT_MEASURE, label="Show")
                    states = gr.HTML("", elem_id="inside-states", js_on_load=scripts("quote", "heat"))
            gr.HTML(render("title.html", text="Where the score appears"))
            readout = gr.HTML("", elem_id="inside-readout")
    menus.select(None, None, picked, js="() => window.rerankLens.chosen")
    picked.change(None, picked, js="(now) => window.rerankMenus.follow(now)")
    picked.change(redraw_attention, [inside, picked], attention, **REDRAW)
    measure.change(redraw_states, [inside, measure], states, **REDRAW)
    outputs = {"identity": identity, "inside": inside, "menus": menus, "attention": attention, "states": states}
    outputs |= {"readout": readout}
    open_run(shell, tab, again, look, outputs, Asked, attention=picked, measure=measure)
    return [field(measure), field(picked, since=2)]


# A gradient each row, the true one for each beside it, and the plain forward.
@handler(lane="lab", passes=lambda _asked, _sides: 2 * GRADIENT * (1 + len(EXPERIMENTS)))
def run(asked: Pair, run: Run) -> Iterator[Update]:
    """The table, one more row each time; the two pictures as soon as their rows are there."""
    reranker = models.load(asked.model_id, run)
    identity = identity_html(asked.identity(reranker.revision, notes=reranker.notes), RUN_AGAIN)
    rows: list[LabRow] = []
    experiments = run_lab(reranker, asked.query, asked.document)
    for step in range(1, len(EXPERIMENTS) + 1):
        with metered(Meter(run.check)):
            rows.append(next(experiments))
        done = step == len(EXPERIMENTS)
        so_far = "Done" if done else f"{step} of {len(EXPERIMENTS)} rows"
        status = status_html(f"{so_far} after {run.seconds:.1f} s.")
        table = views.lab_html(rows, equal_gradients(rows), finished=done)
        pictures = {"pictures": views.pictures_html(rows)} if step == PICTURED else {}
        yield {"identity": identity, "rows": table, "shown": asked if done else None, "status": status, **pictures}


@handler(lane="inside", passes=lambda _asked, _sides: GRADIENT)
def look(asked: Asked, run: Run) -> Iterator[Update]:
    """All that can be seen of one pass, once."""
    reranker = models.load(asked.model_id, run)
    with metered(Meter(run.check)):
        inside = look_inside(reranker, reranker.encode(asked.query, asked.document))
    picked = _picked(inside, asked.attention)
    yield {
        "shown": asked,
        "identity": identity_html(asked.identity(reranker.revision, notes=reranker.notes), LOOK_AGAIN),
        "inside": inside,
        "menus": views.menus_html(inside, *picked),
        "attention": views.attention_html(inside, *picked),
        "states": views.states_html(inside, asked.measure),
        "readout": views.readout_html(inside),
        "status": status_html(f"Done after {run.seconds:.1f} s."),
    }


def redraw_attention(inside: Inside | None, attention: str) -> Any:
    """Another layer or head of the pair last looked into."""
    return views.attention_html(inside, *_picked(inside, attention)) if inside else gr.skip()


def redraw_states(inside: Inside | None, measure: str) -> Any:
    """Another measure of the pair last looked into."""
    return views.states_html(inside, measure) if inside else gr.skip()


def _picked(inside: Inside, attention: str) -> tuple[int, int]:
    """Layer and head that `attention` names, as "2 0"; the last layer and the mean of its heads for anything else."""
    n_layers, n_heads = inside.attention.shape[:2]
    numbers = [int(part) for part in attention.split() if part.isdecimal()]
    if len(numbers) == 2 and numbers[0] <= n_layers and numbers[1] <= n_heads:
        return numbers[0], numbers[1]
    return n_layers, views.MEAN
