"""Tab "Explain": the score, then one card a method as soon as it is there, then which of them to trust."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from attribution import METHODS, explain, load_reranker
from attribution.errors import AttributionError, OptionError, Stopped
from attribution.evidence.faithfulness import max_passes, measure_stream
from attribution.explain import options_of
from attribution.methods.leaves import LEAVES
from attribution.rerankers.removal import OPERATORS
from attribution.rerankers.reranker import BASELINES, Meter, Reranker
from attribution.types import Explanation
from attribution.views.cards import cards_html, faithfulness_section, score_section
from interface.common import (
    BUDGETS,
    QUEUE,
    PairInputs,
    answer_errors,
    check_budgets,
    check_fields,
    check_model,
    check_texts,
)
from interface.gpu import gpu
from interface.runs import latest_run, stop

DEFAULT_METHODS = [key for key, method in METHODS.items() if method.default]
WELCOME = '<p class="rl-welcome">Choose an example, or type a query and a document and press <b>Explain</b>.</p>'


@dataclass(frozen=True)
class Settings:
    """The choices below the pair; `components` in the order that `run` takes them."""

    methods: gr.CheckboxGroup
    baselines: gr.Dropdown
    leaf: gr.Dropdown
    operator: gr.Radio
    n_samples: gr.Slider
    n_steps: gr.Slider

    @property
    def components(self) -> list[Any]:
        """As inputs of an event."""
        return [self.methods, self.baselines, self.leaf, self.operator, self.n_samples, self.n_steps]


def build_settings() -> Settings:
    """Method check boxes, and an accordion for what few visitors change."""
    methods = gr.CheckboxGroup(
        [(method.label, key) for key, method in METHODS.items()], value=DEFAULT_METHODS, label="Methods"
    )
    with gr.Accordion("Settings", open=False):
        baselines = gr.Dropdown(
            [
                ("the model's default: no words, [MASK] where it has one", ""),
                *((text, key) for key, text in BASELINES.items()),
            ],
            value="",
            label="Baseline",
            info="what stands in place of the words, for integrated gradients and other methods that compare",
        )
        leaf = gr.Dropdown(
            [(leaf.code, key) for key, leaf in LEAVES.items()],
            value="detach_clone",
            label="How saliency takes the embeddings",
            info="some of these lines leave .grad empty: then the card says that it fell back",
        )
        operator = gr.Radio(list(OPERATORS), value="mask", label="Faithfulness removes words by")
        n_samples = gr.Slider(
            *BUDGETS["n_samples"],
            value=16,
            step=1,
            label="n_samples",
            info="orders of the words for Shapley values, noisy copies for SmoothGrad, texts for expected gradients",
        )
        n_steps = gr.Slider(
            *BUDGETS["n_steps"],
            value=50,
            step=1,
            label="n_steps",
            info="nodes a path for Captum's integrated gradients",
        )
    return Settings(methods, baselines, leaf, operator, n_samples, n_steps)


def build(pair: PairInputs, settings: Settings, start: list[Callable[..., Any]], stop_button: gr.Button) -> None:
    """The right-hand side of the tab. `start`: what begins a run (button, Enter, a click on an example)."""
    status = gr.HTML(_status("Ready."), elem_id="status")
    score = gr.HTML(WELCOME, elem_id="score")
    words_js = (Path(__file__).parent / "static" / "words.js").read_text(encoding="utf-8")
    cards = gr.HTML("", elem_id="cards", js_on_load=words_js)
    faithfulness = gr.HTML("", elem_id="faithfulness")
    running = [
        trigger(
            run,
            [*pair.components, *settings.components],
            [score, cards, faithfulness, status],
            show_progress="minimal",
            show_progress_on=status,
            scroll_to_output=True,
            api_visibility="private",
            validator=check_fields,
            **QUEUE,
        )
        for trigger in start
    ]
    stop_button.click(halt, None, status, cancels=running, queue=False, api_visibility="private")


def forget(request: gr.Request) -> None:
    """The visitor left: stop what still runs for them."""
    stop(request.session_hash or "")


def halt(request: gr.Request) -> str:
    """Stop the running explanation before its next model pass; cards already there stay."""
    if stop(request.session_hash or ""):
        return _status("Stopped. The cards that were ready are kept.")
    return _status("Nothing was running.")


@answer_errors
@gpu(seconds=30)
def run(
    model_id: str,
    query: str,
    document: str,
    methods: list[str],
    baselines: str,
    leaf: str,
    operator: str,
    n_samples: int,
    n_steps: int,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[tuple[str, str, str, str]]:
    """Yields `(score, cards, faithfulness, status)` as HTML: places for all cards, then one more result a time."""
    check_model(model_id)
    check_texts(query, document)
    budgets = {"n_samples": n_samples, "n_steps": n_steps}
    check_budgets(budgets)
    chosen = [key for key in METHODS if key in (methods or [])]
    if not chosen:
        raise OptionError("No method is ticked. Tick at least one of the methods above the Explain button.")
    with latest_run(request.session_hash or "") as current:

        def watch(step: int, label: str, expected: int = 0) -> Callable[[Meter], None]:
            def on_pass(meter: Meter) -> None:
                current.check()
                of = f" of at most {expected}" if expected else ""
                progress((step, len(chosen) + 1), desc=f"{label}: {meter.n_forward}{of} passes", unit="steps")

            return on_pass

        wanted = {"baselines": baselines or None, "leaf": leaf, **budgets}
        yield from _results(load_reranker(model_id), query, document, chosen, wanted, operator, watch)


def _results(
    reranker: Reranker,
    query: str,
    document: str,
    chosen: list[str],
    wanted: dict[str, Any],
    operator: str,
    watch: Callable[..., Callable[[Meter], None]],
) -> Iterator[tuple[str, str, str, str]]:
    """Every method gets those of the `wanted` options that it takes; then all are measured together."""
    reranker.encode(query, document)  # what is wrong with the pair is no single method's error
    began = time.perf_counter()
    score, failed = "", dict[str, str]()
    done: dict[str, Explanation] = {}
    yield "", cards_html(chosen, done), "", _status("Reading the pair …")
    for step, key in enumerate(chosen):
        options = {name: value for name, value in wanted.items() if name in options_of(key)}
        on_pass = watch(step, METHODS[key].label)
        try:
            done[key] = explain(reranker, query, document, key, on_pass=on_pass, **options)
            score = score_section(done[key])
        except Stopped:
            raise
        except AttributionError as error:  # on its own card; the other methods go on
            failed[key] = str(error)
        so_far = f"{step + 1} of {len(chosen)} methods after {time.perf_counter() - began:.1f} s."
        if len(failed) == len(chosen):
            so_far = "Done, but no method could explain this pair with this model; each card says why."
        yield score, cards_html(chosen, done, failed=failed), "", _status(so_far)
    if not done:
        return
    on_pass = watch(len(chosen), "Faithfulness", max_passes(len(chosen)))
    for measured in measure_stream(reranker, done, operator=operator, on_pass=on_pass):
        finished = set(done) <= set(measured.methods)
        seconds = f"{time.perf_counter() - began:.1f} s"
        yield (
            score,
            cards_html(chosen, done, measured, failed=failed),
            faithfulness_section(measured, done),
            _status(f"Done after {seconds}." if finished else f"Measuring faithfulness, {seconds} …"),
        )


def _status(text: str) -> str:
    return f'<p class="rl-status" role="status">{text}</p>'
