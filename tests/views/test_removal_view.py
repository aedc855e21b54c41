"""The slider's stops are faithfulness's own: words in the method's order, logits and the band of the random orders."""

from __future__ import annotations

import json
from html import unescape

import pytest

from attribution import explain
from attribution.evidence.faithfulness.measure import measure
from attribution.numbers import fixed
from attribution.rerankers.reranker import Reranker
from attribution.views.card import card_html, removal_steps
from attribution.views.cards import each_card
from attribution.words import to_words

QUERY, DOCUMENT = "how many people live in berlin", "berlin has about 3.7 million inhabitants , more than paris ."


@pytest.mark.parametrize("operator", ["mask", "delete"])
def test_each_stop_is_the_score_of_the_text_without_those_words(tiny_bert: Reranker, operator: str) -> None:
    said = explain(tiny_bert, QUERY, DOCUMENT, "occlusion")
    measured = measure(tiny_bert, {"occlusion": said}, operator=operator)
    words = to_words(said, "document")
    steps = removal_steps(said, measured)
    assert [step["share"] for step in steps] == ["0 %", "5 %", "10 %", "20 %", "50 %"]
    by_value = sorted(words, key=lambda word: -(word.attribution or 0.0))
    for step, value in zip(steps, measured.methods["occlusion"].deletion, strict=False):
        gone = [words[int(key[1:])] for key in step["gone"]]
        assert gone == by_value[: len(gone)]
        assert step["logit"] == fixed(value, 2)
        if operator == "delete" and gone:
            left = "".join(word.text for word in words if word not in gone)
            assert tiny_bert.score(QUERY, [left])[0] == pytest.approx(value, abs=1e-4)
    for i, step in enumerate(steps):
        there = [order.deletion[i] for order in measured.random.orders]
        assert (step["low"], step["high"]) == (fixed(min(there), 2), fixed(max(there), 2))
        assert 0 <= step["band"][0] <= step["band"][1] <= 100
        assert 0 <= step["at"] <= 100
    html = card_html(said, label="", measured=measured, badge="Believe this one")
    assert json.loads(unescape(html.split('data-steps="')[1].split('"')[0]))[1]["gone"] == steps[1]["gone"]


def test_only_the_card_of_the_verdict_has_the_slider(tiny_bert: Reranker) -> None:
    done = {key: explain(tiny_bert, QUERY, DOCUMENT, key) for key in ("occlusion", "embedding_magnitude")}
    cards = each_card(list(done), done, measure(tiny_bert, done))
    assert ["rl-remove" in card for card in cards] == [True, False]
    assert not any("rl-remove" in card for card in each_card(list(done), done, measure(tiny_bert, done), growing=True))
