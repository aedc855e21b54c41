"""Tab "Explain": the score, then one card a method as soon as it is there, then which of them to trust."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from attribution import METHODS, explain, load_reranker
from attribution.errors import AttributionError, OptionError, Stopped
from attribution.evidence.faithfulness.measure import Known, max_passes, measure_all
from attribution.explain import options_of
from attribution.methods.defaults import dearest_last
from attribution.rerankers.loading.load import in_memory
from attribution.rerankers.reranker import Meter, Reranker
from attribution.views.cards import faithfulness_section
from attribution.views.page import identity_html
from interface.page import models
from interface.page.actions import Actions, start_run
from interface.page.downloads import build_downloads
from interface.page.layout import STATIC, counted
from interface.page.settings import DEFAULT_METHODS, DEFAULTS, Settings, groups
from interface.runs import cost
from interface.runs.answered import Shown, answered_before, is_kept, keep
from interface.runs.budget import OverBudget, lent_seconds
from interface.runs.gpu import gpu
from interface.runs.handlers import KEEP_SECONDS, PairInputs, answer_errors, identity_of, log, sparingly
from interface.runs.lanes import latest_run
from interface.runs.limits import check_budgets, check_model, check_texts
from interface.server.gradio_private import gone
from interface.tabs.explain_results import Results, only
from interface.tabs.first import First

SOON = 3.0  # seconds: curves that would be replaced within that are not sent first
FIRST_SECONDS = 60.0  # a slow model opens the page with the cards that are ready by then


def build(pair: PairInputs, settings: Settings, actions: Actions, tabs: gr.Tabs, first: First) -> list[Any]:
    """The tab's results, the first example's as far as they are there; returns the events that a stop cancels."""
    parts = first.parts
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML(parts[0], elem_id="identity")
        score = gr.HTML(parts[1], elem_id="score")
        with gr.Column(elem_id="cards"):
            head = gr.HTML(parts[2], js_on_load=(STATIC / "words.js").read_text("utf-8"))
            with gr.Row(elem_classes="rl-cards rl-root"):
                cards = [gr.HTML(card) for card in parts[5:]]
        faithfulness = gr.HTML(parts[3], elem_id="faithfulness")
        kept = gr.State(parts[4], time_to_live=KEEP_SECONDS)
        build_downloads(kept)
    results = [identity, score, head, faithfulness, kept, *cards]
    first.place(results)
    outputs = [*results, actions.status]
    return [
        start_run([*actions.starts, pair.query.submit], run, pair, settings.components, outputs, actions, tabs, at_most)
    ]


def first_result(model_id: str, query: str, document: str) -> tuple[Any, ...]:
    """`(identity, score, head, faithfulness, kept, *cards)` of the first example, explained once for all."""
    began = time.perf_counter()

    def watch(*_: Any) -> Callable[[Meter], None]:
        def on_pass(_meter: Meter) -> None:
            if time.perf_counter() - began > FIRST_SECONDS:
                raise Stopped("the page does not wait longer for its first example")

        return on_pass

    shown = Shown()
    wanted = {**DEFAULTS, "baselines": None}
    try:
        for update in _results(load_reranker(model_id), query, document, DEFAULT_METHODS, wanted, watch):
            shown.see(update)
    except Stopped:
        log.warning("the first example took longer than %s s; the page opens with what was ready", FIRST_SECONDS)
    lists = [[key for key in keys if key in DEFAULT_METHODS] for keys in groups().values()]
    keep([model_id, query, document, *lists, *DEFAULTS.values()], shown, time.perf_counter() - began)
    cost.forget()  # the first run of a process is slower than those to come
    return tuple(shown.parts)


def at_most(model_id: str, query: str, document: str, *settings: Any) -> tuple[int, float]:
    """`(forwards at most, about how many seconds)`, known before anything runs. Takes what `run` takes."""
    *lists, _baselines, _leaf, _operator, n_samples, n_steps = settings[:10]
    ticked = {key for keys in lists for key in keys or []}
    reranker = in_memory(model_id)  # one that is still to be loaded has not been timed either
    if reranker is None or is_kept(model_id, query, document, *settings):
        return 0, 0.0
    wanted = {"n_samples": n_samples, "n_steps": n_steps}
    return cost.estimate(reranker, cost.size_of(reranker.encode(query, document)), ticked, wanted)


def gpu_seconds(*inputs: Any) -> int:
    """For how long to ask for a lent GPU."""
    reranker = in_memory(inputs[0])
    return lent_seconds(at_most(*inputs)[0], len(reranker.encode(*inputs[1:3]).tokens) if reranker else 0)


@answer_errors
@answered_before
@gpu(seconds=gpu_seconds)
def run(
    model_id: str,
    query: str,
    document: str,
    gradient: list[str],
    path: list[str],
    perturbation: list[str],
    attention: list[str],
    control: list[str],
    baselines: str,
    leaf: str,
    operator: str,
    n_samples: int,
    n_steps: int,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
) -> Iterator[tuple[Any, ...]]:
    """Yields `(identity, score, head, faithfulness, kept, *cards, status)`, one more card a time.

    There are as many cards as methods; those not asked for are empty. What was there stays until the first is ready.
    """
    check_model(model_id)
    check_texts(query, document)
    budgets = {"n_samples": n_samples, "n_steps": n_steps}
    check_budgets(budgets)
    ticked = {key for keys in (gradient, path, perturbation, attention, control) for key in keys or []}
    chosen = dearest_last(ticked)
    if not chosen:
        raise OptionError("No method is ticked. Open the list of methods beside Explain and tick at least one.")
    with latest_run(request.session_hash or "", is_gone=gone(request)) as current:
        tell = sparingly(progress)

        def watch(step: int, steps: int, label: str) -> Callable[[Meter], None]:
            def on_pass(meter: Meter) -> None:
                current.check(meter)
                tell((step, steps), desc=f"{label}: {meter.n_forward} passes", unit="steps")

            return on_pass

        wanted = {"baselines": baselines or None, "leaf": leaf, "operator": operator, **budgets}
        reranker = models.load(model_id, progress, current.check)
        for update in _results(reranker, query, document, chosen, wanted, watch):
            current.check()  # what a stop has said meanwhile is not overwritten
            yield update


def _results(
    reranker: Reranker,
    query: str,
    document: str,
    chosen: list[str],
    wanted: dict[str, Any],
    watch: Callable[..., Callable[[Meter], None]],
) -> Iterator[tuple[Any, ...]]:
    """Quick methods and their faithfulness first; then each dear one is run and measured, the dearest last.

    Every method gets those of the `wanted` options that it takes.
    """
    pair = reranker.encode(query, document)  # what is wrong with the pair is no single method's error
    began, known = time.perf_counter(), dict[str, Known]()
    of = identity_of(reranker.model_id, reranker.revision, query, document, _words_of(wanted))
    of = replace(of, count=counted(pair, reranker.max_length), over=pair.truncated)
    results = Results(identity_html(of), chosen)
    yield only("Reading the pair …")
    size = cost.size_of(pair)
    counts = cost.counts_of(size, chosen, wanted)
    section = ""  # the newest curves, sent or not
    for batch in _batches(counts):
        for key in batch:
            on_pass = watch(results.n_ran, len(chosen) + 1, METHODS[key].label)
            options = {name: value for name, value in wanted.items() if name in options_of(key)}
            try:
                results.done[key] = explain(reranker, query, document, key, on_pass=on_pass, **options)
                took = results.done[key].seconds
                cost.learn(reranker.model_id, key, counts[key], size.n_tokens, took)
            except Stopped:
                raise
            except AttributionError as error:  # on its own card; the other methods go on
                results.failed[key] = str(error)
            status = f"{results.n_ran} of {len(chosen)} methods after {time.perf_counter() - began:.1f} s."
            if len(results.failed) == len(chosen):
                status = "Done, but no method could explain this pair with this model; each card says why."
            yield results.page(status)
        if not results.done:
            continue
        on_pass = watch(results.n_ran, len(chosen) + 1, "Faithfulness")
        try:
            measured = measure_all(reranker, results.ordered, operator=wanted["operator"], on_pass=on_pass, known=known)
        except OverBudget as error:
            results.section = section or results.section
            yield results.page(str(error))
            continue
        at_most = len(measured.every) * max_passes(len(results.done))
        cost.learn(
            reranker.model_id, cost.FAITHFULNESS, at_most, size.n_tokens, sum(one.seconds for one in measured.every)
        )
        results.measured, section = measured, faithfulness_section(measured, results.ordered)
        left = {key: counts[key] for key in chosen if key not in results.done and key not in results.failed}
        if not left or cost.seconds(reranker, size.n_tokens, left) > SOON:
            results.section = section
        yield results.page("Measured what is ready …")
    if results.whole:  # the end of a stream repeats its last yield, so that is a short one
        yield only(f"Done after {time.perf_counter() - began:.1f} s.")


def _batches(counts: Mapping[str, int]) -> list[list[str]]:
    """The quick methods together, then one dear method a batch; by forwards, the fewest first."""
    by_cost = sorted(counts, key=counts.__getitem__)
    quick = [key for key in by_cost if counts[key] < cost.DEAR]
    dear = [key for key in by_cost if counts[key] >= cost.DEAR]
    return [batch for batch in (quick, *([key] for key in dear)) if batch]


def _words_of(wanted: dict[str, Any]) -> str:
    """The settings that are not as the page opens, in words."""
    other = [f"{name} {value}" for name, value in wanted.items() if (value or "") != DEFAULTS[name]]
    return ", ".join(other)
