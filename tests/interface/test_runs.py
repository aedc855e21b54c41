"""One run a visitor and lane: the latest wins at once, also over what waits; other visitors are left alone."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
import pytest

from attribution.errors import Stopped
from interface.page.actions import build
from interface.runs import lanes as runs
from interface.runs import limits as budget
from interface.runs.handlers import for_page, handler
from interface.runs.lanes import (
    MAIN,
    SLOTS,
    ahead,
    busy,
    claim,
    end,
    in_a_word,
    latest_run,
    places,
    waiting,
)
from interface.runs.run import Run
from tests.interface.conftest import SESSION, stop, visitor


def goes_on(run: Run) -> bool:
    """Said in a word: what a check raises would leave the block of the run, and the test behind it, in silence."""
    try:
        run.check()
    except Stopped:
        return False
    return True


def test_a_claim_ends_the_run_before_its_next_pass() -> None:
    with latest_run("ann") as first:
        assert goes_on(first)
        claim("ann")
        assert not goes_on(first)
    with latest_run("ann") as second:
        assert goes_on(second)
    assert not busy("ann")


def test_how_long_runs_take_is_learnt_from_runs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from one that was withdrawn before it began, nor from the loading of a model."""
    learnt: deque[float] = deque()
    monkeypatch.setattr(runs, "_seconds", learnt)
    with latest_run("ann", claim=1), latest_run("ann", runs.CHOOSING):
        pass
    assert not learnt
    with latest_run("ann"):
        pass
    assert len(learnt) == 1


def test_a_run_that_waits_for_a_download_is_not_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lends its place; nobody waits for it, and how long it was away is no part of how long runs take."""
    learnt, lent = deque[float](), list[str]()
    monkeypatch.setattr(runs, "_seconds", learnt)

    @contextmanager
    def lend() -> Iterator[None]:
        lent.append("lent")
        yield
        lent.append("back")

    runs_of = [Run(lend_place=lend) for _ in range(SLOTS)]
    with latest_run("ann", run=runs_of[0]), latest_run("bob", "probes", run=runs_of[1]):
        claim("cid")
        assert ahead("cid") == (1, pytest.approx(runs.TYPICAL_SECONDS / SLOTS))
        with runs_of[0].elsewhere():
            assert ahead("cid") == (0, 0.0)
            assert runs.anything_runs(), "Bob's"
            with runs_of[1].elsewhere():
                assert not runs.anything_runs()
                threading.Event().wait(0.05)
        assert lent == ["lent", "lent", "back", "back"]
        assert [run.away for run in runs_of] == [False, False]
        assert ahead("cid") == (1, pytest.approx(runs.TYPICAL_SECONDS / SLOTS))
    end("cid")
    assert all(run.seconds >= run.seconds_away >= 0.05 for run in runs_of)
    assert all(seconds <= run.seconds - run.seconds_away for seconds, run in zip(learnt, runs_of[::-1], strict=True))


def test_a_refusal_stands_until_its_visitor_starts_something_in_that_lane() -> None:
    before, _ = claim("ann")
    runs.say_no("ann", MAIN)
    claim("bob")
    claim("ann", "compare")
    assert not runs.may_say("ann", MAIN, before)
    assert runs.may_say("ann", MAIN, claim("ann")[0])
    assert runs.may_say("ann", MAIN, before)
    for name in ("ann", "bob"):
        end(name)


def test_a_refusal_is_said_again_by_the_run_that_goes_on() -> None:
    """One of its statuses may have been on its way to the page, and come behind the refusal."""

    @handler(lane="lab")
    def work(_asked: Any, _run: Run) -> Iterator[Any]:
        yield {"status": "1 of 3"}
        yield {"status": "2 of 3"}
        runs.say_no(SESSION, "lab")
        runs.say(SESSION, "a-line", "The document is empty.")
        yield {"status": "3 of 3"}

    line = gr.HTML(elem_id="a-line")
    number, _ = claim(SESSION, "lab", None, work.name)
    told = [update[line] for update in for_page(work, {"status": line})(visitor(), claimed=number)]
    assert told == ["1 of 3", "2 of 3", "The document is empty.", gr.skip()]
    runs.forget(SESSION)


def test_a_newer_run_ends_the_older_and_a_stopped_one_leaves_quietly() -> None:
    with latest_run("ann") as first, latest_run("ann") as second:
        assert not goes_on(first)
        assert goes_on(second)
    with latest_run("ann") as run:
        assert stop("ann") == "running"
        run.check()
        raise AssertionError("a stopped run goes on")
    assert not busy("ann")


def test_lanes_and_visitors_are_apart() -> None:
    with latest_run("ann", MAIN) as main, latest_run("ann", "lab") as lab, latest_run("bob") as other:
        claim("ann", "lab")
        assert goes_on(main)
        assert not goes_on(lab)
        claim("ann")
        assert not goes_on(main)
        assert goes_on(other)
    stop("ann")


def test_what_was_ended_is_told_by_lane_and_in_a_word() -> None:
    with latest_run("ann", "lab"), latest_run("bob"):
        claim("ann", "compare")
        assert end("ann", "inside") == {}
        ended = end("ann")
    assert ended == {"lab": "running", "compare": "waiting"}
    with latest_run("ann", "lab"), latest_run("bob", "inside"):
        assert [busy("ann", lane) for lane in ("lab", "inside")] == [True, False]
    assert (in_a_word(ended), in_a_word({"compare": "waiting"}), in_a_word({})) == ("running", "waiting", "")


def test_waiting_is_counted_and_withdrawn() -> None:
    with latest_run("ann"), latest_run("bob"):
        claim("cid")
        claim("dan")
        assert [place[0] for place in (ahead("cid"), ahead("dan")) if place] == [1, 2]
        assert ahead("ann") is None
        assert stop("cid") == "waiting"
        assert ahead("dan") != (0, 0.0)
    assert ahead("dan") == (0, 0.0)
    assert busy("dan")
    with latest_run("dan"):
        assert ahead("dan") is None
    assert stop("dan") == ""
    assert not runs._waiting
    assert not runs._running


def test_a_start_whose_run_never_comes_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its visitor left in between, so nothing of theirs is in the queue: it is not counted, and then forgotten."""
    now = 100.0
    monkeypatch.setattr(runs.time, "monotonic", lambda: now)
    with latest_run("ann"), latest_run("bob"):
        claim("left", MAIN, None, "", lambda: False)
        claim("slow", "compare")  # what they ask waits in the queue
        claim("cid")
        assert ahead("cid", MAIN) == (3, pytest.approx(3 * 3 / 2, rel=1))
        now += runs.COMES_SECONDS
        assert [place[0] for place in (ahead("cid"), ahead("left")) if place] == [2, 1]
        now += runs.FORGOTTEN_SECONDS
        claim("dan")
        assert not busy("left")
        assert busy("slow")
    for session in ("slow", "cid", "dan"):
        stop(session)


def test_a_claim_that_is_not_the_latest_never_runs_and_takes_nothing_from_the_latest() -> None:
    older, _ = claim("ann")
    newer, _ = claim("ann")
    assert getattr(waiting("ann", MAIN, ""), "number", 0) == newer
    with latest_run("ann", claim=older) as late:
        assert not goes_on(late)
    assert getattr(waiting("ann", MAIN, ""), "number", 0) == newer
    with latest_run("ann", claim=newer) as run:
        assert goes_on(run)
        with latest_run("ann", claim=older) as late:
            assert not goes_on(late)
        assert goes_on(run), "a late one ends nothing"
    assert not busy("ann")


def test_a_stop_from_another_thread_reaches_the_run() -> None:
    with latest_run("ann") as run:
        thread = threading.Thread(target=stop, args=("ann",))
        thread.start()
        thread.join()
        run.check()
        raise AssertionError("a stopped run goes on")


def test_a_run_of_up_to_thirty_seconds_starts_at_once() -> None:
    assert budget.ask("ann", 10, 30.0, "these") == ""
    assert "about 31 s (at most 10 passes" in budget.ask("ann", 10, 30.6, "these")


def test_there_are_fewer_places_while_runs_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds, n in ([], 13), ([0.5, 1.5], 24), ([10.0, 14.0], 3), ([500.0], SLOTS):
        monkeypatch.setattr(runs, "_seconds", deque(seconds))
        assert places() == n


def test_a_run_that_was_stopped_or_failed_counts_for_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: deque[float] = deque()
    monkeypatch.setattr(runs, "_seconds", counted)
    with latest_run("ann"):
        raise Stopped("by the visitor")
    with pytest.raises(ZeroDivisionError), latest_run("ann"):
        raise ZeroDivisionError
    assert len(counted) == 2


def test_who_finds_the_queue_full_does_not_wait_and_is_told_once() -> None:
    with latest_run("ann"), latest_run("bob"):
        claim("cid")
        claim("dan")
        runs.refuse("cid", f"run_{MAIN}")
        assert not busy("cid")
        with gr.Blocks():
            actions = build({})
        line, timer = actions.lines[MAIN], actions.timer
        told = actions.tell_place(gr.Request(None, session_hash="cid"))
        assert "refused. Try again in" in told[line]
        assert not told[timer].active
        assert actions.tell_place(gr.Request(None, session_hash="cid"))[line] == told[line], "until a newer word"
        assert "1 before you" in actions.tell_place(gr.Request(None, session_hash="dan"))[line]
        claim("eve", "compare")
        runs.refuse("eve", "run_compare_3")  # as Gradio names the fourth of the same name
        assert not busy("eve")
        runs.refuse("client", "explain")  # an endpoint, whose name has no lane
        assert not runs.was_refused("client")
    stop("dan")


def test_what_lines_were_told_last_is_kept_of_so_many_visitors() -> None:
    for i in range(runs.REMEMBERED + 1):
        runs.say(f"visitor {i}", "status", "one")
    runs.say("visitor 1", "edit-status", "two")
    assert runs.said("visitor 0") == {}
    assert runs.said("visitor 1") == {"status": "one", "edit-status": "two"}
    runs.say("one more", "status", "three")
    assert runs.said("visitor 1"), "who was told last goes last"
    for i in range(runs.REMEMBERED + 1):
        runs.forget(f"visitor {i}")
    assert not runs.said("visitor 1")
