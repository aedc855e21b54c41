"""Rank and contrast: closed form on toys, the plain model on tiny ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from attribution import METHODS, contrast, counterfactual, interaction, rank
from attribution.errors import AttributionError, InputError, OptionError, Stopped
from attribution.evidence.compare.contrast import complete_methods, reordered, words_of
from attribution.removal import seen_words
from attribution.rerankers.hooks import Meter
from attribution.rerankers.reranker import Reranker
from attribution.types import Attributed, TokenizedPair
from tests.conftest import Plain
from tests.evidence.conftest import ASKED, BERT, LIST, OTHER, plain_logit
from tests.linear import DOCUMENT, QUERY, mask_weight, token_weights

# --- rank ------------------------------------------------------------------------------------------------------------


def test_the_ranking_is_the_plain_models(tiny_bert: Reranker, plain: Plain) -> None:
    ranking = rank(tiny_bert, ASKED, LIST)
    logits = [plain_logit(plain(BERT), ASKED, document) for document in LIST]
    assert [row.place for row in ranking.rows] == sorted(range(1, 6), key=lambda p: (-logits[p - 1], p))
    assert [row.logit for row in ranking.rows] == pytest.approx(
        [logits[row.place - 1] for row in ranking.rows], abs=1e-5
    )
    assert [row.document for row in ranking.rows] == [LIST[row.place - 1] for row in ranking.rows]
    assert [row.rank for row in ranking.rows] == [1, 2, 3, 4, 5]
    assert ranking.n_forward == 4  # the double is scored once


def test_one_document_is_a_list(tiny_bert: Reranker) -> None:
    (row,) = rank(tiny_bert, ASKED, [LIST[0]]).rows
    assert (row.rank, row.place, row.document) == (1, 1, LIST[0])


def test_ties_keep_the_order_given(tiny_bert: Reranker) -> None:
    rows = rank(tiny_bert, ASKED, [LIST[2], LIST[0], LIST[2], LIST[1], LIST[0], LIST[2]]).rows
    for text in (LIST[0], LIST[2]):
        same = [row for row in rows if row.document == text]
        assert len({row.logit for row in same}) == 1
        assert [row.place for row in same] == sorted(row.place for row in same)


def test_rank_says_what_was_cut_and_which_document_is_wrong(tiny_bert: Reranker) -> None:
    rows = rank(tiny_bert, ASKED, [LIST[0], "berlin " * 300]).rows
    assert {row.place: row.truncated for row in rows} == {1: False, 2: True}
    with pytest.raises(InputError, match="Document 2 of 3"):
        rank(tiny_bert, ASKED, [LIST[0], " ", LIST[1]])
    for query, texts in ((" ", LIST), (ASKED, [" "])):  # only one text can be meant
        with pytest.raises(InputError, match=r"^The (query|document) is empty"):
            rank(tiny_bert, query, texts)
    nothings: tuple[Any, ...] = ([], "berlin", b"berlin", None, 3, {*LIST}, {0: "berlin"}, iter([]))
    for nothing in nothings:
        with pytest.raises(InputError, match="Give a list of texts"):
            rank(tiny_bert, ASKED, nothing)
    expected = rank(tiny_bert, ASKED, LIST).rows
    for given in (tuple(LIST), np.array(LIST), iter(LIST), dict(enumerate(LIST)).values()):
        assert rank(tiny_bert, ASKED, given).rows == expected


def test_a_list_with_other_logits_is_sorted_anew(tiny_bert: Reranker) -> None:
    ranking = rank(tiny_bert, ASKED, LIST)
    first, *others = ranking.rows
    low = others[-1].logit - 1
    rows = reordered(ranking, {first.place: low}).rows
    assert [(row.place, row.logit) for row in rows] == [*((row.place, row.logit) for row in others), (first.place, low)]
    assert [row.rank for row in rows] == [1, 2, 3, 4, 5]
    equal = reordered(ranking, dict.fromkeys(range(1, 6), 0.5)).rows
    assert [(row.place, row.rank) for row in equal] == [(i, i) for i in range(1, 6)], "in the order given"


# --- contrast --------------------------------------------------------------------------------------------------------


def test_contrast_on_the_linear_reranker_is_known_on_paper(linear: Reranker) -> None:
    c = contrast(linear, QUERY, DOCUMENT, OTHER)
    document, query = c.sides
    stays = mask_weight(linear)
    first, second = (linear.encode(QUERY, text) for text in (DOCUMENT, OTHER))
    expected = []
    for pair, sign in ((first, 1), (second, -1)):
        weights = token_weights(linear, pair)
        words = seen_words(pair)
        expected += [sign * sum(weights[i].item() - stays for i in positions) for positions in words]
    assert [bar.value for bar in document.bars] == pytest.approx(expected, abs=1e-4)
    assert [bar.of for bar in document.bars] == ["first"] * 6 + ["second"] * 4
    assert "".join(DOCUMENT[b.start : b.end] for b in document.bars[:6]) == DOCUMENT.replace(" ", "")
    lengths = [len(pair.positions("document")) for pair in (first, second)]
    assert lengths[0] != lengths[1]
    assert document.baseline == pytest.approx(stays * (lengths[0] - lengths[1]), abs=1e-4)
    assert [bar.value for bar in query.bars] == pytest.approx([0, 0, 0], abs=1e-5)  # it never meets the document
    assert query.baseline == pytest.approx(c.difference, abs=1e-4)


@pytest.mark.parametrize("method", complete_methods())
def test_the_bars_sum_to_the_difference_of_the_logits(tiny_bert: Reranker, plain: Plain, method: str) -> None:
    options: dict[str, Any] = {"n_samples": 2} if method == "shapley" else {}
    c = contrast(tiny_bert, ASKED, LIST[1], LIST[4], method, **options)
    truth = plain_logit(plain(BERT), ASKED, LIST[1]) - plain_logit(plain(BERT), ASKED, LIST[4])
    assert c.difference == pytest.approx(truth, abs=1e-5)
    assert [side.segments for side in c.sides] == [("document",), ("query",)]
    for i, side in enumerate(c.sides):
        deltas = [explanation.paths[i].convergence_delta for explanation in (c.first, c.second)]
        told = sum(bar.value for bar in side.bars) + side.baseline
        assert abs(told - truth) <= sum(map(abs, deltas)) + 1e-5
        assert side.remainder == pytest.approx(deltas[1] - deltas[0], abs=1e-5)
        assert told + side.remainder == pytest.approx(truth, abs=1e-5)
    assert any(abs(bar.value) > 0.01 for side in c.sides for bar in side.bars)
    assert c.n_forward == c.first.n_forward + c.second.n_forward


def test_the_baselines_are_the_plain_model_without_the_document(tiny_bert: Reranker, plain: Plain) -> None:
    _tokenizer, model = plain(BERT)
    logits = []
    for text in (LIST[1], LIST[4]):
        pair = tiny_bert.encode(ASKED, text)
        inputs = {name: value.clone() for name, value in pair.inputs.items()}
        inputs["input_ids"][:, pair.positions("document")] = tiny_bert.tokenizer.mask_token_id
        with torch.no_grad():
            logits.append(model(**inputs).logits.item())
    side = contrast(tiny_bert, ASKED, LIST[1], LIST[4]).sides[0]
    assert abs(logits[0] - logits[1]) > 1e-3
    assert side.baseline == pytest.approx(logits[0] - logits[1], abs=1e-5)


def test_identical_documents_give_no_contrast(tiny_bert: Reranker) -> None:
    c = contrast(tiny_bert, ASKED, LIST[1], "".join(LIST[1]))  # another string of the same text
    assert c.difference == 0
    for side in c.sides:
        assert side.baseline == 0
        assert side.remainder == pytest.approx(0, abs=1e-6)
    document, query = c.sides
    half = len(document.bars) // 2
    assert [bar.value for bar in document.bars[:half]] == [-bar.value for bar in document.bars[half:]]
    assert {bar.value for bar in query.bars} == {0.0}
    assert c.n_forward == c.first.n_forward


@pytest.mark.parametrize("longer", ["first", "second"])
def test_a_query_word_that_was_read_beside_one_document_only_counts_for_nothing_beside_the_other(
    tiny_bert: Reranker, longer: str
) -> None:
    asked, texts = f"{ASKED} " * 15, [LIST[2], " ".join(LIST[:3])]  # a long document takes places of the query's end
    c = contrast(tiny_bert, asked, *(texts[::-1] if longer == "first" else texts))
    beside = [{w.start: w.attribution for w in words_of(e, e.attributions, "query")} for e in (c.first, c.second)]
    assert len(beside[0]) != len(beside[1])
    bars = c.sides[1].bars
    assert [bar.start for bar in bars] == sorted(beside[0].keys() | beside[1].keys())
    for bar in bars:
        values = [side.get(bar.start) or 0.0 for side in beside]
        assert bar.value == pytest.approx(values[0] - values[1], abs=1e-6)
        assert bar.text == asked[bar.start : bar.end]
    deltas = [explanation.paths[1].convergence_delta for explanation in (c.first, c.second)]
    assert c.sides[1].remainder == pytest.approx(deltas[1] - deltas[0], abs=1e-4)


def test_a_joint_baseline_is_one_side(tiny_bert: Reranker) -> None:
    (side,) = contrast(tiny_bert, ASKED, LIST[1], LIST[4], joint=True).sides
    assert {bar.of for bar in side.bars} == {"first", "second", "query"}
    c = contrast(tiny_bert, ASKED, LIST[4], LIST[1], joint=True)
    assert c.sides[0].baseline == pytest.approx(-side.baseline, abs=1e-6)
    assert sum(b.value for b in side.bars) + side.baseline + side.remainder == pytest.approx(-c.difference, abs=1e-5)


@pytest.mark.parametrize("method", [key for key, method in METHODS.items() if not method.complete])
def test_what_does_not_add_up_is_not_offered(tiny_bert: Reranker, method: str) -> None:
    with pytest.raises(OptionError, match="does not add up"):
        contrast(tiny_bert, ASKED, LIST[1], LIST[4], method)


def test_what_contrast_returns_is_plain_data(tiny_bert: Reranker) -> None:
    data = dataclasses.asdict(contrast(tiny_bert, ASKED, LIST[1], LIST[4]))
    assert data["sides"][0]["bars"][0]["text"] == "berlin"


def test_every_run_can_be_stopped(tiny_bert: Reranker) -> None:
    def stop(_meter: Meter) -> None:
        raise Stopped("enough")

    for run in (
        lambda: rank(tiny_bert, ASKED, LIST, on_pass=stop),
        lambda: contrast(tiny_bert, ASKED, LIST[1], LIST[4], on_pass=stop),
        lambda: interaction(tiny_bert, ASKED, LIST[1], on_pass=stop),
        lambda: counterfactual(tiny_bert, ASKED, LIST[1], LIST[4], on_pass=stop),
    ):
        with pytest.raises(Stopped):
            run()


@pytest.mark.parametrize("of", [LIST[1:2], LIST[4:5], [LIST[1], LIST[4]]])
def test_a_fallback_is_no_contrast(of: list[str], tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of either document, or both."""
    from attribution.errors import MissingGradient
    from attribution.methods.path import integrated_gradients

    def lost(reranker: Reranker, pair: TokenizedPair) -> Attributed:
        if pair.document in of:
            raise MissingGradient("the .grad attribute is None")
        return integrated_gradients(reranker, pair)

    monkeypatch.setattr("attribution.methods.path.integrated_gradients", lost)
    with pytest.raises(AttributionError, match=r"cannot be compared.*PyTorch said"):
        contrast(tiny_bert, ASKED, LIST[1], LIST[4])
