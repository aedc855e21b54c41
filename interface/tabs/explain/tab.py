"""Tab "Explain": the score, then one card a method as soon as it is there, then which of them to trust."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import gradio as gr

from attribution import METHODS, explain, load_reranker
from attribution.errors import AttributionError, Stopped
from attribution.evidence.faithfulness.measure import Known, max_passes, measure_all
from attribution.evidence.sentences import sentences_stream
from attribution.explain import forwards, options_of
from attribution.methods import Sides
from attribution.numbers import counted
from attribution.rerankers.hooks import Meter
from attribution.rerankers.loading.load import in_memory
from attribution.views.faithfulness import faithfulness_html
from attribution.views.page import identity_html, status_html
from attribution.views.templating import render
from interface.page import models
from interface.page.actions import EXPLAIN, start
from interface.page.downloads import build_downloads
from interface.page.layout import Shell, length, scripts
from interface.page.links import Linked
from interface.runs import cost
from interface.runs.handlers import KEEP_SECONDS, Update, handler
from interface.runs.lanes import MAIN
from interface.runs.limits import OverBudget, check_share
from interface.runs.run import Run
from interface.tabs.explain import edit, two_models
from interface.tabs.explain.asked import Asked, ask
from interface.tabs.explain.results import CARDS, Opening, Results, shown, without_result

EARLY = 2  # looks at them, before any method runs
SOON = 3.0  # seconds: curves that would be replaced within that are not sent first
SCRIPT = scripts("step", "quote", "words", "edits", "sentences")
REVEAL = "(...now) => { window.rerankLens.reveal(); return now; }"


def build(shell: Shell, _tab: gr.Tab) -> Linked:
    """The tab's results, the first example's as far as they are there."""
    asked, *more = (Asked(shell.model_ids[0], pair["query"], pair["document"]) for pair in shell.pairs)
    page = without_result(identity_html(asked.identity(load_reranker(asked.model_id).revision)))
    with gr.Column(elem_classes="rl-result"):
        identity = gr.HTML(page["identity"], elem_id="identity")
        score = gr.HTML(page["score"], elem_id="score")
        with gr.Column(elem_id="cards"):
            head = gr.HTML(page["head"], js_on_load=SCRIPT)
            sentences = gr.HTML(page["sentences"])
            with gr.Row(elem_classes="rl-cards rl-root"):
                cards = {name: gr.HTML(page[name]) for name in CARDS}
            with gr.Column(elem_id="edited"):
                edited = gr.HTML(page["edited"])
                shell.actions.lines[edit.LANE].render()
        faithfulness = gr.HTML(page["faithfulness"], elem_id="faithfulness")
        results = gr.State(page["results"], time_to_live=KEEP_SECONDS)
        downloads = build_downloads(results, results=shown, line=[identity])
    outputs = {"identity": identity, "score": score, "head": head, "faithfulness": faithfulness, "results": results}
    outputs |= {"sentences": sentences, "edited": edited, **cards}
    opening = Opening(page, outputs)
    shell.later.append(lambda demo: opening.explain(demo, partial(run.ahead, asked)))
    shell.examples.extend((run, one) for one in more)
    inputs = {**shell.pair.inputs, **shell.settings.inputs}
    begin = partial(gr.on, [shell.actions.explain.click, shell.pair.query.submit])
    start(begin, run, ask, inputs, outputs | {"downloads": downloads}, shell.actions, cost=at_most, js=REVEAL)
    settings = [*shell.settings.inputs.values()]  # the browser knows them, to tell results of other ones
    changes = [identity.change, *(each.change for each in settings)]
    gr.on(changes, None, settings, js="(...now) => window.rerankLens.set(...now)")
    changes = [each.change for each in inputs.values()]  # a long run is asked about anew
    gr.on(changes, None, None, shell.actions.explain, js=f"() => {EXPLAIN!r}")
    edits = edit.build(shell, head, edited, {"results": results, "identity": identity})
    return replace(edits, fields=[*edits.fields, two_models.build(shell)])


def at_most(asked: Asked) -> tuple[int, float]:
    """`(forwards at most, about how many seconds)`, known before anything runs."""
    reranker = in_memory(asked.model_id)  # one that is still to be loaded has not been timed either
    if reranker is None or run.answer(asked):
        return 0, 0.0
    size = cost.size_of(reranker.encode(asked.query, asked.document))
    return cost.estimate(reranker, replace(size, n_sentences=asked.n_sentences), asked.methods, asked.options)


def passes(asked: Asked, sides: Sides) -> int:
    """Forwards of every method, of measuring their faithfulness, and of the document's sentences."""
    methods = sum(forwards(key, sides, **asked.options) for key in asked.methods)
    return methods + asked.passes_of_sentences + cost.of_faithfulness(len(asked.methods))


def is_whole(asked: Asked, page: Update) -> bool:
    """Whether every method has a result and was measured."""
    done, measured, found = (page.get("results") or ({}, None, None))[:3]
    known = not asked.passes_of_sentences or (found is not None and found.remainder is not None)
    return known and measured is not None and set(asked.methods) == set(done) <= set(measured.methods)


def _watch(run: Run, results: Results, label: str) -> Callable[[Meter], None]:
    """An `on_pass` that ends a stopped run and shows how many methods have ended, and the passes of this one."""

    def on_pass(meter: Meter) -> None:
        run.check(meter)
        step = results.n_ran, len(results.chosen) + 1
        run.tell(step, desc=f"{label}: {counted(meter.n_forward, 'pass')}", unit="steps")

    return on_pass


@handler(lane=MAIN, passes=passes, kept=is_whole)
def run(asked: Asked, run: Run) -> Iterator[Update]:
    """Quick methods and their faithfulness first; then each dear one is run and measured, the dearest last.

    Every method gets those of the options that it takes; while others wait, a dear one may be left out. The page has as
    many cards as there are methods; those not asked for are empty. An earlier result stays until the first card is
    ready.
    """
    reranker = models.load(asked.model_id, run)
    chosen, wanted = asked.methods, asked.options
    pair = reranker.encode(asked.query, asked.document)  # what is wrong with the pair is no single method's error
    began, known = time.perf_counter(), dict[str, Known]()
    of = asked.identity(reranker.revision, asked.settings)
    of = replace(of, count=length(pair, reranker.max_length), over=pair.truncated, asked=asked.on_page)
    results = Results(identity_html(of), chosen)
    yield {"edited": render("edited.html", edit=None), "status": status_html("Reading the pair …")}
    size = cost.size_of(pair)
    counts = cost.counts_of(size, chosen, wanted)
    section = ""  # the newest curves, sent or not
    watch = partial(_watch, run, results)
    looks = sentences_stream(reranker, asked.query, asked.document, on_pass=watch("Sentences"))
    stream = looks if asked.passes_of_sentences else iter(())
    yield from results.read(stream, EARLY)
    by_cost = sorted(counts, key=counts.__getitem__)
    quick = [key for key in by_cost if counts[key] < cost.DEAR]
    for batch in filter(None, [quick, *([key] for key in by_cost[len(quick) :])]):
        for key in batch:
            on_pass = watch(METHODS[key].label)
            options = {name: value for name, value in wanted.items() if name in options_of(key)}
            try:
                if counts[key] >= cost.DEAR:
                    takes = cost.seconds(reranker, size.n_tokens, {key: counts[key]})
                    check_share(run.others(), time.perf_counter() - began, takes)
                results.done[key] = explain(reranker, asked.query, asked.document, key, on_pass=on_pass, **options)
                took = results.done[key].seconds
                cost.learn(reranker.model_id, key, counts[key], size.n_tokens, took)
            except Stopped:
                raise
            except AttributionError as error:  # on its own card; the other methods go on
                results.failed[key] = str(error)
            status = f"{results.n_ran} of {counted(len(chosen), 'method')} after {time.perf_counter() - began:.1f} s."
            if len(results.failed) == len(chosen):
                status = "Done, but no method could explain this pair with this model; each card says why."
            yield results.page(status)
        if not results.done:
            continue
        on_pass = watch("Faithfulness")
        try:
            measured = measure_all(reranker, results.ordered, operator=asked.operator, on_pass=on_pass, known=known)
        except OverBudget as error:
            results.section = section or results.section
            yield results.page(str(error))
            continue
        at_most = len(measured.every) * max_passes(len(results.done))
        seconds = sum(one.seconds for one in measured.every)
        cost.learn(reranker.model_id, cost.FAITHFULNESS, at_most, size.n_tokens, seconds)
        results.measured, section = measured, faithfulness_html(measured, results.ordered)
        left = {key: counts[key] for key in chosen if key not in results.done and key not in results.failed}
        if not left or cost.seconds(reranker, size.n_tokens, left) > SOON:
            results.section = section
        yield results.page("Measured the methods that are ready …")
        yield from results.read(stream)
        if results.found:
            cost.learn(reranker.model_id, cost.SENTENCES, results.found.n_forward, size.n_tokens, results.found.seconds)
    if results.whole:
        yield {"status": status_html(f"Done after {time.perf_counter() - began:.1f} s.")}
