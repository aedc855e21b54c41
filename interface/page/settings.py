"""What few visitors change, behind one line beside Explain: methods with their cost on this text, and options."""

from dataclasses import dataclass
from inspect import signature
from typing import Any

import gradio as gr

from attribution import METHODS, MODELS
from attribution.methods.defaults import default_methods
from attribution.methods.gradients import LEAVES
from attribution.removal import OPERATORS
from attribution.rerankers.loading.load import in_memory
from attribution.rerankers.reranker import Reranker
from attribution.types import BASELINES
from interface.page.links import Field, field
from interface.runs import cost
from interface.runs.handlers import ASIDE, PairInputs
from interface.runs.limits import BUDGETS

CAPTUM_STEPS = signature(METHODS["integrated_gradients_captum"].attribute).parameters["n_steps"].default
DEFAULTS: dict[str, Any] = {
    "baselines": "",
    "leaf": "detach_clone",
    "operator": "mask",
    "n_samples": 16,
    "n_steps": CAPTUM_STEPS,
}
OF_BUDGETS = {
    "n_samples": "orders of the words for Shapley values, noisy copies for SmoothGrad, texts for expected gradients",
    "n_steps": "nodes per path for Captum's integrated gradients",
}
DEFAULT_METHODS = default_methods()


@dataclass(frozen=True)
class Settings:
    """The choices: the methods, a list for each group by its title, and the options by name."""

    methods: dict[str, gr.CheckboxGroup]
    options: dict[str, Any]

    @property
    def inputs(self) -> dict[str, Any]:
        """As inputs of an event, by name."""
        return {**self.methods, **self.options}

    @property
    def fields(self) -> list[Field]:
        """As parts of a link."""
        baselines, *others = self.options.values()
        of_any_model = Field(baselines, {"name": str(baselines.label), "one": ["", *BASELINES]})
        return [*map(field, self.methods.values()), of_any_model, *map(field, others)]


def groups() -> dict[str, list[str]]:
    """Each group's title and its methods, in the order of the table."""
    titles = dict.fromkeys(method.group for method in METHODS.values())
    return {title: [key for key, method in METHODS.items() if method.group == title] for title in titles}


def build_settings(pair: PairInputs, model_id: str) -> Settings:
    """The line that opens into method groups and options; its label and costs follow the text's size."""
    text = label(model_id, pair.size.value, DEFAULT_METHODS, DEFAULTS["n_samples"], DEFAULTS["n_steps"])
    with gr.Accordion(text, open=False, elem_id="settings") as panel:
        with gr.Row(elem_id="groups"):
            boxes = {
                title: gr.CheckboxGroup(
                    [(METHODS[key].label, key) for key in keys],
                    value=[key for key in keys if key in DEFAULT_METHODS],
                    label=title,
                    min_width=220,
                )
                for title, keys in groups().items()
            }
        options = _options(model_id)
    counted = [pair.model, pair.size, *boxes.values(), options["n_samples"], options["n_steps"]]
    baselines = options["baselines"]
    pair.model.change(show_baselines, [pair.model, baselines], baselines, **ASIDE)
    changes = [component.change for component in counted]
    gr.on(changes, lambda *now: gr.update(label=label(*now)), counted, panel, trigger_mode="always_last", **ASIDE)
    return Settings(boxes, options)


def _options(model_id: str) -> dict[str, Any]:
    """By name, in the order of `DEFAULTS`."""
    baselines = gr.Dropdown(
        _baselines(model_id),
        value=DEFAULTS["baselines"],
        label="Baseline",
        info="what replaces the words, for integrated gradients and other methods with a baseline",
    )
    leaf = gr.Dropdown(
        [(leaf.code, key) for key, leaf in LEAVES.items()],
        value=DEFAULTS["leaf"],
        label="How saliency takes the embeddings",
        info="with some of these lines .grad stays empty; the card then shows the fallback and says so",
    )
    operator = gr.Radio(list(OPERATORS), value=DEFAULTS["operator"], label="To measure faithfulness, remove words by")
    return {"baselines": baselines, "leaf": leaf, "operator": operator} | {
        name: gr.Slider(*BUDGETS[name], value=DEFAULTS[name], step=1, label=name, info=info)
        for name, info in OF_BUDGETS.items()
    }


def show_baselines(model_id: str, chosen: str) -> Any:
    """The baselines that another model has; its default where it has not the one that was chosen."""
    choices = _baselines(model_id)
    return gr.update(choices=choices, value=chosen if chosen in [key for _, key in choices] else "")


def _baselines(model_id: str) -> list[tuple[str, str]]:
    reranker = in_memory(model_id)  # a model that is not there yet is asked when it runs
    names = reranker.baseline_names if reranker else list(BASELINES)
    return [("the model's default: [MASK] where it has one", ""), *((BASELINES[name], name) for name in names)]


def label(model_id: str, length: object, *more: Any) -> str:
    """The line that opens the settings: how many methods, and how long on this text."""
    *lists, n_samples, n_steps = more
    chosen = [key for keys in lists for key in keys or []]
    reranker, size = _read(model_id, length)
    wanted = {"n_samples": n_samples, "n_steps": n_steps}
    seconds = cost.estimate(reranker, size, chosen, wanted)[1] if reranker and size and chosen else 0.0
    about = f", about {max(0.1, seconds):.2g} s" if seconds < 10 else f", about {seconds:,.0f} s"
    return f"{len(chosen)} of {len(METHODS)} methods{about if seconds else ''}"


def _read(model_id: str, length: object) -> tuple[Reranker | None, cost.Size | None]:
    """What the cost depends on; `length` is the browser's, about: see `PairInputs.size`."""
    reranker = in_memory(model_id) if model_id in MODELS else None
    if not isinstance(length, list) or len(length) != 4 or not all(type(n) is int and 0 <= n < 10**6 for n in length):
        return reranker, None
    n_tokens, n_query, n_document, n_sentences = length
    read = min(1.0, reranker.max_length / n_tokens) if reranker and n_tokens else 1.0  # the rest is cut
    return reranker, cost.Size(round(read * n_tokens), (n_query, round(read * n_document)), n_sentences)
