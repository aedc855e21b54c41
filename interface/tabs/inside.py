"""Tab "Inside": attentions, hidden states with their gradients, and the head as a probe, layer by layer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from attribution.lab.internals import Inside, look_inside
from attribution.rerankers.reranker import Meter, metered
from attribution.views.compare import title_html
from attribution.views.inside import MEAN, MEASURES, attention_html, probe_html, states_html
from attribution.views.page import identity_html, status_html
from interface.page import models
from interface.page.actions import Actions, open_run
from interface.page.layout import STATIC
from interface.runs.gpu import gpu
from interface.runs.handlers import ASIDE, KEEP_SECONDS, PairInputs, answer_errors, identity_of
from interface.runs.lanes import latest_run
from interface.runs.limits import check_model, check_texts
from interface.server.gradio_private import gone
from interface.tabs import lent

DEFAULT_MEASURE = "grad_norm"
LANE = "inside"
AGAIN = "Press “Look inside for the boxes” for them."
REDRAW: dict[str, Any] = {**ASIDE, "queue": True}


def build(pair: PairInputs, actions: Actions, tab: gr.Tab) -> Any:
    """The tab's components; one event runs the model and is returned, the menus only redraw what it left."""
    js = (STATIC / "heat.js").read_text("utf-8")
    inside, shown = (gr.State(None, time_to_live=KEEP_SECONDS) for _ in range(2))
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML("", elem_id="inside-identity")
        again = gr.Button("Look inside for the boxes", variant="primary", elem_classes="rl-again")
        status = actions.lines[LANE].render()
        with gr.Column(elem_classes="rl-needs-result"):
            gr.HTML(title_html("Attention"))
            with gr.Row():
                layer = gr.Dropdown(_choices("layer", 0), value=MEAN, label="Layer", min_width=140)
                head = gr.Dropdown(_choices("head", 0), value=MEAN, label="Head", min_width=140)
            attention = gr.HTML("", elem_id="inside-attention", js_on_load=js)
            gr.HTML(title_html("Hidden states"))
            measure = gr.Radio([(label, key) for key, label in MEASURES.items()], value=DEFAULT_MEASURE, label="Show")
            states = gr.HTML("", elem_id="inside-states", js_on_load=js)
            gr.HTML(title_html("Where the score appears"))
            probe = gr.HTML("", elem_id="inside-probe")
    gr.on([layer.input, head.input], redraw_attention, [inside, layer, head], attention, **REDRAW)
    measure.input(redraw_states, [inside, measure], states, **REDRAW)
    outputs = [shown, identity, inside, layer, head, attention, states, probe, status]
    return open_run(tab, again, run, pair, [measure, shown], outputs, actions, LANE)


@answer_errors
@gpu(seconds=lent.for_inside, lane=LANE)
def run(
    model_id: str,
    query: str,
    document: str,
    measure: str,
    shown: Any,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[tuple[Any, ...]]:
    """Yields `(shown, identity, inside, layer, head, attention, states, probe, status)`, once."""
    pair = (model_id, query, document)
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:
        if shown == pair:
            return
        check_model(model_id)
        check_texts(query, document)
        began = time.perf_counter()
        reranker = models.load(model_id, progress, current.check)
        with metered(Meter(current.check)):
            inside = look_inside(reranker, reranker.encode(query, document))
        n_layers, n_heads = inside.attention.shape[:2]
        yield (
            pair,
            identity_html(identity_of(model_id, reranker.revision, query, document), AGAIN),
            inside,
            gr.update(choices=_choices("layer", n_layers), value=n_layers),
            gr.update(choices=_choices("head", n_heads), value=MEAN),
            attention_html(inside, n_layers, MEAN),
            states_html(inside, measure),
            probe_html(inside),
            status_html(f"Done after {time.perf_counter() - began:.1f} s."),
        )


def redraw_attention(inside: Inside | None, layer: int, head: int) -> str:
    """Another layer or head of the pair last looked into."""
    return attention_html(inside, layer, head) if inside else ""


def redraw_states(inside: Inside | None, measure: str) -> str:
    """Another measure of the pair last looked into."""
    return states_html(inside, measure) if inside else ""


def _choices(name: str, n: int) -> list[tuple[str, int]]:
    return [("mean", MEAN), *((f"{name} {i}", i) for i in range(1, n + 1))]
