"""The page's edits: the score is that of the text as edited, an answer is kept, and what is wrong is said."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from attribution import METHODS, explain
from attribution.errors import AttributionError
from attribution.explain import sides_of
from attribution.numbers import logit
from attribution.rerankers.hooks import Meter, metered
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from attribution.words import split_sentences
from interface.page.settings import DEFAULTS, label
from interface.runs.run import Run
from interface.tabs.explain import edit as explain_edit
from interface.tabs.explain.tab import Asked, at_most, is_whole, run
from tests.interface.conftest import PAIR, shown

PASSAGE = "Berlin is large. It has about 3.7 million inhabitants. Paris has fewer. Nobody knows why."


def results_of(reranker: Reranker, method: str = "occlusion") -> Any:
    return {method: explain(reranker, *PAIR, method)}, None, None, "its line"


def asked(results: Any, words: dict[str, str], method: str = "occlusion") -> explain_edit.Edited:
    found = explain_edit.ask(results, "its line", json.dumps({"method": method, "words": words}))
    assert found
    return found


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"d1": ""}, "berlin about 3.7 million inhabitants ."),
        ({"d1": "had", "d2": "", "d3": "4"}, "berlin had 4 million inhabitants ."),
    ],
)
def test_the_score_is_that_of_the_text_as_edited_and_comes_once(
    offered: str, tiny_bert: Reranker, words: dict[str, str], text: str
) -> None:
    results = results_of(tiny_bert)
    page = shown(explain_edit.run(asked(results, words)))
    (expected,) = tiny_bert.score(PAIR[0], [text])
    assert re.findall(r'data-n="edited">([^<]*)<', page["edited"]) == [logit(expected)]
    with metered(Meter()) as again:
        kept = shown(explain_edit.run(asked(results, words)))
    assert kept["edited"] == page["edited"]
    assert again.n_forward == 0


def test_prediction_and_measure_stand_side_by_side(offered: str, tiny_bert: Reranker) -> None:
    results = results_of(tiny_bert)
    explanation: Explanation = results[0]["occlusion"]
    one = asked(results, {"d4": ""})
    text = " ".join(re.sub("<[^>]*>", "", str(shown(explain_edit.run(one))["edited"])).split())
    (after,) = tiny_bert.score(PAIR[0], [one.document])
    predicted, measured = logit(one.edit.predicted or 0.0), logit(after - explanation.logit)
    before = logit(explanation.logit)
    assert text.startswith(
        f"Without ‘million’: {before} to {logit(after)}, predicted {predicted}, measured {measured}."
    )
    unsigned = asked(results_of(tiny_bert, "saliency"), {"d4": ""}, "saliency")
    assert "Saliency, L1 has no sign, so it predicts nothing" in shown(explain_edit.run(unsigned))["edited"]


@pytest.mark.parametrize(
    ("method", "words", "says"),
    [
        ("saliency", {"d1": ""}, "Press Explain first"),
        ("occlusion", {"q1": ""}, "as in d3"),
        ("occlusion", {"d99": ""}, "There is no word 99"),
        ("occlusion", {f"d{i}": "" for i in range(7)}, "Nothing of the document is left"),
        ("occlusion", {"d1": "x" * 30_000}, "are allowed"),
    ],
)
def test_what_is_wrong_is_said(
    offered: str, tiny_bert: Reranker, method: str, words: dict[str, str], says: str
) -> None:
    with pytest.raises(AttributionError, match=says):
        asked(results_of(tiny_bert), words, method)
    for results, line in ((None, "its line"), (results_of(tiny_bert, method), "of another text")):
        with pytest.raises(AttributionError, match="Press Explain first"):
            explain_edit.ask(results, line, json.dumps({"method": method, "words": words}))
    for nothing in ("", json.dumps({"method": method, "words": {}, "open": [1]})):
        assert explain_edit.ask(None, "", nothing) is None


def test_the_line_of_settings_says_the_seconds_that_a_start_would_take(offered: str, tiny_bert: Reranker) -> None:
    """Of the same text: its tokens, words and sentences."""
    asked_for = Asked(offered, PAIR[0], PASSAGE)
    pair = tiny_bert.encode(PAIR[0], PASSAGE)
    size = [len(pair.tokens), *sides_of(pair), len(split_sentences(PASSAGE))]
    _, seconds = at_most(asked_for)
    assert label(offered, size, [*asked_for.methods], DEFAULTS["n_samples"], DEFAULTS["n_steps"]) == (
        f"{len(asked_for.methods)} of {len(METHODS)} methods, about {seconds:.2g} s"
    )


def test_sentences_come_first_and_their_passes_are_said_before(offered: str, tiny_bert: Reranker) -> None:
    asked_for = Asked(offered, PAIR[0], PASSAGE, methods=("saliency",))
    short = Asked(offered, *PAIR, methods=("saliency",))
    assert asked_for.passes_of_sentences == 2**4
    assert short.passes_of_sentences == 0
    assert at_most(asked_for)[0] == at_most(short)[0] + 2**4  # the same methods otherwise
    passes, heard = [0], Run()
    heard.tell = lambda *_, desc, **__: passes.append(int(desc.split()[-2]))
    page: dict[str, Any] = {}
    for update in run.work(asked_for, heard):
        page |= update
        if "Without sentence" in page.get("head", "") and "first" not in page:
            page["first"] = max(passes)
    assert page["first"] <= 4 + 2
    assert is_whole(asked_for, page)
    assert page["sentences"].count("<li") == 4
    assert page["results"][2].remainder == pytest.approx(0, abs=1e-4)
