"""A lent GPU is asked for as long as the work takes: what each run is to take, beside what it then takes, counted."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from attribution import METHODS, MODELS, load_reranker
from attribution.rerankers.loading.models import Checkpoint
from attribution.rerankers.reranker import Reranker
from interface.programs import api
from interface.programs.endpoints import Call
from interface.runs import cost
from interface.runs.cost import lent
from interface.runs.handlers import Handler, Pair
from interface.tabs import learn as learn_tab
from interface.tabs import probes as probes_tab
from interface.tabs.compare import runs as compare_runs
from interface.tabs.compare import what_if
from interface.tabs.compare.documents import check_list
from interface.tabs.compare.state import Asked, Change, Compared, Meet, More, pick
from interface.tabs.explain import tab as explain_tab
from interface.tabs.explain import two_models
from tests.interface.conftest import shown, visitor
from tests.tiny import save_tiny

QUERY = "how many people live in berlin ?"
TEXTS = ("berlin has about 3.7 million inhabitants .", "paris is in france .", "the museums of berlin , a long text .")
IG = "integrated_gradients"
TICKED = ("saliency", IG, "occlusion", "embedding_magnitude")


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
    monkeypatch.setattr(cost, "GPU_TOKENS_A_SECOND", 1.0)
    monkeypatch.setattr(cost, "LOADING", 0.0)
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


PASSAGES = (
    "Berlin is large. It has about 3.7 million inhabitants. Cats sleep.",
    "Paris is old. It is in France. Dogs jump.",
)


def passages(model: str, texts: tuple[str, ...] = PASSAGES, query: str = QUERY) -> Asked:
    return Asked(model, query, tuple(check_list(list(texts))), "", IG, "layerwise_relevance")


@cache
def compared(model: str, texts: tuple[str, ...] = TEXTS) -> Compared:
    state = shown(compare_runs.run_list(passages(model, texts), visitor()))["state"]
    assert isinstance(state, Compared)
    return state


PAIR = (QUERY, TEXTS[0])
# run -> (its handler, what it is asked), of the two models and a compared list
RUNS: dict[str, tuple[Handler, Callable[[str, str, Compared], Any]]] = {
    "explain": (
        explain_tab.run,
        lambda m, _, __: explain_tab.Asked(m, *PAIR, TICKED, n_samples=2, n_steps=2),
    ),
    "inside": (learn_tab.look, lambda m, _, __: learn_tab.Asked(m, *PAIR)),
    "lab": (learn_tab.run, lambda m, _, __: Pair(m, *PAIR)),
    "probes": (probes_tab.run, lambda m, _, __: Pair(m, *PAIR)),
    "two models": (
        two_models.run,
        lambda m, n, __: two_models.Both(m, *PAIR, TICKED, n_samples=2, n_steps=2, second=n),
    ),
    "list": (
        compare_runs.run_list,
        lambda _, __, c: dataclasses.replace(c.asked, query=QUERY + " now"),
    ),
    "pick": (compare_runs.run_pick, lambda _, __, c: More(pick(c, c.b, c.a))),
    "change": (what_if.run_change, lambda _, __, c: Change(c, {"A": ("berlin has inhabitants", ()), "B": ("a b", ())})),
    "flip": (what_if.run_flip, lambda _, __, c: More(c)),
    "raise": (what_if.run_raise, lambda _, __, c: More(c)),
    "passages": (compare_runs.run_list, lambda m, _, __: passages(m, query=f"{QUERY} now")),
    "pick of passages": (compare_runs.run_pick, lambda m, _, __: More(compared(m, PASSAGES))),
    "flip of passages": (what_if.run_flip, lambda m, _, __: More(compared(m, PASSAGES))),
    "raise of passages": (what_if.run_raise, lambda m, _, __: More(compared(m, PASSAGES))),
    "meet of passages": (what_if.run_meet, lambda m, _, __: Meet(compared(m, PASSAGES), "A", 3, "difference")),
    "meet": (what_if.run_meet, lambda _, __, c: Meet(c, "A", 3, "difference")),
    "meet by gradients": (
        what_if.run_meet,
        lambda _, __, c: Meet(c, "A", 3, "input_x_gradient"),
    ),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.usefixtures("tokens_asked")
def test_the_time_asked_for_covers_the_work_and_is_not_far_above_it(
    name: str, models: tuple[str, str], taken: list[int]
) -> None:
    run, ask = RUNS[name]
    asked = ask(*models, compared(models[0]))
    taken.clear()
    seconds = lent(asked, run.passes)
    assert len(list(run(asked, visitor()))) > 1
    assert sum(taken) <= seconds
    bound = (
        16 if name.split()[0] in ("flip", "raise", "probes") else 8
    )  # what adapts or stops early is asked for at its most
    assert seconds <= bound * sum(taken), (seconds, sum(taken))


ENDPOINTS: dict[str, Any] = {function.__name__: function for function in api.ENDPOINTS}
TASKS: dict[str, dict[str, Any]] = {
    "explain": {"document": TEXTS[0], "method": "shapley", "n_samples": 2},
    "rank": {"documents": list(TEXTS)},
    "contrast": {"first": TEXTS[0], "second": TEXTS[1], "method": "shapley"},
    "interaction": {"document": TEXTS[0], "n_words": 3},
    "probe": {"document": TEXTS[0], "seed": 1},
    "sentences": {"document": TEXTS[0]},
    "contrast_sentences": {"first": TEXTS[0], "second": TEXTS[1]},
    "counterfactual": {"document": TEXTS[0], "rival": TEXTS[1], "method": "occlusion", "operator": "mask"},
    "counterfactual by sentences": {"document": " ".join(TEXTS), "rival": TEXTS[1], "unit": "sentence"},
    "interaction by sentences": {"document": " ".join(TEXTS), "n_words": 3, "unit": "sentence"},
    "raise_above": {"document": TEXTS[0], "rival": TEXTS[1]},
}


@pytest.mark.parametrize("asked", TASKS)
@pytest.mark.usefixtures("tokens_asked")
def test_so_does_the_apis(asked: str, models: tuple[str, str], taken: list[int]) -> None:
    name, _, _ = asked.partition(" by ")
    given, function = {"query": QUERY, **TASKS[asked]}, ENDPOINTS[name]
    if "rival" in given:
        texts = [given["document"], given["rival"]]
        logits = dict(zip(load_reranker(models[0]).score(QUERY, texts), texts, strict=True))
        ends = (min, max) if name == "raise_above" else (max, min)
        given |= {side: logits[end(logits)] for side, end in zip(("document", "rival"), ends, strict=True)}
    taken.clear()
    assert function(model=models[0], **given)["kept"] is False
    seconds = lent(Call(models[0], given), function.passes)
    assert sum(taken) <= seconds
    bound = 16 if name in ("counterfactual", "raise_above", "probe") else 8
    assert seconds <= bound * sum(taken), (seconds, sum(taken))


def test_every_endpoint_and_every_handler_that_runs_says_what_it_takes() -> None:
    names = {asked.partition(" by ")[0] for asked in TASKS}
    assert {*names, "models"} == set(ENDPOINTS)
    assert all(ENDPOINTS[name].passes for name in names)
    assert all(run.passes for run, _ in RUNS.values())


def test_what_does_not_say_what_it_takes_is_asked_for_as_long_as_a_run_may_take(
    offered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "41.5")
    assert lent(Pair(offered, *PAIR), None) == 42
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "0")
    assert lent(Pair(offered, *PAIR), None) == 60


def test_without_anything_to_do_the_least_is_asked_for(models: tuple[str, str]) -> None:
    least = cost.LOADING
    state = compared(models[0])
    assert lent(Pair("not loaded", *PAIR), learn_tab.look.passes) == least
    assert lent(Meet(state, "A", 3, "no such form"), what_if.run_meet.passes) == least
    assert lent(explain_tab.Asked(models[0], *PAIR, ()), lambda _asked, _sides: 0) == least


@pytest.mark.parametrize("n_steps", [2, 200])
@pytest.mark.usefixtures("tokens_asked")
def test_options_are_in_the_asked_time(n_steps: int, models: tuple[str, str]) -> None:
    arguments = {"query": QUERY, "document": TEXTS[0], "method": f"{IG}_captum", "n_steps": n_steps}
    tokens = len(load_reranker(models[0]).encode(*PAIR).tokens)
    assert lent(Call(models[0], arguments), ENDPOINTS["explain"].passes) == 3 * (2 * n_steps + 4) * tokens
    assert METHODS[f"{IG}_captum"].uses_gradient


@pytest.mark.usefixtures("tokens_asked")
def test_the_colours_of_every_row_are_in_the_asked_time(models: tuple[str, str]) -> None:
    """The contrast's cap is high enough to hide one that was left out."""
    asked, passes = compared(models[0]).asked, compare_runs.run_list.passes
    cheap, dear = (lent(dataclasses.replace(asked, colour=key), passes) for key in ("saliency", "smoothgrad"))
    longest = max(len(load_reranker(models[0]).encode(QUERY, text).tokens) for text in TEXTS)
    default = 3 * (inspect.signature(METHODS["smoothgrad"].attribute).parameters["n_samples"].default - 1)
    assert dear - cheap == len(TEXTS) * default * longest
