"""On the Explain tab: the same pair under a second model, cards aligned, ranks of words compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution import MODELS, explain
from attribution.errors import AttributionError, OptionError, Stopped
from attribution.explain import forwards, options_of
from attribution.numbers import counted
from attribution.types import Explanation
from attribution.views.cards import two_models_html
from attribution.views.page import status_html
from interface.page import models
from interface.page.actions import start
from interface.page.layout import Shell, scripts
from interface.page.links import Field, field
from interface.runs.handlers import Update, handler
from interface.runs.run import Run
from interface.tabs.explain.asked import Asked, ask

LANE = "two-models"
SAYS = "Runs the ticked methods on the pair in the boxes, under both models."


@dataclass(frozen=True)
class Both(Asked):
    """A pair and methods, asked of a second model too."""

    second: str = ""

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Both models."""
        return self.model_id, self.second


def ask_both(second: str, **given: Any) -> Both:
    """What the boxes ask for, as `ask` does. Raises `AttributionError`."""
    asked = Both(**vars(ask(**given)), second=second)
    if asked.model_id == second:
        raise OptionError("Both models are the same. Choose another second model.")
    asked.check()
    return asked


def build(shell: Shell) -> Field:
    """A menu, which a link has, a button and the result."""
    with gr.Accordion("Compare with a second model", open=False, elem_id="two-models"):
        with gr.Row():
            choices = [(MODELS[key].label, key) for key in shell.model_ids]
            second = gr.Dropdown(choices, value=shell.model_ids[-1], label="Second model", scale=2)
            button = gr.Button("Explain under both", scale=0)
        shell.actions.lines[LANE].render()
        result = gr.HTML("", js_on_load=scripts("quote", "words"))
    inputs = {**shell.pair.inputs, "second": second, **shell.settings.inputs}
    start(button.click, run, ask_both, inputs, {"result": result}, shell.actions)
    return field(second, since=3)


@handler(lane=LANE, passes=lambda asked, sides: 2 * sum(forwards(key, sides, **asked.options) for key in asked.methods))
def run(asked: Both, run: Run) -> Iterator[Update]:
    """Both models' cards, one more with each update."""
    chosen = asked.methods
    names = (MODELS[asked.model_id].label, MODELS[asked.second].label)
    sides: tuple[dict[str, Explanation | str | None], ...] = ({}, {})
    rerankers = [models.load(key, run) for key in asked.model_ids]
    for key in chosen:
        options = {name: value for name, value in asked.options.items() if name in options_of(key)}
        for reranker, side in zip(rerankers, sides, strict=True):
            try:
                side[key] = explain(reranker, asked.query, asked.document, key, on_pass=run.check, **options)
            except Stopped:
                raise
            except AttributionError as error:  # on its own card; the rest goes on
                side[key] = str(error)
            whole = len(sides[1]) == len(chosen)
            said = "Done" if whole else counted(len(sides[0]) + len(sides[1]), "card")
            yield {
                "result": two_models_html(chosen, names, (sides[0], sides[1])),
                "status": status_html(f"{said} after {run.seconds:.1f} s."),
            }
