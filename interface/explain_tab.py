"""Tab "Explain": the score, then one card a method as soon as it is there, then which of them to trust."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution import METHODS, explain, load_reranker
from attribution.errors import AttributionError, OptionError, Stopped
from attribution.evidence.faithfulness import max_passes, measure_stream
from attribution.explain import options_of
from attribution.methods.defaults import dearest_last, default_methods
from attribution.methods.leaves import LEAVES
from attribution.rerankers.loading import in_memory
from attribution.rerankers.removal import OPERATORS
from attribution.rerankers.reranker import BASELINES, Meter, Reranker
from attribution.types import Explanation
from attribution.views.cards import cards_html, faithfulness_section, score_section
from attribution.views.page import identity_html, status_html
from interface import models
from interface.budget import Budget, OverBudget, estimate, lent_seconds
from interface.common import (
    BUDGETS,
    PairInputs,
    answer_errors,
    check_budgets,
    check_model,
    check_texts,
    identity_of,
    log,
)
from interface.gpu import gpu
from interface.page import STATIC, Actions, start_run
from interface.permalink import Field, build_downloads, choice, choices, number
from interface.runs import latest_run

DEFAULT_METHODS = default_methods()
KEEP_SECONDS = 1800  # results that may still be downloaded
FIRST_SECONDS = 60.0  # a slow model opens the page with the cards that are ready by then


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

    @property
    def fields(self) -> list[Field]:
        """As parts of a link, in the same order."""
        single = [choice(component) for component in (self.baselines, self.leaf, self.operator)]
        return [choices(self.methods), *single, number(self.n_samples), number(self.n_steps)]


def build_settings() -> Settings:
    """Method check boxes, and an accordion for what few visitors change."""
    label = f"{len(DEFAULT_METHODS)} of {len(METHODS)} methods, settings"
    with gr.Accordion(label, open=False, elem_id="settings"):
        methods = gr.CheckboxGroup(
            [(method.label, key) for key, method in METHODS.items()], value=DEFAULT_METHODS, label="Methods"
        )
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


def build(pair: PairInputs, settings: Settings, actions: Actions, tabs: gr.Tabs, first: tuple[Any, ...]) -> list[Any]:
    """The tab's results, those of the first example already there; returns the events that a stop cancels."""
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML(first[0], elem_id="identity")
        score = gr.HTML(first[1], elem_id="score")
        cards = gr.HTML(first[2], elem_id="cards", js_on_load=(STATIC / "words.js").read_text("utf-8"))
        faithfulness = gr.HTML(first[3], elem_id="faithfulness")
        kept = gr.State(first[4], time_to_live=KEEP_SECONDS)
        build_downloads(kept)
    outputs = [identity, score, cards, faithfulness, actions.status, kept]
    return [
        start_run([*actions.starts, pair.query.submit], run, pair, settings.components, outputs, actions, tabs, cost)
    ]


def first_result(model_id: str, query: str, document: str) -> tuple[Any, ...]:
    """`(identity, score, cards, faithfulness, kept)` of the example the page opens with, explained once for all."""
    began = time.perf_counter()

    def watch(*_: Any) -> Callable[[Meter], None]:
        def on_pass(_meter: Meter) -> None:
            if time.perf_counter() - began > FIRST_SECONDS:
                raise Stopped("the page does not wait longer for its first example")

        return on_pass

    shown: list[Any] = ["", "", "", "", "", None]
    wanted = {"baselines": None, "leaf": "detach_clone", "n_samples": 16, "n_steps": 50}
    try:
        for update in _results(load_reranker(model_id), query, document, DEFAULT_METHODS, wanted, "mask", watch):
            shown = [old if isinstance(new, dict) else new for old, new in zip(shown, update, strict=True)]
    except Stopped:
        log.warning("the first example took longer than %s s; the page opens with what was ready", FIRST_SECONDS)
    return *shown[:4], shown[5]


def cost(
    model_id: str, query: str, document: str, methods: list[str], _baselines: str, _leaf: str, _operator: str,
    n_samples: int, n_steps: int, *_: Any,
) -> tuple[int, float]:  # fmt: skip
    """`(forwards, seconds)` at most, known before anything runs. Takes what `run` takes."""
    chosen = [key for key in METHODS if key in (methods or [])]
    wanted = {"n_samples": n_samples, "n_steps": n_steps}
    reranker = in_memory(model_id)  # one that is still to be loaded has not been timed either
    return estimate(reranker, query, document, chosen, wanted) if reranker else (0, 0.0)


def gpu_seconds(*inputs: Any) -> int:
    """For how long to ask for a lent GPU."""
    reranker = in_memory(inputs[0])
    return lent_seconds(cost(*inputs)[0], len(reranker.encode(*inputs[1:3]).tokens) if reranker else 0)


@answer_errors
@gpu(seconds=gpu_seconds)
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
) -> Iterator[tuple[Any, ...]]:
    """Yields `(identity, score, cards, faithfulness, status)` as HTML, one more card a time; the old stay till then."""
    check_model(model_id)
    check_texts(query, document)
    budgets = {"n_samples": n_samples, "n_steps": n_steps}
    check_budgets(budgets)
    chosen = dearest_last(methods or [])
    if not chosen:
        raise OptionError("No method is ticked. Open the list of methods beside Explain and tick at least one.")
    budget = Budget()
    with latest_run(request.session_hash or "") as current:

        def watch(step: int, label: str, expected: int = 0) -> Callable[[Meter], None]:
            def on_pass(meter: Meter) -> None:
                current.check()
                budget.check()
                of = f" of at most {expected}" if expected else ""
                progress((step, len(chosen) + 1), desc=f"{label}: {meter.n_forward}{of} passes", unit="steps")

            return on_pass

        wanted = {"baselines": baselines or None, "leaf": leaf, **budgets}
        yield from _results(
            models.load(model_id, progress, current.check), query, document, chosen, wanted, operator, watch
        )


def _results(
    reranker: Reranker,
    query: str,
    document: str,
    chosen: list[str],
    wanted: dict[str, Any],
    operator: str,
    watch: Callable[..., Callable[[Meter], None]],
) -> Iterator[tuple[Any, ...]]:
    """Every method gets those of the `wanted` options that it takes; then all are measured together."""
    reranker.encode(query, document)  # what is wrong with the pair is no single method's error
    began = time.perf_counter()
    done, failed = dict[str, Explanation](), dict[str, str]()
    of = identity_html(identity_of(reranker.model_id, reranker.revision, query, document))
    yield gr.skip(), gr.skip(), gr.skip(), gr.skip(), status_html("Reading the pair …"), gr.skip()
    for step, key in enumerate(chosen):
        options = {name: value for name, value in wanted.items() if name in options_of(key)}
        try:
            done[key] = explain(reranker, query, document, key, on_pass=watch(step, METHODS[key].label), **options)
        except Stopped:
            raise
        except AttributionError as error:  # on its own card; the other methods go on
            failed[key] = str(error)
        score = score_section(next(iter(done.values()))) if done else ""
        so_far = f"{step + 1} of {len(chosen)} methods after {time.perf_counter() - began:.1f} s."
        if len(failed) == len(chosen):
            so_far = "Done, but no method could explain this pair with this model; each card says why."
        yield of, score, cards_html(chosen, done, failed=failed), "", status_html(so_far), (dict(done), None)
    if not done:
        return
    on_pass = watch(len(chosen), "Faithfulness", max_passes(len(chosen)))
    try:
        for measured in measure_stream(reranker, done, operator=operator, on_pass=on_pass):
            finished = set(done) <= set(measured.methods)
            seconds = f"{time.perf_counter() - began:.1f} s"
            yield (
                gr.skip(),
                gr.skip(),
                cards_html(chosen, done, measured, failed=failed),
                faithfulness_section(measured, done),
                status_html(f"Done after {seconds}." if finished else f"Measuring faithfulness, {seconds} …"),
                (dict(done), measured),
            )
    except OverBudget as error:
        yield gr.skip(), gr.skip(), gr.skip(), gr.skip(), status_html(str(error)), gr.skip()
