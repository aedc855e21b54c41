"""What a run will cost is known before it starts, a public host caps it, and a run nobody waits for ends."""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from fastapi import Request
from gradio.context import LocalContext

from attribution import METHODS, MODELS, explain, load_reranker
from attribution.explain import options_of, sequences, sides_of
from attribution.rerankers.reranker import Reranker
from interface.programs import api
from interface.runs import limits as budget
from interface.runs.gpu import Tick, stepwise
from interface.runs.handlers import Pair
from interface.runs.lanes import latest_run
from interface.runs.run import Run, ticking
from interface.server import gradio_queue
from interface.server.gradio_queue import gone
from interface.tabs import learn as learn_tab
from interface.tabs import probes as probes_tab
from interface.tabs.compare import runs as compare_runs
from interface.tabs.compare.documents import Document
from interface.tabs.compare.state import Asked
from interface.tabs.explain import tab as explain_tab
from interface.tabs.explain import two_models
from interface.tabs.explain.results import CARDS
from tests.interface.conftest import shown, stop, visitor

CONTRAST = "integrated_gradients"
SHORT = ("berlin", "museums in paris")
LONG = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants . new york is famous " * 2)


@pytest.mark.parametrize("pair", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("method", METHODS)
def test_no_method_takes_more_passes_than_it_said(tiny_bert: Reranker, method: str, pair: tuple[str, str]) -> None:
    sides = sides_of(tiny_bert.encode(*pair))
    for n in (2, 7):
        options: dict[str, Any] = {name: n for name in ("n_samples", "n_steps") if name in options_of(method)}
        took = explain(tiny_bert, *pair, method, **options).n_forward
        said = sequences(method, sides, **options)
        assert took <= said
        adaptive = method == "integrated_gradients"  # its bound is the cap, which few pairs need
        assert adaptive or said <= 2 * took + 8, "a bound that says nothing"


def test_the_cap_is_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RERANK_LENS_BUDGET_SECONDS", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    assert budget.limit() is None
    monkeypatch.setenv("SPACE_ID", "someone/rerank-lens")
    assert budget.limit() == 60
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "0")
    assert budget.limit() is None
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "1e-9")
    with pytest.raises(budget.OverBudget, match="limit of 1e-09 s a run; what was ready by then is kept"):
        budget.check_time(budget.time.perf_counter() - 1)


def test_a_run_at_its_cap_keeps_what_is_ready_and_says_so(offered: str, tiny_bert: Reranker) -> None:
    spent = {"Saliency, L1": False, "Occlusion": True, "Faithfulness": True}

    def tell(*_: Any, desc: str, **__: Any) -> None:
        if spent[desc.rpartition(": ")[0]]:
            raise budget.OverBudget("Stopped at this server's limit of 5 s a run")

    capped = Run()
    capped.tell = tell
    asked = explain_tab.Asked(offered, *SHORT, ("saliency", "occlusion"), n_samples=2, n_steps=2)
    page = shown(explain_tab.run.work(asked, capped))
    cards = "".join(page[name] for name in CARDS)
    assert 'data-method="saliency"' in cards
    assert "limit of 5 s" in cards, "the card of the method that could not run"
    assert "limit of 5 s" in page["status"]


def test_a_long_run_is_asked_about_once() -> None:
    assert budget.ask("visitor", 10, 29.0, "inputs") == ""
    assert "1,000 passes" in budget.ask("visitor", 1000, 95.0, "inputs")
    assert budget.ask("visitor", 1000, 95.0, "inputs") == ""
    assert budget.ask("visitor", 1000, 95.0, "other inputs")


def test_closing_a_stepwise_run_ends_it_at_its_next_batch(tiny_bert: Reranker) -> None:
    seen: list[int] = []

    def work(tick: Any) -> Any:
        def on_pass(meter: Any) -> None:
            tick()
            seen.append(meter.n_forward)

        yield explain(tiny_bert, *LONG, "shapley", n_samples=64, on_pass=on_pass)

    steps = stepwise(work)
    assert [next(steps) for _ in range(3)] == [Tick()] * 3
    assert len(seen) == 2  # the third batch waits for its reader
    steps.close()
    assert len(seen) == 2
    results = [step for step in stepwise(work) if not isinstance(step, Tick)]
    assert results[0].attributions == explain(tiny_bert, *LONG, "shapley", n_samples=64).attributions
    with pytest.raises(ZeroDivisionError):
        list(stepwise(lambda _tick: (1 / n for n in (1, 0))))


def test_a_client_that_left_ends_its_run(tiny_bert: Reranker) -> None:
    event = SimpleNamespace(session_hash="".join(["ses", "sion"]), alive=True)  # equal, and another object
    blocks = SimpleNamespace(_queue=SimpleNamespace(active_jobs=[None, [event]]))
    app = SimpleNamespace(get_blocks=lambda: blocks)
    request = gr.Request(Request({"type": "http", "app": app, "headers": []}), session_hash="session")
    finished = []
    with latest_run("session", run=Run(gone(request))) as run:
        explain(tiny_bert, *SHORT, "saliency", on_pass=run.check)
        finished.append("while there")
        event.alive = False
        explain(tiny_bert, *SHORT, "saliency", on_pass=run.check)
        finished.append("after leaving")
    assert finished == ["while there"]
    assert not gone(None)()


@pytest.mark.parametrize(
    ("others", "ours", "left", "is_gone"),
    [
        ([], [], [], False),
        ([False], [], [], False),
        ([False], [True], [], False),
        ([True], [False], [], True),
        ([], [True, False], [], False),
        ([], [False, False], [], True),
        ([], [True], ["mine"], True),
        ([], [True], ["another's"], False),
    ],
)
def test_gone_is_who_has_no_open_stream_or_said_so(
    others: list[bool], ours: list[bool], left: list[str], is_gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradio_queue, "_left", deque(maxlen=1000))
    monkeypatch.setattr(LocalContext, "event_id", ContextVar[str | None]("event_id"))
    LocalContext.event_id.set("mine")
    events = [SimpleNamespace(session_hash="other", alive=alive) for alive in others]
    events += [SimpleNamespace(session_hash="session", alive=alive) for alive in ours]
    blocks = SimpleNamespace(_queue=SimpleNamespace(active_jobs=[None, events[:1], events[1:]]))
    app = SimpleNamespace(get_blocks=lambda: blocks)
    asked = gone(gr.Request(Request({"type": "http", "app": app, "headers": []}), session_hash="session"))
    for event_id in left:
        gradio_queue.leave(event_id)
    assert asked() == is_gone
    nowhere = Request({"type": "http", "app": object(), "headers": []})
    assert not gone(gr.Request(nowhere, session_hash="session"))(), "no server to ask"
    assert not gone(gr.Request(None, session_hash="session"))()


def test_a_worker_asks_the_page_at_every_batch(tiny_bert: Reranker) -> None:
    ticks: list[int] = []
    reached: list[str] = []  # the block of a run swallows what stops it
    with latest_run("t") as run, ticking(lambda: ticks.append(1)):
        explain(tiny_bert, *SHORT, "occlusion", on_pass=run.check)
        assert ticks
        reached.append("explained")
        stop("t")
        run.check()
        reached.append("past the stop")
    assert reached == ["explained"]


@pytest.mark.parametrize("name", ["explain", "compare", "lab", "inside", "probes", "two models", "api"])
def test_every_run_is_capped(name: str, monkeypatch: pytest.MonkeyPatch, offered: str) -> None:
    key, request = offered, visitor()
    monkeypatch.setitem(MODELS, f"{key}/", MODELS[key])
    pair = Pair(key, *SHORT)
    documents = Document("1", "berlin"), Document("2", "paris")
    runs: dict[str, Any] = {
        "explain": lambda: explain_tab.run(explain_tab.Asked(key, *SHORT, ("saliency",)), request),
        "compare": lambda: compare_runs.run_list(Asked(key, "berlin", documents, "", CONTRAST, CONTRAST), request),
        "lab": lambda: learn_tab.run(pair, request),
        "inside": lambda: learn_tab.look(learn_tab.Asked(key, *SHORT), request),
        "probes": lambda: probes_tab.run(pair, request),
        "two models": lambda: two_models.run(two_models.Both(key, *SHORT, ("saliency",), second=f"{key}/"), request),
        "api": lambda: iter([api.rank("berlin", ["berlin", "paris"], key)]),
    }
    load_reranker(f"{key}/")
    monkeypatch.setenv("RERANK_LENS_BUDGET_SECONDS", "1e-9")
    said = ""
    try:
        for step in runs[name]():
            said += str(step)
    except gr.Error as error:
        said += str(error.message)
    assert "this server" in said
    assert "limit of 1e-09 s a run" in said
