"""Tab "Probes": what the model reads, on the pair in the boxes; runs by itself when it is opened."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from attribution.evidence.probes.probe import MAX_PASSES, probe
from attribution.evidence.probes.table import PROBES
from attribution.export import PROBE_FORMATS
from attribution.rerankers.reranker import Meter
from attribution.views.page import identity_html, status_html
from attribution.views.probes import probes_html
from interface.page import models
from interface.page.actions import Actions, open_run
from interface.page.downloads import build_downloads
from interface.page.layout import STATIC, fill_from
from interface.runs.gpu import gpu
from interface.runs.handlers import KEEP_SECONDS, PairInputs, answer_errors, identity_of
from interface.runs.lanes import latest_run
from interface.runs.limits import check_model, check_texts
from interface.server.gradio_private import gone
from interface.tabs import lent

LANE = "probes"
AGAIN = "Press “Run the probes on the boxes” for them."


def build(pair: PairInputs, actions: Actions, tab: gr.Tab) -> Any:
    """The tab's components and the event that opening it starts, which a stop cancels."""
    shown = gr.State(())
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML("", elem_id="probes-identity")
        again = gr.Button("Run the probes on the boxes", variant="primary", elem_classes="rl-again")
        status = actions.lines[LANE].render()
        table = gr.HTML("", elem_id="probes", js_on_load=(STATIC / "probes.js").read_text("utf-8"))
        kept = gr.State(None, time_to_live=KEEP_SECONDS)
        build_downloads(kept, PROBE_FORMATS, "probes-downloads")
    fill_from(table, pair)
    return open_run(tab, again, run, pair, [shown], [shown, identity, table, kept, status], actions, LANE)


@answer_errors
@gpu(seconds=lent.for_probes, lane=LANE)
def run(
    model_id: str,
    query: str,
    document: str,
    shown: tuple[str, ...],
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[tuple[Any, ...]]:
    """Yields `(shown, identity, table, kept, status)`; nothing where `shown` is this pair already."""
    check_model(model_id)
    check_texts(query, document)
    if tuple(shown) == (model_id, query, document):
        return
    began = time.perf_counter()
    meters: list[Meter] = []
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:

        def on_pass(meter: Meter) -> None:
            current.check(meter)
            meters[:] = [meter]
            progress((meter.n_forward, MAX_PASSES), desc="Probes", unit="passes")

        yield gr.skip(), gr.skip(), gr.skip(), gr.skip(), status_html("Editing the pair and scoring it again …")
        reranker = models.load(model_id, progress, current.check)
        results = probe(reranker, query, document, on_pass=on_pass)
        seconds = time.perf_counter() - began
        n_forward = meters[-1].n_forward
        yield (
            (model_id, query, document),
            identity_html(identity_of(model_id, reranker.revision, query, document), AGAIN),
            probes_html(results, PROBES, n_forward=n_forward, seconds=seconds),
            (results,),
            status_html(f"Done after {seconds:.1f} s."),
        )
