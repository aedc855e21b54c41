"""Tab "Inside": attentions, hidden states with their gradients, and the head as a probe, layer by layer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from attribution import load_reranker
from attribution.lab.internals import Inside, look_inside
from attribution.views.inside import MEAN, MEASURES, attention_html, probe_html, states_html
from attribution.views.lab import status_html
from interface.common import QUEUE, PairInputs, answer_errors, check_fields, check_model, check_texts
from interface.gpu import gpu

KEEP_SECONDS = 1800
DEFAULT_MEASURE = "grad_norm"


def build(pair: PairInputs) -> None:
    """The tab's components; one event runs the model, the menus only redraw what it left."""
    js = (Path(__file__).parent / "static" / "heat.js").read_text(encoding="utf-8")
    start = gr.Button("Look inside", variant="primary")
    status = gr.HTML(status_html("Ready."), elem_id="inside-status")
    inside = gr.State(None, time_to_live=KEEP_SECONDS)
    gr.Markdown("### Attention")
    with gr.Row():
        layer = gr.Dropdown(_choices("layer", 0), value=MEAN, label="Layer", min_width=140)
        head = gr.Dropdown(_choices("head", 0), value=MEAN, label="Head", min_width=140)
    attention = gr.HTML("", elem_id="inside-attention", js_on_load=js)
    gr.Markdown("### Hidden states")
    measure = gr.Radio([(label, key) for key, label in MEASURES.items()], value=DEFAULT_MEASURE, label="Show")
    states = gr.HTML("", elem_id="inside-states", js_on_load=js)
    gr.Markdown("### Where the score appears")
    probe = gr.HTML("", elem_id="inside-probe")
    start.click(
        run,
        [*pair.components, measure],
        [inside, layer, head, attention, states, probe, status],
        show_progress="minimal",
        show_progress_on=status,
        api_visibility="private",
        validator=check_fields,
        **QUEUE,
    )
    gr.on(
        [layer.input, head.input],
        redraw_attention,
        [inside, layer, head],
        attention,
        show_progress="hidden",
        api_visibility="private",
    )
    measure.input(redraw_states, [inside, measure], states, show_progress="hidden", api_visibility="private")


@answer_errors
@gpu(seconds=15)
def run(model_id: str, query: str, document: str, measure: str) -> Iterator[tuple[Any, ...]]:
    """Yields `(inside, layer, head, attention, states, probe, status)`; layer and head menus as the model has them."""
    check_model(model_id)
    check_texts(query, document)
    began = time.perf_counter()
    reranker = load_reranker(model_id)
    inside = look_inside(reranker, reranker.encode(query, document))
    n_layers, n_heads = inside.attention.shape[:2]
    yield (
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
