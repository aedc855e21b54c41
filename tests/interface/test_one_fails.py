"""One method's error stands on its card, and the others are explained and measured all the same."""

from __future__ import annotations

import csv
import io
import json

import jsonschema
import pytest

from attribution.errors import Stopped
from attribution.export import FORMATS, SCHEMA
from attribution.rerankers import states
from attribution.rerankers.reranker import Reranker
from attribution.views.cards import each_card
from interface.runs.run import Run
from interface.tabs.explain.results import CARDS
from interface.tabs.explain.results import shown as kept_of
from interface.tabs.explain.tab import Asked, run
from tests.interface.conftest import PAIR
from tests.interface.conftest import shown as on_page
from tests.views.reading import read


def shown(reranker: Reranker, methods: list[str]) -> list[str]:
    """What stands on the page in the end: `[score, faithfulness, cards, status]`."""
    page = on_page(run.work(Asked(reranker.model_id, *PAIR, tuple(methods)), Run()))
    return [page["score"], page["faithfulness"], "".join(page[name] for name in CARDS), page["status"]]


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


@pytest.mark.parametrize("name", ["JSON", "CSV", "HTML"])
def test_a_file_says_which_method_failed_and_why(name: str, tiny_bert: Reranker) -> None:
    page = on_page(run.work(Asked(tiny_bert.model_id, *PAIR, ("saliency", "attention")), Run()))
    text = FORMATS[name].write(*kept_of(page["results"], page["identity"]))
    assert "Shorten the document." in read(text).text
    if name == "JSON":
        said = json.loads(text)
        jsonschema.validate(said, json.loads(SCHEMA.read_text(encoding="utf-8")))
        assert (len(said["explanations"]), list(said["failed"])) == (1, ["attention"])
    if name == "CSV":
        *words, last = csv.DictReader(io.StringIO(text))
        assert ({row["requested_method"] for row in words}, last["requested_method"]) == ({"saliency"}, "attention")


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
    stopped = Run()
    stopped.stop()
    with pytest.raises(Stopped):
        list(run.work(Asked(tiny_bert.model_id, *PAIR, ("saliency",)), stopped))
