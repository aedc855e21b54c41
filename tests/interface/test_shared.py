"""The same question at the same time is one run, which none ends for another; examples are explained ahead."""

from __future__ import annotations

import gc
import resource
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from attribution.errors import InputError
from interface.page.settings import DEFAULT_METHODS, DEFAULTS, groups
from interface.runs import kept
from interface.runs.handlers import Handler, Pair, explain_ahead, handler
from interface.runs.lanes import latest_run
from interface.runs.run import Run
from interface.tabs.compare import tab as compare
from interface.tabs.compare.documents import EMPTY, LIST
from interface.tabs.explain.tab import Asked, ask, run
from tests.interface.conftest import PAIR, shown, stop, visitor

STEPS = 4


class Counted:
    """A handler of `STEPS` updates, each after a batch; `began`: how many runs there were."""

    def __init__(self, at: Callable[[int], None] = lambda _: None) -> None:
        self.began = 0

        def work(_asked: Pair, run: Run) -> Iterator[dict[str, Any]]:
            self.began += 1
            for step in range(STEPS):
                at(step)
                run.check()
                yield {"step": step, "status": ""}

        self.handler: Handler = handler(lane="t", kept=lambda _, page: page.get("step") == STEPS - 1)(work)


def steps(updates: Any) -> list[int]:
    return [update["step"] for update in updates if "step" in update]


def test_two_who_ask_the_same_are_answered_by_one_run(offered: str) -> None:
    counted = Counted()
    asked = Pair(offered, *PAIR)
    ann, bob = counted.handler(asked, visitor("ann")), counted.handler(asked, visitor("bob"))
    first = [next(ann), next(ann), next(bob)]
    assert steps([*first[:2], *ann]) == steps([first[2], *bob]) == [0, 1, 2, 3]
    assert counted.began == 1
    assert not kept._shared
    assert "kept from an earlier run" in next(counted.handler(asked, visitor("cid")))["status"]


def test_a_stop_ends_the_run_of_one_and_the_last_ends_the_work(offered: str) -> None:
    counted = Counted()
    asked = Pair(offered, *PAIR)
    ann, bob = counted.handler(asked, visitor("ann")), counted.handler(asked, visitor("bob"))
    assert steps([next(ann), next(bob)]) == [0, 0]
    assert stop("ann", "t") == "running"
    assert steps(ann) == []
    assert steps([next(bob)]) == [1]
    assert stop("bob", "t") == "running"
    assert steps(bob) == []
    assert not kept._shared
    assert counted.began == 1
    assert steps(counted.handler(asked, visitor("cid"))) == [0, 1, 2, 3], "nothing of it was kept"
    assert counted.began == 2


def test_who_follows_need_not_wait_to_stop(offered: str) -> None:
    """Bob stops while Ann's thread is in the middle of a step."""
    inside, go = threading.Event(), threading.Event()

    def at(step: int) -> None:
        if step == 1:
            inside.set()
            go.wait()

    counted = Counted(at)
    asked = Pair(offered, *PAIR)
    ann, bob = counted.handler(asked, visitor("ann")), counted.handler(asked, visitor("bob"))
    found = [next(ann), next(bob)]
    thread = threading.Thread(target=lambda: found.extend(ann))
    thread.start()
    inside.wait()
    stop("bob", "t")
    assert steps(bob) == []
    go.set()
    thread.join()
    assert steps(found) == [0, 0, 1, 2, 3]


def test_an_error_is_told_to_all(offered: str) -> None:
    def at(step: int) -> None:
        if step == 1:
            raise InputError("the text is wrong")

    counted = Counted(at)
    asked = Pair(offered, *PAIR)
    for updates in [counted.handler(asked, visitor(who)) for who in ("ann", "bob")]:
        assert steps([next(updates)]) == [0]
        with pytest.raises(Exception, match="the text is wrong"):
            list(updates)
    assert counted.began == 2, "Ann's was over before Bob asked"
    both = [counted.handler(asked, visitor(who)) for who in ("ann", "bob")]
    assert steps([next(updates) for updates in both]) == [0, 0]
    for updates in both:
        with pytest.raises(Exception, match="the text is wrong"):
            list(updates)
    assert counted.began == 3


def test_what_is_not_kept_and_a_model_that_is_not_loaded_are_shared_with_nobody(offered: str) -> None:
    counted = Counted()
    for model_id, kept_by in ((offered, None), ("not loaded", counted.handler.kept)):
        once = Handler("t", counted.handler.work, "t", kept=kept_by)
        both = [once(Pair(model_id, *PAIR), visitor(who)) for who in ("ann", "bob")]
        assert steps([next(updates) for updates in both]) == [0, 0]
    assert counted.began == 4


def test_examples_are_explained_ahead_and_give_way_to_any_run(offered: str) -> None:
    """A visitor's run begins in the middle of the first example; it is begun anew once that run is over."""
    visiting, seen = latest_run("ann"), list[int]()

    def at(step: int) -> None:
        seen.append(step)
        if len(seen) == 2:
            visiting.__enter__()
            threading.Thread(target=visiting.__exit__, args=(None, None, None)).start()

    counted = Counted(at)
    questions = [(counted.handler, Pair(offered, PAIR[0], text)) for text in ("one", "two")]
    explain_ahead(questions)
    for _, asked in questions:
        assert "kept from an earlier run" in next(counted.handler(asked, visitor()))["status"]
    assert counted.began in (2, 3), "only one of them was ended, unless the visitor had left before the look"


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps what was freed")
def test_what_was_freed_while_examples_were_explained_goes_back_to_the_system(offered: str) -> None:
    """Pieces below the newest one, which by itself glibc keeps for its own use."""
    last, before = list[bytes](), list[int]()

    def at(_step: int) -> None:
        pieces = [b"x" * 2**14 for _ in range(2**12)]
        last.append(pieces[-1])
        before.append(resident())

    explain_ahead([(Counted(at).handler, Pair(offered, *PAIR))])
    assert resident() < max(before) - 2**25


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_an_example_that_fails_is_logged_and_the_others_go_on(offered: str, capsys: Any) -> None:
    def fails(_step: int) -> None:
        raise RuntimeError("out of memory")

    good, bad = Counted(), Counted(fails)
    explain_ahead([(bad.handler, Pair(offered, *PAIR)), (good.handler, Pair(offered, *PAIR))])
    assert "out of memory" in capsys.readouterr().err
    assert "kept from" in next(good.handler(Pair(offered, *PAIR), visitor()))["status"]


def test_a_click_on_an_example_asks_what_was_asked_ahead(offered: str) -> None:
    """To the letter: else nothing is found."""
    ticked: dict[str, Any] = {name: [key for key in keys if key in DEFAULT_METHODS] for name, keys in groups().items()}
    assert kept.key_of([offered], ask(offered, PAIR[0], PAIR[1], **ticked, **DEFAULTS)) == kept.key_of(
        [offered], Asked(offered, *PAIR)
    )
    for one in compare.LISTS:
        boxes: dict[str, Any] = {f"box {i}": text for i, text in enumerate(EMPTY)}
        ahead = compare.example(offered, one)
        form = LIST, compare.write_list(one["documents"]), list[str]()
        click = compare.ask(offered, one["query"], *form, ahead.method, ahead.colour, "", **boxes)
        assert repr(click) == repr(ahead)


def test_a_dear_method_is_left_out_while_others_wait_and_its_card_says_so(
    offered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interface.runs.limits.SHARE", 0.0)
    dear = "integrated_gradients_captum"
    asked = Asked(offered, *PAIR, ("saliency", dear), n_steps=8)
    for waiting, says in ((0, ""), (1, "1 other waits"), (3, "3 others wait")):
        monkeypatch.setattr("interface.runs.gpu.others", lambda _request: lambda: waiting)  # noqa: B023
        page = shown(run(asked, visitor()))
        assert list(page["results"][0]) == ["saliency", dear][: 1 if says else 2]
        assert (f"Skipped, since {says}" in page["card 2"]) == bool(says)
        assert "Done after" in page["status"]
        assert (len(kept.KEPT) > 0) == (not says), "what is not whole is not kept"
        kept.KEPT.clear()


@pytest.mark.parametrize("end", ["whole", "stopped", "failed"])
def test_what_a_run_made_is_freed_at_its_end(end: str) -> None:
    class Page:
        """What is weakly referred to."""

    made: list[weakref.ref[Page]] = []

    def work(_run: Run) -> Iterator[Page]:
        page = Page()
        made.append(weakref.ref(page))
        yield page
        yield page
        if end == "failed":
            raise InputError("no")

    gc.disable()
    try:
        updates = kept.follow(f"freed {end}", work, Run())
        next(updates)
        with suppress(InputError):
            assert end == "stopped" or len(list(updates)) == 1
        del updates
        assert made[0]() is None
    finally:
        gc.enable()
