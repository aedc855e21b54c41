"""One method's error stands on its card, and the others are explained and measured all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from attribution.errors import Stopped
from attribution.rerankers import states
from attribution.rerankers.meter import Meter
from attribution.rerankers.reranker import Reranker
from attribution.views.cards import each_card
from interface.tabs.explain.results import CARDS
from interface.tabs.explain.tab import Asked, explained
from tests.interface.conftest import PAIR
from tests.interface.conftest import shown as on_page


def shown(reranker: Reranker, methods: list[str]) -> list[str]:
    """What stands on the page in the end: `[score, faithfulness, cards, status]`."""
    page = on_page(explained(reranker, Asked(reranker.model_id, *PAIR, tuple(methods)), no_watch))
    return [page["score"], page["faithfulness"], "".join(page[name] for name in CARDS), page["status"]]


def no_watch(*_args: object) -> Callable[[Meter], None]:
    return lambda _meter: None


@pytest.fixture(autouse=True)
def no_room_for_attentions(monkeypatch: pytest.MonkeyPatch, offered: str) -> None:
    monkeypatch.setattr(states, "MAX_ATTENTION_BYTES", 0)


def test_the_others_go_on(tiny_bert: Reranker) -> None:
    score, faithfulness, cards, status = shown(tiny_bert, ["saliency", "attention", "occlusion"])
    assert 'class="rl-card rl-failed" data-method="attention"' in cards
    assert "Shorten the document." in cards
    assert cards.count("<article") == 3
    assert 'data-method="occlusion"' in cards
    assert "rl-logit" in score
    assert "Comprehensiveness" in faithfulness or "comprehensiveness" in faithfulness
    assert "Done after" in status


def test_one_that_has_not_run_yet_is_not_said_to_have_failed() -> None:
    failed, waiting = each_card(["attention", "occlusion"], {}, failed={"attention": "Too long."})
    assert ("rl-failed" in failed, "Too long." in failed) == (True, True)
    assert ("rl-failed" in waiting, "rl-pending" in waiting) == (False, True)


def test_all_fail(tiny_bert: Reranker) -> None:
    score, faithfulness, cards, status = shown(tiny_bert, ["attention"])
    assert (score, faithfulness) == ("", "")
    assert "rl-failed" in cards
    assert "no method could explain" in status


def test_a_stop_is_no_error_of_a_method(tiny_bert: Reranker) -> None:
    def stop(_meter: Meter) -> None:
        raise Stopped("stopped")

    with pytest.raises(Stopped):
        list(explained(tiny_bert, Asked(tiny_bert.model_id, *PAIR, ("saliency",)), lambda *_: stop))
