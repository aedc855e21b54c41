"""Two rerankers on one pair: ranks that are known by hand, and a row a method with a card a model."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from attribution import explain, load_reranker
from attribution.errors import OptionError
from attribution.evidence.agreement import TwoModels, compare_models
from attribution.numbers import number, percent, signed_number
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from attribution.views.cards import two_models_html
from attribution.words import to_words
from tests import tiny

PAIR = ("how many people live in berlin ?", "paris is the capital .")


def with_values(explanation: Explanation, values: list[float]) -> Explanation:
    """The document's words get `values`, each on the first of its tokens."""
    spans = [(word.start, word.end) for word in to_words(explanation, "document")]
    attributions = [0.0] * len(explanation.tokens)
    for (start, end), value in zip(spans, values, strict=True):
        inside = [
            i
            for i, token in enumerate(explanation.tokens)
            if token.segment == "document" and start <= (token.start or 0) < end and token.end
        ]
        attributions[inside[0]] = value
    return dataclasses.replace(explanation, attributions=tuple(attributions))


def test_ranks_are_those_by_hand(tiny_bert: Reranker) -> None:
    explanation = explain(tiny_bert, *PAIR, "occlusion")
    first = with_values(explanation, [5.0, -4.0, 3.0, 2.0, 0.0])
    second = with_values(explanation, [1.0, 5.0, 4.0, 3.0, 2.0])
    compared = compare_models(first, second)
    assert {word.text: word.ranks for word in compared.words} == {
        "paris": (1, 5), "is": (5, 1), "the": (2, 2), "capital": (3, 3), ".": (4, 4),
    }  # fmt: skip
    assert compared.words[0].ranks == (1, 5)
    assert {word.text: word.values for word in compared.words} == {
        "paris": (5.0, 1.0), "is": (-4.0, 5.0), "the": (3.0, 4.0), "capital": (2.0, 3.0), ".": (0.0, 2.0),
    }  # fmt: skip
    assert compared.spearman == pytest.approx(1 - 6 * (16 + 16) / (5 * 24))
    sizes = compare_models(*(dataclasses.replace(e, method="saliency") for e in (first, second)))
    assert {word.text: word.ranks[0] for word in sizes.words}["is"] == 2  # unsigned: by size
    end = max(i for i, token in enumerate(first.tokens) if token.segment == "document")
    cut = dataclasses.replace(
        first, tokens=(*first.tokens[:end], *first.tokens[end + 1 :]),
        attributions=(*first.attributions[:end], *first.attributions[end + 1 :]),
    )  # fmt: skip
    for sides in ((cut, second), (second, cut)):  # only words that both have read
        assert sorted(word.text for word in compare_models(*sides).words) == ["capital", "is", "paris", "the"]
    n = len([token for token in first.tokens if token.segment == "document"])
    unread = dataclasses.replace(
        first, tokens=first.tokens[: end + 1 - n], attributions=first.attributions[: end + 1 - n]
    )
    for sides in ((unread, second), (second, unread)):
        assert compare_models(*sides) == TwoModels((), None, 0.0)
    with pytest.raises(OptionError, match="one pair"):
        compare_models(first, dataclasses.replace(second, document="another"))


def test_the_overlap_is_of_the_first_five(tiny_bert: Reranker) -> None:
    explanation = explain(tiny_bert, PAIR[0], "paris is the capital of france .", "occlusion")
    falling, rising = ([float(value) for value in values] for values in (range(7, 0, -1), range(1, 8)))
    turned = compare_models(with_values(explanation, falling), with_values(explanation, rising))
    assert (turned.overlap, turned.spearman) == (3 / 5, pytest.approx(-1)), "the third, fourth and fifth of seven"


def test_a_row_a_method_with_a_card_a_model(tiny_bert: Reranker, tmp_path: Path) -> None:
    other = load_reranker(str(tiny.save_tiny("ElectraForSequenceClassification", tmp_path)), device="cpu")
    done = [{"occlusion": explain(reranker, *PAIR, "occlusion")} for reranker in (tiny_bert, other)]
    html = two_models_html(
        ["occlusion", "saliency"], ("<one>", "two"), (done[0], {**done[1], "saliency": "too <long>"})
    )
    assert html.count("<article") == 4
    assert "&lt;one&gt;" in html
    assert "<one>" not in html
    assert "too &lt;long&gt;" in html
    assert html.count("Ranks of words") == 1
    assert "Spearman" in html


@pytest.mark.parametrize("fallen", [0, 1])
def test_a_fallback_on_one_side_is_ranked_beside_no_gradient(fallen: int, tiny_bert: Reranker) -> None:
    sides = [{"saliency": explain(tiny_bert, *PAIR, "saliency")} for _ in range(2)]
    assert "Ranks of words" in two_models_html(["saliency"], ("a", "b"), (sides[0], sides[1]))
    sides[fallen] = {"saliency": dataclasses.replace(sides[fallen]["saliency"], method="embedding_magnitude")}
    assert "Ranks of words" not in two_models_html(["saliency"], ("a", "b"), (sides[0], sides[1]))


def test_the_table_of_ranks_is_the_engines_and_holds_fifteen_words(tiny_bert: Reranker) -> None:
    document = " ".join(["paris", "is", "the", "capital"] * 5)
    first, second = (explain(tiny_bert, "berlin", document, key) for key in ("occlusion", "input_x_gradient"))
    second = dataclasses.replace(second, method="occlusion")
    html = two_models_html(["occlusion"], ("a", "b"), ({"occlusion": first}, {"occlusion": second}))
    compared = compare_models(first, second)
    rows = re.findall(
        r'<tr><td dir="auto"[^>]*>([^<]*)</td>\s*<td>(\d+)</td><td>([^<]*)</td><td>(\d+)</td><td>([^<]*)</td>',
        html,
    )
    assert rows == [
        (w.text, str(w.ranks[0]), signed_number(w.values[0]), str(w.ranks[1]), signed_number(w.values[1]))
        for w in compared.words[:15]
    ]
    assert len(compared.words) == 20
    assert f"share {percent(compared.overlap)} % of their top 5 words" in html
    assert compared.spearman is not None
    assert f"correlate at {number(compared.spearman)}" in html
