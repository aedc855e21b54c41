"""The page above its tabs: title line, examples, the boxes of the pair; and what every tab is built from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from attribution import MODELS, load_reranker
from attribution.explain import sides_of
from attribution.rerankers.loading.load import in_memory
from attribution.types import TokenizedPair
from attribution.views.page import count_html, examples_html
from attribution.views.templating import render
from attribution.words import split_sentences
from interface.page.actions import Actions, start
from interface.page.settings import Settings
from interface.runs.handlers import ASIDE, KEEP_SECONDS, Handler, Pair, PairInputs
from interface.runs.limits import MAX_DOCUMENT, MAX_QUERY

STATIC = Path(__file__).parent / "static"
TAGLINE = "Which words made a reranker's score, and which explanation to believe."
EXPLAIN = "() => document.querySelector('#explain').click()"


@dataclass(frozen=True)
class Shell:
    """What every tab is built from.

    `later`: what the server does once it listens; `examples`: what it then explains ahead, while nothing runs.
    """

    pair: PairInputs
    settings: Settings
    actions: Actions
    model_ids: Sequence[str]
    pairs: Sequence[Mapping[str, str]]
    later: list[Callable[[gr.Blocks], None]] = field(default_factory=list)
    examples: list[tuple[Handler, Any]] = field(default_factory=list)


def scripts(*names: str) -> str:
    """The page's scripts of these names, as one; for `js_on_load` or the page's head."""
    return "\n".join((STATIC / f"{name}.js").read_text("utf-8") for name in names)


def build_top(links: Sequence[tuple[str, str]], examples: Sequence[Mapping[str, str]]) -> gr.HTML:
    """Title line and example chips; returns the chips."""
    gr.HTML(render("page_top.html", tagline=TAGLINE, links=links), elem_id="top")
    return gr.HTML(examples_html(examples), elem_id="examples", js_on_load=scripts("step", "chips"))


def build_pair(model_ids: Sequence[str], example: Mapping[str, str]) -> PairInputs:
    """Query and model at the left, the document and its length in tokens at the right."""
    with gr.Row(elem_id="pair", equal_height=True):
        with gr.Column(scale=38, min_width=260):
            query = gr.Textbox(example["query"], label="Query", elem_id="query", lines=1, max_lines=3)
            model = gr.Dropdown(
                [(MODELS[key].label, key) for key in model_ids], value=model_ids[0], label="Model", elem_id="model"
            )
        with gr.Column(scale=62, min_width=320):
            document = gr.Textbox(example["document"], label="Document", elem_id="document", lines=4, max_lines=4)
            reranker = load_reranker(model_ids[0])
            first = reranker.encode(example["query"], example["document"])
            counter = gr.HTML(count(model_ids[0], length(first, reranker.max_length)), elem_id="count")
            n_sentences = len(split_sentences(example["document"]))
            size = gr.JSON([len(first.tokens), *sides_of(first), n_sentences], visible="hidden")
    pair = PairInputs(model, query, document, counter, size)
    changes = [component.change for component in pair.inputs.values()]
    gr.on(changes, None, [*pair.inputs.values()], size, js="(...now) => window.rerankLens.changed(...now)")
    model.change(count, model, counter, trigger_mode="always_last", **ASIDE)
    return pair


def fill_from(chips: gr.HTML, pair: PairInputs, then: str = EXPLAIN) -> None:
    """A chosen text fills the boxes in the browser, in the order of the clicks; `then`: JavaScript."""
    filled = chips.select(None, None, [pair.query, pair.document], js="() => window.rerankLens.chosen")
    filled.then(None, js=then)


def open_run(
    shell: Shell,
    tab: gr.Tab,
    again: gr.Button,
    run: Handler,
    outputs: Mapping[str, Any],
    kind: type[Pair] = Pair,
    **more: gr.components.Component,
) -> None:
    """`run` starts by itself when its tab opens, and from `again` for new text.

    It is asked a `kind` of pair with the values of the components in `more`; once it has shown one whole, it yields it
    as `shown`, and the same pair is not run again.
    """
    shown = gr.State(None, time_to_live=KEEP_SECONDS)

    def ask(shown: Pair | None, **given: Any) -> Pair | None:
        asked = kind(**given)
        asked.check()
        return None if shown and shown.pair == asked.pair else asked

    begin = partial(gr.on, [tab.select, again.click])
    inputs = {**shell.pair.inputs, **more, "shown": shown}
    start(begin, run, ask, inputs, {**outputs, "shown": shown}, shell.actions)


def count(model_id: str, text: str = "") -> str:
    """The line under the document for this model; the browser, which has the texts, counts them, and writes it."""
    reranker = in_memory(model_id) if model_id in MODELS else None
    if reranker is None:
        return count_html(text, None, 0, MAX_QUERY, MAX_DOCUMENT)
    template = reranker.encode("a", "a").positions("template")
    vocabulary = getattr(getattr(reranker.tokenizer, "backend_tokenizer", None), "model", None)
    longest = getattr(vocabulary, "max_input_chars_per_word", 0)  # WordPiece has one
    return count_html(text, reranker.max_length, len(template), MAX_QUERY, MAX_DOCUMENT, longest)


def length(pair: TokenizedPair, limit: int) -> str:
    """The pair's exact length, in words."""
    if not pair.truncated:
        return f"{len(pair.tokens):,} of {limit:,} tokens"
    read = max(token.end or 0 for token in pair.tokens if token.segment == "document")
    return f"Over {limit:,} tokens: the model reads {read:,} of the document's {len(pair.document):,} characters."
