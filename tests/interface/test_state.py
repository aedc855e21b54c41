"""What threads and stops may do to each other: nothing. Interpreter switches as often as it can."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest
import torch
from gradio.utils import is_prop_update

from attribution.errors import InputError
from attribution.methods.gradients import read_grad
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from interface.page.actions import leave
from interface.page.models import go_back
from interface.page.settings import DEFAULTS
from interface.runs.handlers import UNCHANGED, Pair, handler
from interface.runs.lanes import CHOOSING, MAIN, busy, claim, end, latest_run, waiting
from interface.runs.run import Run
from interface.tabs import learn as learn_tab
from interface.tabs.explain import tab as explain_tab
from interface.tabs.table import lines
from tests.interface.conftest import PAIR, SESSION, stop, visitor

TICKED = ("saliency", "saliency_l2", "occlusion")


def asked(model: str) -> explain_tab.Asked:
    return explain_tab.Asked(model, *PAIR, TICKED, n_samples=4, n_steps=4)


@pytest.fixture
def switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switching")
def test_no_thread_loses_pytorchs_warning() -> None:
    """`warnings.catch_warnings` swaps what the whole process shares; without a lock one thread takes another's."""
    inner = torch.ones(2, requires_grad=True) * 2
    gate = threading.Barrier(8)

    def read(_: int) -> int:
        gate.wait()
        return sum("not a leaf" not in (read_grad(inner)[1] or "") for _ in range(4000))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(read, range(8))) == 0


@contextmanager
def heard_forwards(reranker: Reranker) -> Iterator[list[int]]:
    """A list that grows by one at every forward of the model."""
    heard: list[int] = []
    handle = reranker.model.get_submodule("bert.encoder").register_forward_pre_hook(lambda *_: heard.append(1))
    try:
        yield heard
    finally:
        handle.remove()


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_stop_ends_the_explanation_before_its_next_pass(after: int, offered: str, tiny_bert: Reranker) -> None:
    """The handler itself, as a generator: results that were there stay, none comes after the stop."""
    run = explain_tab.run(asked(offered), visitor())
    with heard_forwards(tiny_bert) as heard:
        for _ in range(after):
            next(run)
        before = len(heard)
        assert stop("visitor") == "running"
        assert list(run) == [UNCHANGED]
    assert len(heard) == before
    assert not busy("visitor")


def test_what_a_stop_says_is_not_overwritten_by_the_pass_it_came_in(offered: str, tiny_bert: Reranker) -> None:
    run = explain_tab.run(asked(offered), visitor())
    next(run)
    encoder = tiny_bert.model.get_submodule("bert.encoder")
    handle = encoder.register_forward_pre_hook(lambda *_: stop("visitor") and None)
    try:
        assert list(run) == [UNCHANGED]
    finally:
        handle.remove()
    assert not busy("visitor")


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_stop_ends_the_lab_before_its_next_row(rows: int, offered: str, tiny_bert: Reranker) -> None:
    run = learn_tab.run(Pair(offered, *PAIR), visitor())
    seen = [next(run) for _ in range(rows)]
    assert [update["rows"].count("<tr data-row") for update in seen] == [*range(1, rows + 1)]
    with heard_forwards(tiny_bert) as heard:
        assert stop("visitor") == "running"
        assert list(run) == [UNCHANGED]
    assert heard == []
    assert not busy("visitor")


def test_a_stop_ends_inside_before_its_pass(offered: str, tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped while the pair is read: it has one pass, which then never starts, and nothing to show."""
    encode = Reranker.encode

    def stop_then_encode(self: Reranker, query: str, document: str) -> TokenizedPair:
        assert stop("visitor") == "running"
        return encode(self, query, document)

    monkeypatch.setattr(Reranker, "encode", stop_then_encode)
    with heard_forwards(tiny_bert) as heard:
        assert list(learn_tab.look(learn_tab.Asked(offered, *PAIR), visitor())) == [UNCHANGED]
    assert heard == []
    assert not busy("visitor")


def test_a_stop_of_another_visitor_is_not_heard(offered: str) -> None:
    run = explain_tab.run(asked(offered), visitor())
    next(run)
    assert stop("another") == ""
    assert len(list(run)) > len(TICKED)


@pytest.mark.parametrize(
    ("now", "coming", "runs", "back"),
    [
        ("new", "new", None, True),
        ("new", "new", "probes", True),  # which ends or fails by itself, and loads nothing that stays
        ("new", "new", MAIN, False),  # it has ended the choice, and loads the model
        ("new", "new", CHOOSING, False),
        ("newer", "new", None, False),
        ("new", "", None, True),  # withdrawn before it began
    ],
)
def test_the_model_before_comes_back_unless_the_visitor_went_on(
    now: str, coming: str, runs: str | None, back: bool
) -> None:
    with latest_run(SESSION, runs) if runs else nullcontext():
        assert (go_back(now, "old", coming, visitor()) == ("old", "")) is back


def test_a_visitors_mistake_is_a_sentence_and_no_traceback_in_the_log() -> None:
    """The error goes to the page and into the status line; what was shown stays."""

    @handler(lane=MAIN)
    def run(_asked: Any, _run: Run) -> Iterator[Any]:
        yield {"result": "shown", "status": "status"}
        raise InputError("The query is empty.")

    updates = list[Any]()
    with pytest.raises(gr.Error, match=r"The query is empty\.") as caught:
        updates.extend(run(None, visitor()))
    assert caught.value.print_exception is False
    first, last = updates
    assert first == {"result": "shown", "status": "status"}
    assert last.keys() == {"status"}
    assert "The query is empty." in last["status"]


def events(demo: gr.Blocks, name: str) -> list[Any]:
    """Those of the page whose name begins so."""
    return [event for event in demo.fns.values() if str(event.api_name).startswith(f"{name}_")]


@pytest.mark.filterwarnings("ignore:This model is not on offer")
def test_a_run_that_was_withdrawn_or_refused_does_not_start_late(demo: gr.Blocks) -> None:
    """Every run of the page, with a claim that was ended, that is another handler's, or that was never made."""
    runs = events(demo, "run")
    assert len(runs) == len(events(demo, "claim")) > len(lines())
    lanes = {str(event.api_name).split("_")[1] for event in runs}
    assert lanes == {CHOOSING, *lines()}

    def says(event: Any, claimed: int | None = 0) -> bool:
        try:
            updates = list(event.fn(visitor(), None, claimed))
        except gr.Error:
            return True
        said = [value for update in updates for part, value in update.items() if part.elem_id != "offered"]
        return not all(map(is_prop_update, said))

    unknown = explain_tab.Asked("nowhere", *PAIR)
    for event in runs:
        lane = str(event.api_name).split("_")[1]
        mine, another = event.fn.__qualname__, "of another handler"
        number, _ = claim("visitor", lane, unknown, mine)
        assert end("visitor", lane) == {lane: "waiting"}
        assert not says(event, number), event.api_name
        claim("visitor", lane, unknown, mine)
        claim("visitor", lane, unknown, another)
        assert not says(event), event.api_name
        assert says(event, claimed=None), "its claim is in another copy of the server"
        assert waiting("visitor", lane, another), "its own handler comes yet"
        claim("visitor", lane, unknown, mine)
        assert says(event), event.api_name
        assert not says(event), "the start before, which comes late"
    assert not busy("visitor")


@pytest.mark.filterwarnings("ignore:This model is not on offer")
def test_the_end_of_every_event_says_again_what_its_line_was_told_last(demo: gr.Blocks) -> None:
    """In the browser, "Starting" may come after the word that it was withdrawn, and Gradio may undo that word."""
    every: list[Any] = [*demo.fns.values()]
    after = {event.trigger_after: event for event in every}
    (halt,) = (event for event in every if event.api_name == "halt")
    for event in (event for event in every if str(event.api_name).startswith("run_")):
        lane, status = str(event.api_name).split("_")[1], event.outputs[-1]
        claim("visitor", lane, explain_tab.Asked("nowhere", *PAIR), event.fn.__qualname__)
        told = halt.fn(visitor())
        assert "Withdrawn" in told[status], event.api_name
        assert [update[status] for update in event.fn(visitor(), None, 1)] == [gr.skip()], "it has no word of its own"
        assert after[event._id].fn(visitor())[status] == told[status], event.api_name
        assert after[halt._id].fn(visitor())[status] == told[status], event.api_name
    leave(visitor())
    assert status not in after[event._id].fn(visitor()), "who has left is forgotten"


def test_stop_goes_with_the_last_update_of_a_run(offered: str, demo: gr.Blocks) -> None:
    """An event of its own comes a round trip later; until then, Stop stood beside "Done"."""
    run: Any = next(event for event in demo.fns.values() if event.api_name == f"run_{MAIN}")
    stops = next(part for part in run.outputs if part.elem_id == "offered")
    claim("visitor", MAIN, asked(offered), run.fn.__qualname__)
    told = [update[stops].split()[1:] for update in run.fn(visitor(), None, 0)]
    assert (told[0], told[-1]) == (["stop"], [])


def test_too_few_values_leave_no_traceback_in_the_log(demo: gr.Blocks) -> None:
    with pytest.raises(gr.Error, match=r"got 2 values; it takes 3\.") as caught:
        demo.validate_inputs(demo.fns[0], [1, 2])
    assert caught.value.print_exception is False


def test_nothing_is_cancelled_through_gradio_which_ends_by_event_and_not_by_run(demo: gr.Blocks) -> None:
    assert [event.api_name for event in demo.fns.values() if event.cancels] == []


def test_the_latest_start_runs_however_late_the_older_one_comes(offered: str) -> None:
    """The older one waited in Gradio's queue; it neither runs nor takes the claim of the newer one."""
    older = asked(offered), visitor(), None, claim("visitor")[0]
    newer = asked(offered), visitor(), None, claim("visitor")[0]
    assert list(explain_tab.run(*older)) == [UNCHANGED]
    assert len(list(explain_tab.run(*newer))) > len(TICKED)
    assert not busy("visitor")


def test_a_start_tells_no_line_of_another_lane(demo: gr.Blocks) -> None:
    """Gradio may undo what has just come for an output that an event leaves as it is; the main lane ends all others."""
    claims = events(demo, "claim")
    assert len(claims) > 4
    for event in claims:
        lane = str(event.api_name).split("_")[1]
        lines = {str(part.elem_id) for part in event.outputs if str(part.elem_id).endswith("status")}
        own = [{f"{lane}-status"}, {"status"}]  # which a chosen model shares with Explain
        assert (len(lines) > 2) if lane == MAIN else (lines in own), lane


def test_what_a_refused_start_says_stands_when_the_run_before_it_ends(offered: str, demo: gr.Blocks) -> None:
    """That run goes on and is shown; its "Done" would hide why the new start did nothing."""
    every = demo.fns.values()
    by_name: dict[Any, Any] = {event.api_name: event for event in every}
    run, claim_it = by_name[f"run_{MAIN}"], by_name[f"claim_{MAIN}"]
    claim("visitor", MAIN, asked(offered), run.fn.__qualname__)
    updates = run.fn(visitor(), None, 0)
    next(updates)
    boxes = {"model_id": offered, "query": PAIR[0], "document": " "}
    (line, said), *_ = claim_it.fn(visitor(), **boxes, **DEFAULTS).items()
    assert "empty" in said
    again: Any = next(event for event in every if event.trigger_after == run._id)
    assert again.fn(visitor())[line] == said, "over progress that was on its way when the start was refused"

    def told(updates: Iterator[dict[Any, Any]]) -> list[str]:
        return [each[line] for each in updates if line in each and not is_prop_update(each[line])]

    assert set(told(updates)) == {said}, "again, over what was on its way"
    assert again.fn(visitor())[line] == said
    claim("visitor", MAIN, replace(asked(offered), n_steps=5), run.fn.__qualname__)
    claim_it.fn(visitor(), **boxes, **DEFAULTS)
    assert len(list(run.fn(visitor(), None, 0))) > len(TICKED), "a start that waits keeps its turn"
    claim("visitor", MAIN, asked(offered), run.fn.__qualname__)
    assert any("Done" in each for each in told(run.fn(visitor(), None, 0)))
    assert "Done" in again.fn(visitor())[line], "and no older text over it"
