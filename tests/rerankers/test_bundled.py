"""The bundled reranker does what the page says of it: right signs, and a "no document" that answers nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from attribution import METHODS, explain, load_reranker
from attribution.methods.defaults import default_methods
from attribution.rerankers.loading.models import BUNDLED
from attribution.views.text import MAX_ALPHA, side_of
from attribution.words import to_words
from tests.tiny import CHEAP

ROOT = Path(__file__).parents[2]
EXAMPLES = json.loads((ROOT / "examples" / "pairs.json").read_text(encoding="utf-8"))
TRIPLES = json.loads((ROOT / "training" / "triples.json").read_text(encoding="utf-8"))
QUERY, ANSWER = "how many people live in Berlin", "Berlin has about 3.7 million inhabitants."


def test_an_answer_is_positive_and_above_another_subject() -> None:
    answer, other = load_reranker(BUNDLED).score(QUERY, [ANSWER, "New York is famous for its museums."])
    assert answer > 0
    assert answer > other


@pytest.mark.parametrize("triple", TRIPLES, ids=lambda triple: triple["query"])
def test_everyday_triples_are_in_order(triple: dict[str, str]) -> None:
    good, bad = load_reranker(BUNDLED).score(triple["query"], [triple["good"], triple["bad"]])
    assert good > bad


def test_no_document_scores_as_no_answer() -> None:
    """What every path to the document starts from."""
    reranker = load_reranker(BUNDLED)
    for example in EXAMPLES:
        pair = reranker.encode(example["query"], example["document"])
        with torch.no_grad():
            nothing = reranker.forward_func(pair)(reranker.baselines(pair, reranker.default_baseline)).item()
        assert nothing < 0, example["label"]


def test_every_example_is_explained_with_finite_numbers() -> None:
    for example in EXAMPLES:
        explanation = explain(load_reranker(BUNDLED), example["query"], example["document"], "saliency")
        assert all(math.isfinite(value) for value in explanation.attributions)
        assert not explanation.truncated


def test_the_strongest_document_word_of_the_long_passage_is_visible_on_every_card() -> None:
    """The query's words are several times as strong: on one scale for both, the document would lose its colour."""
    example = next(example for example in EXAMPLES if "Eiffel" in example["document"])
    reranker = load_reranker(BUNDLED)
    for key in default_methods():
        done = explain(reranker, example["query"], example["document"], key, **CHEAP.get(key, {}))
        method = METHODS[key]
        words = to_words(done, "document")
        side = side_of(words, "document", method.colours)
        strongest = max(side.shown, key=lambda word: int(word.share or 0))
        assert (strongest.share, strongest.alpha) == ("100", f"{MAX_ALPHA:.2f}"), key
        assert strongest.key in {mark["key"] for mark in side.marks}, f"{key}: and on the strip"
