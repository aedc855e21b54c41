"""Page "Inside the model" of Learn: attentions, hidden states with their gradients, and the head as a read-out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.cost import GRADIENT
from attribution.lab.internals import Inside, look_inside
from attribution.methods.passes import Sides
from attribution.rerankers.meter import Meter, metered
from attribution.views.compare import title_html
from attribution.views.inside import MEAN, MEASURES, attention_html, readout_html, states_html
from attribution.views.page import identity_html, status_html
from interface.page import models
from interface.page.layout import STATIC, Shell, open_run
from interface.runs.handlers import ASIDE, KEEP_SECONDS, Pair, Update, handler
from interface.runs.run import Run

DEFAULT_MEASURE = "grad_norm"
AGAIN = "Press “Look inside for the text in the boxes” to update."
MAP = 320  # pixels: below twice that, the two maps stand one above the other
REDRAW: dict[str, Any] = {**ASIDE, "queue": True}


@dataclass(frozen=True)
class Asked(Pair):
    """A pair, and the measure of its hidden states to show first."""

    measure: str = DEFAULT_MEASURE


def build(shell: Shell, tab: gr.Tab) -> gr.Radio:
    """The page's components; one run asks the model, the menus only redraw what it left. Returns what states show."""
    js = (STATIC / "heat.js").read_text("utf-8")
    inside = gr.State(None, time_to_live=KEEP_SECONDS)
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML("", elem_id="inside-identity")
        again = gr.Button("Look inside for the text in the boxes", variant="primary", elem_classes="rl-again")
        shell.actions.lines["inside"].render()
        with gr.Column(elem_classes="rl-needs-result"):
            with gr.Row():
                with gr.Column(min_width=MAP):
                    gr.HTML(title_html("Attention"))
                    with gr.Row():
                        layer = gr.Dropdown(_choices("layer", 0), value=MEAN, label="Layer", min_width=140)
                        head = gr.Dropdown(_choices("head", 0), value=MEAN, label="Head", min_width=140)
                    attention = gr.HTML("", elem_id="inside-attention", js_on_load=js)
                with gr.Column(min_width=MAP):
                    gr.HTML(title_html("Hidden states"))
                    measures = [(label, key) for key, label in MEASURES.items()]
                    measure = gr.Radio(measures, value=DEFAULT_MEASURE, label="Show")
                    states = gr.HTML("", elem_id="inside-states", js_on_load=js)
            gr.HTML(title_html("Where the score appears"))
            readout = gr.HTML("", elem_id="inside-readout")
    gr.on([layer.input, head.input], redraw_attention, [inside, layer, head], attention, **REDRAW)
    measure.input(redraw_states, [inside, measure], states, **REDRAW)
    outputs = {"identity": identity, "inside": inside, "layer": layer, "head": head, "attention": attention}
    outputs |= {"states": states, "readout": readout}
    open_run(shell, tab, again, run, outputs, Asked, measure=measure)
    return measure


def passes(_asked: Asked, _sides: Sides) -> int:
    """One gradient."""
    return GRADIENT


@handler(lane="inside", passes=passes)
def run(asked: Asked, run: Run) -> Iterator[Update]:
    """All that can be seen of one pass, once."""
    began = time.perf_counter()
    reranker = models.load(asked.model_id, run)
    with metered(Meter(run.check)):
        inside = look_inside(reranker, reranker.encode(asked.query, asked.document))
    n_layers, n_heads = inside.attention.shape[:2]
    yield {
        "shown": asked,
        "identity": identity_html(asked.identity(reranker.revision, notes=reranker.notes), AGAIN),
        "inside": inside,
        "layer": gr.update(choices=_choices("layer", n_layers), value=n_layers),
        "head": gr.update(choices=_choices("head", n_heads), value=MEAN),
        "attention": attention_html(inside, n_layers, MEAN),
        "states": states_html(inside, asked.measure),
        "readout": readout_html(inside),
        "status": status_html(f"Done after {time.perf_counter() - began:.1f} s."),
    }


def redraw_attention(inside: Inside | None, layer: int, head: int) -> str:
    """Another layer or head of the pair last looked into."""
    return attention_html(inside, layer, head) if inside else ""


def redraw_states(inside: Inside | None, measure: str) -> str:
    """Another measure of the pair last looked into."""
    return states_html(inside, measure) if inside else ""


def _choices(name: str, n: int) -> list[tuple[str, int]]:
    return [("mean", MEAN), *((f"{name} {i}", i) for i in range(1, n + 1))]
