"""Words of the believed card dropped or replaced by hand: the score of the text as edited, one forward pass."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution import METHODS
from attribution.errors import InputError, OptionError
from attribution.evidence.edited import Edit, edit
from attribution.rerankers.hooks import Meter, metered
from attribution.views.page import status_html
from attribution.views.templating import render
from interface.page import models
from interface.page.actions import start
from interface.page.layout import Shell
from interface.page.links import Linked, field
from interface.runs.handlers import Pair, Update, handler
from interface.runs.run import Run
from interface.tabs.explain.results import shown

LANE = "edit"
NO_RESULT = "There is no result to edit, or it is not kept any more. Press Explain first."


@dataclass(frozen=True)
class Edited(Pair):
    """A pair whose document is edited. `logit` and `label`: the explanation's score and its method's name.

    `words`: the edits as the browser sent them.
    """

    edit: Edit
    words: tuple[tuple[str, str], ...]
    logit: float
    label: str


def build(shell: Shell, head: gr.HTML, edited: gr.HTML, result: Mapping[str, Any]) -> Linked:
    """Scores the edits of a `result` that its cards' script, `head`'s `js_on_load`, asks for; a link carries them."""
    edits = gr.Textbox("", label="Edited words", visible="hidden")
    now = "() => [window.rerankEdits.now]"
    head.input(None, None, edits, js=now)
    asks = head.select(None, None, edits, js=now)
    start(asks.then, run, ask, {**result, "edits": edits}, {"edited": edited}, shell.actions)
    texts = [edits, shell.pair.query, shell.pair.document]
    given = "(...now) => (window.rerankEdits.given(...now), [])"
    return Linked([field(edits, since=1)], lambda event: event.then(None, texts, js=given))


def ask(results: Any, identity: str, edits: str) -> Edited | None:
    """What the browser asks, as `{"method": key, "words": {"d3": "other", "d5": ""}}`. Raises `AttributionError`."""
    said = json.loads(edits) if edits else {"words": {}}
    if not said["words"]:
        return None
    kept = shown(results, identity)
    explanation = kept[0].get(said["method"]) if kept else None
    if explanation is None:
        raise InputError(NO_RESULT)
    words = {str(key): str(text) for key, text in said["words"].items()}
    if not all(key[:1] == "d" and key[1:].isdecimal() for key in words):
        raise OptionError("The key of a word must be d and its number, as in d3.")
    done = edit(explanation, {int(key[1:]): text for key, text in words.items()})
    label = METHODS[explanation.method].label
    asked = Edited(
        explanation.model_id, explanation.query, done.text, done, tuple(words.items()), explanation.logit, label
    )
    asked.check()
    return asked


@handler(lane=LANE, passes=lambda _asked, _sides: 1, kept=lambda _asked, page: "edited" in page)
def run(asked: Edited, run: Run) -> Iterator[Update]:
    """The score of the text as edited, beside the one that the explanation predicts."""
    reranker = models.load(asked.model_id, run)
    with metered(Meter(run.check)):
        (after,) = reranker.score(asked.query, [asked.document])
    said = {"edit": asked.edit, "words": dict(asked.words), "label": asked.label}
    shown = render("edited.html", **said, before=asked.logit, after=after)
    yield {"edited": shown, "status": status_html("")}
