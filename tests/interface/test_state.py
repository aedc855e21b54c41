"""What threads and stops may do to each other: nothing. Interpreter switches as often as it can."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import gradio as gr
import pytest
import torch

from attribution import MODELS
from attribution.errors import InputError
from attribution.methods.leaves import read_grad
from attribution.rerankers.loading.models import Checkpoint
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from interface.page.actions import LINES
from interface.runs.handlers import answer_errors, ending
from interface.runs.lanes import CHOOSING, MAIN, busy, claim, end, stop
from interface.tabs import explain as explain_tab
from interface.tabs import inside as inside_tab
from interface.tabs import lab as lab_tab
from interface.tabs.compare.state import Asked

PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants .")
TICKED = ["saliency", "saliency_l2", "occlusion"]
SETTINGS: tuple[Any, ...] = (TICKED, [], [], [], [], "", "detach_clone", "mask", 4, 4)


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


@pytest.fixture
def offered(tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(MODELS, tiny_bert.model_id, Checkpoint("tiny", tiny_bert.model_id, "none", "tiny"))
    return tiny_bert.model_id


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
    visitor: Any = gr.Request(session_hash="visitor")
    run = explain_tab.run(offered, *PAIR, *SETTINGS, visitor, lambda *_, **__: None)
    with heard_forwards(tiny_bert) as heard:
        for _ in range(after):
            next(run)
        before = len(heard)
        assert stop("visitor") == "running"
        assert list(run) == []
    assert len(heard) == before
    assert not busy("visitor")


def test_what_a_stop_says_is_not_overwritten_by_the_pass_it_came_in(offered: str, tiny_bert: Reranker) -> None:
    visitor: Any = gr.Request(session_hash="visitor")
    run = explain_tab.run(offered, *PAIR, *SETTINGS, visitor, lambda *_, **__: None)
    next(run)
    encoder = tiny_bert.model.get_submodule("bert.encoder")
    handle = encoder.register_forward_pre_hook(lambda *_: stop("visitor") and None)
    try:
        assert list(run) == []
    finally:
        handle.remove()
    assert not busy("visitor")


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_a_stop_ends_the_lab_before_its_next_row(rows: int, offered: str, tiny_bert: Reranker) -> None:
    visitor: Any = gr.Request(session_hash="visitor")
    run = lab_tab.run(offered, *PAIR, None, visitor)
    shown = [next(run) for _ in range(1 + rows)]  # the first says that it starts
    assert shown[-1][2].count("<tr data-row") == rows if rows else shown[-1][0] is None
    with heard_forwards(tiny_bert) as heard:
        assert stop("visitor") == "running"
        assert list(run) == []
    assert heard == []
    assert not busy("visitor")


def test_a_stop_ends_inside_before_its_pass(offered: str, tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped while the pair is read: it has one pass, which then never starts, and nothing to show."""
    visitor: Any = gr.Request(session_hash="visitor")
    encode = Reranker.encode

    def stop_then_encode(self: Reranker, query: str, document: str) -> TokenizedPair:
        assert stop("visitor") == "running"
        return encode(self, query, document)

    monkeypatch.setattr(Reranker, "encode", stop_then_encode)
    with heard_forwards(tiny_bert) as heard:
        assert list(inside_tab.run(offered, *PAIR, "grad_norm", None, visitor)) == []
    assert heard == []
    assert not busy("visitor")


def test_a_stop_of_another_visitor_is_not_heard(offered: str) -> None:
    visitor: Any = gr.Request(session_hash="visitor")
    run = explain_tab.run(offered, *PAIR, *SETTINGS, visitor, lambda *_, **__: None)
    next(run)
    assert stop("another") == ""
    assert len(list(run)) > len(TICKED)


def test_a_visitors_mistake_is_a_sentence_and_no_traceback_in_the_log() -> None:
    """The error goes to the page and into the status line, which is the last output; what was shown stays."""

    @answer_errors
    def handler() -> Iterator[Any]:
        yield "shown", "status"
        raise InputError("The query is empty.")

    run, updates = ending(handler, 2)(), list[Any]()
    with pytest.raises(gr.Error, match=r"The query is empty\.") as caught:
        updates.extend(run)
    assert caught.value.print_exception is False
    assert updates[0] == ("shown", "status")
    assert updates[1][0] == gr.skip()
    assert "The query is empty." in updates[1][1]
    assert len(updates) == 2


@pytest.mark.filterwarnings("ignore:This model is not on offer")
def test_a_run_that_was_withdrawn_does_not_start_late(offered: str) -> None:
    """Stop, pressed between a claim and its run, which Gradio cannot cancel yet: every run of the page that is claimed.

    Once they start they say that there is nothing in the boxes.
    """
    import app

    demo, _ = app.build([offered])
    runs = {fn.api_name: fn for fn in demo.fns.values() if fn.fn and inspect.isgeneratorfunction(fn.fn)}
    claimed = {name: fn for name, fn in runs.items() if fn.trigger_after is not None}
    assert set(runs) - set(claimed) == {"open_first", "run_pick", "run_drop"}  # which start at once
    visitor: Any = gr.Request(session_hash="visitor")

    nothing = {"run_list": [Asked("", "", (), (), "saliency", "", "delete")]}

    def says(fn: Any) -> bool:
        given = nothing.get(fn.fn.__name__, [None] * len(fn.inputs))
        try:
            return any(update[-1] != gr.skip() for update in fn.fn(*given, visitor))
        except gr.Error:
            return True

    for name, fn in claimed.items():
        for lane in (MAIN, CHOOSING, *LINES):
            claim("visitor", lane)
        assert "waiting" in end("visitor").values()
        assert not says(fn), name
        for lane in (MAIN, CHOOSING, *LINES):
            claim("visitor", lane)
        assert says(fn), name
        end("visitor")
    assert not busy("visitor")
