"""A lent GPU is asked for as long as the work takes: what each run is to take, beside what it then takes, counted."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest

from attribution import METHODS, MODELS, load_reranker
from attribution.rerankers.loading.models import Checkpoint
from attribution.rerankers.reranker import Reranker
from interface.programs import api
from interface.programs.endpoints import endpoint
from interface.runs import budget
from interface.tabs import explain as explain_tab
from interface.tabs import inside as inside_tab
from interface.tabs import lab as lab_tab
from interface.tabs import lent, two_models
from interface.tabs import probes as probes_tab
from interface.tabs.compare import runs as compare_runs
from interface.tabs.compare import what_if as compare_what_if
from interface.tabs.compare.documents import check_list
from interface.tabs.compare.state import Asked, Compared
from tests.tiny import save_tiny

QUERY = "how many people live in berlin ?"
TEXTS = ("berlin has about 3.7 million inhabitants .", "paris is in france .", "the museums of berlin , a long text .")
IG = "integrated_gradients"
TICKS: Any = (["saliency"], [IG], ["occlusion"], [], ["embedding_magnitude"])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Two on offer and in memory."""
    keys = []
    for architecture in ("BertForSequenceClassification", "ElectraForSequenceClassification"):
        key = str(save_tiny(architecture, tmp_path_factory.mktemp(architecture)))
        MODELS[key] = Checkpoint(label="tiny", path=key, licence="", about="")
        load_reranker(key)
        keys.append(key)
    yield keys[0], keys[1]
    for key in keys:
        del MODELS[key]


@pytest.fixture
def tokens_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are forwards x tokens."""
    monkeypatch.setattr(budget, "GPU_TOKENS_A_SECOND", 1.0)
    monkeypatch.setattr(budget, "LOADING", 0.0)
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "1e9")


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Forwards x tokens that the model saw; a backward counts for two."""
    seen: list[int] = []
    outputs = Reranker.outputs

    def counted(self: Reranker, inputs: Any, **options: Any) -> Any:
        output = outputs(self, inputs, **options)
        share = 3 if any(t is not None and getattr(t, "requires_grad", False) for t in output.values()) else 1
        seen.append(share * inputs["input_ids"].numel())
        return output

    monkeypatch.setattr(Reranker, "outputs", counted)
    return seen


def visitor() -> gr.Request:
    return gr.Request(None, session_hash="lent")


def compared(model: str) -> Compared:
    asked = Asked(model, QUERY, tuple(check_list(list(TEXTS))), (), IG, "layerwise_relevance", "delete")
    state = [step[0] for step in compare_runs.run_list(asked, visitor()) if isinstance(step[0], Compared)][-1]
    assert isinstance(state, Compared)
    return state


def event(**data: Any) -> Any:
    return gr.EventData(gr.HTML(), data)


PAIR = (QUERY, TEXTS[0])
# run -> (asked for, what runs), each of the two models and a compared list
RUNS: dict[str, Callable[[str, str, Compared], tuple[int, Any]]] = {
    "explain": lambda m, _, __: (
        explain_tab.gpu_seconds(m, *PAIR, *TICKS, None, "detach_clone", "mask", 2, 2, visitor()),
        explain_tab.run(m, *PAIR, *TICKS, None, "detach_clone", "mask", 2, 2, visitor()),
    ),
    "inside": lambda m, _, __: (lent.for_inside(m, *PAIR), inside_tab.run(m, *PAIR, "grad_norm", None, visitor())),
    "lab": lambda m, _, __: (lent.for_lab(m, *PAIR), lab_tab.run(m, *PAIR, None, visitor())),
    "probes": lambda m, _, __: (lent.for_probes(m, *PAIR), probes_tab.run(m, *PAIR, (), visitor())),
    "two models": lambda m, n, __: (
        lent.for_two_models(m, *PAIR, n, *TICKS, visitor()),
        two_models.run(m, *PAIR, n, *TICKS, visitor()),
    ),
    "list": lambda _, __, c: (lent.for_list(c.asked), compare_runs.run_list(c.asked, visitor())),
    "pick": lambda _, __, c: (
        lent.for_pick(c, 3, "A"),
        compare_runs.run_pick(c, event(place=3 if c.a != 3 else 1, which="A"), visitor()),
    ),
    "drop": lambda _, __, c: (
        lent.for_drop(c, {"A": [0], "B": [1]}),
        compare_what_if.run_drop(c, event(dropped={"A": [0], "B": [1]}), visitor()),
    ),
    "edit": lambda _, __, c: (
        lent.for_edit(c, "A", "berlin has inhabitants"),
        compare_what_if.run_edit(c, "A", "berlin has inhabitants", visitor()),
    ),
    "flip": lambda _, __, c: (lent.for_flip(c), compare_what_if.run_flip(c, visitor())),
    "meet": lambda _, __, c: (
        lent.for_meet(c, "A", 3, "difference"),
        compare_what_if.run_meet(c, "A", 3, "difference", visitor()),
    ),
    "meet by gradients": lambda _, __, c: (
        lent.for_meet(c, "A", 3, "input_x_gradient"),
        compare_what_if.run_meet(c, "A", 3, "input_x_gradient", visitor()),
    ),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.usefixtures("tokens_asked")
def test_the_time_asked_for_covers_the_work_and_is_not_far_above_it(
    name: str, models: tuple[str, str], taken: list[int]
) -> None:
    state = compared(models[0])
    taken.clear()
    asked, steps = RUNS[name](*models, state)
    for _ in steps:
        pass
    assert sum(taken) <= asked
    bound = {"flip": 16, "probes": 16}.get(name, 8)  # what adapts or stops early is asked for at its most
    assert asked <= bound * sum(taken), (asked, sum(taken))


TASKS: dict[str, dict[str, Any]] = {
    "explain": {"document": TEXTS[0], "method": "shapley", "n_samples": 2},
    "rank": {"documents": list(TEXTS)},
    "contrast": {"first": TEXTS[0], "second": TEXTS[1], "method": "shapley"},
    "interaction": {"document": TEXTS[0], "n_words": 3},
    "probe": {"document": TEXTS[0], "seed": 1},
    "counterfactual": {"document": TEXTS[0], "rival": TEXTS[1], "method": "occlusion", "operator": "mask"},
}


@pytest.mark.parametrize("task", api.TASKS)
@pytest.mark.usefixtures("tokens_asked")
def test_so_does_the_apis(task: str, models: tuple[str, str], taken: list[int]) -> None:
    given = dict(TASKS[task])
    if task == "counterfactual":
        reranker = load_reranker(models[0])
        low, high = sorted(reranker.score(QUERY, list(TEXTS[:2])))
        assert low != high
        by_score = sorted(TEXTS[:2], key=lambda text: reranker.score(QUERY, [text])[0])
        given |= {"document": by_score[1], "rival": by_score[0]}
    taken.clear()
    asked = lent.for_task(task, models[0], {"query": QUERY, **given}, None)
    endpoint(getattr(api, task))(query=QUERY, model=models[0], **given)
    assert sum(taken) <= asked
    bound = {"counterfactual": 16, "probe": 16}.get(task, 8)
    assert asked <= bound * sum(taken), (asked, sum(taken))


def test_without_anything_to_do_the_least_is_asked_for(models: tuple[str, str]) -> None:
    least = budget.lent_seconds(0, 0)
    nothing: list[int] = [
        lent.for_inside("not loaded", *PAIR),
        lent.for_list("the boxes cannot be compared"),
        lent.for_pick(None, 1, "A"),
        lent.for_drop(None, {}),
        lent.for_edit(None, "A", "text"),
        lent.for_flip(None),
        lent.for_meet(None, "A", 3, "difference"),
        lent.for_meet(dataclasses.replace(compared(models[0]), contrast=None), "A", 3, "difference"),
        lent.for_two_models(models[0], *PAIR, models[1], ["no such method"], None, [], [], []),
    ]
    assert set(nothing) == {least}
    assert set(lent.API) == set(api.TASKS)
    assert lent.for_meet(compared(models[0]), "A", 3, "no such form") == least


@pytest.mark.parametrize("n_steps", [2, 200])
@pytest.mark.usefixtures("tokens_asked")
def test_options_are_in_the_asked_time(n_steps: int, models: tuple[str, str]) -> None:
    arguments = {"query": QUERY, "document": TEXTS[0], "method": f"{IG}_captum", "n_steps": n_steps}
    tokens = len(load_reranker(models[0]).encode(*PAIR).tokens)
    assert lent.for_task("explain", models[0], arguments) == 3 * (2 * n_steps + 4) * tokens
    assert METHODS[f"{IG}_captum"].uses_gradient


@pytest.mark.usefixtures("tokens_asked")
def test_the_colours_of_every_row_are_in_the_asked_time(models: tuple[str, str]) -> None:
    """The contrast's cap is high enough to hide one that was left out."""
    asked = compared(models[0]).asked
    cheap, dear = (lent.for_list(dataclasses.replace(asked, colour=key)) for key in ("saliency", "smoothgrad"))
    longest = max(len(load_reranker(models[0]).encode(QUERY, text).tokens) for text in TEXTS)
    default = 3 * (inspect.signature(METHODS["smoothgrad"].attribute).parameters["n_samples"].default - 1)
    assert dear - cheap == len(TEXTS) * default * longest
