"""Tab "Probes": what the model reads, on the pair in the boxes; runs by itself when it is opened."""

from collections.abc import Iterator

import gradio as gr

from attribution.evidence.probes.probe import MAX_PASSES, probe
from attribution.evidence.probes.table import PROBES
from attribution.export import PROBE_FORMATS
from attribution.rerankers.hooks import Meter
from attribution.views.page import identity_html, status_html
from attribution.views.probes import probes_html
from interface.page import models
from interface.page.downloads import build_downloads
from interface.page.layout import Shell, fill_from, open_run, scripts
from interface.runs.handlers import KEEP_SECONDS, Pair, Update, handler
from interface.runs.run import Run

AGAIN = "Press “Run the probes on the boxes” to update."


def build(shell: Shell, tab: gr.Tab) -> None:
    """The tab's components, and the run that opening it starts."""
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML("", elem_id="probes-identity")
        again = gr.Button("Run the probes on the boxes", variant="primary", elem_classes="rl-again")
        shell.actions.lines["probes"].render()
        table = gr.HTML("", elem_id="probes", js_on_load=scripts("step", "chips"))
        results = gr.State(None, time_to_live=KEEP_SECONDS)
        downloads = build_downloads(results, PROBE_FORMATS, "probes-downloads")
    fill_from(table, shell.pair)
    outputs = {"identity": identity, "table": table, "results": results, "downloads": downloads}
    open_run(shell, tab, again, run, outputs)


@handler(lane="probes", passes=lambda _asked, _sides: 3 * MAX_PASSES)  # some of the edited documents are longer
def run(asked: Pair, run: Run) -> Iterator[Update]:
    """The table of all probes, once."""
    meters, watch = list[Meter](), run.watch("Probes", MAX_PASSES)

    def on_pass(meter: Meter) -> None:
        watch(meter)
        meters[:] = [meter]

    yield {"status": status_html("Editing the pair and scoring it again …")}
    reranker = models.load(asked.model_id, run)
    results = probe(reranker, asked.query, asked.document, on_pass=on_pass)
    yield {
        "shown": asked,
        "identity": identity_html(asked.identity(reranker.revision, notes=reranker.notes), AGAIN),
        "table": probes_html(results, PROBES, n_forward=meters[-1].n_forward, seconds=run.seconds),
        "results": (results, reranker.notes),
        "status": status_html(f"Done after {run.seconds:.1f} s."),
    }
