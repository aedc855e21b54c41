"""Counterfactuals, what-ifs and interactions by sentences, against brute force over texts and the closed form."""

from __future__ import annotations

from itertools import combinations

import pytest

from attribution import counterfactual, interaction, sentences
from attribution.errors import InputError, OptionError
from attribution.evidence.compare.counterfactual import sets_at_most
from attribution.removal import parts_of
from attribution.rerankers.reranker import Reranker
from attribution.words import sentence_units, sentences_of, sum_to_units
from tests.linear import QUERY, WORDS, linear_reranker

ASKED = "how many people live in berlin"
TEXT = "New York! Cats sleep. Paris is large. Berlin has about 3.7 million. Dogs jump. The park is old. France is lazy."


@pytest.fixture(scope="module")
def texts(tiny_bert: Reranker) -> dict[frozenset[int], float]:
    """Which sentences are left -> the logit of that text, for every text but the empty one."""
    parts = sentences_of(TEXT)
    sets = [frozenset(s) for size in range(1, 8) for s in combinations(range(len(parts)), size)]
    assert len(sets) == 127
    joined = ["".join(parts[i] for i in sorted(s)) for s in sets]
    return dict(zip(sets, tiny_bert.score(ASKED, joined), strict=True))


def test_the_fewest_sentences_are_the_fewest(tiny_bert: Reranker, texts: dict[frozenset[int], float]) -> None:
    """Each rival is a shorter text of the same sentences, so that some need one and some need more."""
    needed = set()
    everything = frozenset(range(7))
    for kept, rival_logit in sorted(texts.items(), key=lambda item: item[1])[:30:3]:
        if rival_logit >= texts[everything] - 1e-4:
            continue
        rival = "".join(sentences_of(TEXT)[i] for i in sorted(kept))
        found = counterfactual(tiny_bert, ASKED, TEXT, rival, unit="sentence")
        below = [7 - len(s) for s, logit in texts.items() if logit < found.rival_logit - 1e-5]
        assert (found.unit, found.method) == ("sentence", "without")
        assert found.n_forward <= sets_at_most(7) + 1, "and the rival"
        if found.flipped and below:
            assert len(found.dropped) <= min(below)
            needed.add(len(found.dropped))
        assert all(logit >= found.rival_logit for logit in found.logits[:-1])
        for k in range(min(len(found.dropped), 6) + 1):
            gone = {i for i, s in enumerate(sentences_of(TEXT)) if s.strip() in {w.text for w in found.dropped[:k]}}
            assert found.logits[k] == pytest.approx(texts[everything - gone], abs=1e-4)
        own = {s.strip(): texts[everything] - texts[everything - {i}] for i, s in enumerate(sentences_of(TEXT))}
        assert [w.attribution for w in found.dropped] == pytest.approx([own[w.text] for w in found.dropped], abs=1e-4)
        if found.flipped:
            assert [*found.dropped] == sorted(found.dropped, key=lambda w: -(w.attribution or 0.0))
    assert len(needed) > 1


def test_what_a_sentences_loss_predicts_is_its_own_loss(
    tiny_bert: Reranker, texts: dict[frozenset[int], float]
) -> None:
    losses = {s.text.strip(): s.without for s in sentences(tiny_bert, ASKED, TEXT).sentences}
    lowest = min(texts, key=lambda kept: texts[kept])
    rival = "".join(sentences_of(TEXT)[i] for i in sorted(lowest))
    found = counterfactual(tiny_bert, ASKED, TEXT, rival, unit="sentence")
    predicted = found.logits[0]
    for word, after in zip(found.dropped, found.predicted[1:], strict=True):
        assert word.attribution == pytest.approx(losses[word.text], abs=1e-5)
        predicted -= word.attribution or 0.0
        assert after == pytest.approx(predicted)
    assert found.n_backward == 0


def test_sentences_are_measured_so_a_method_is_refused(tiny_bert: Reranker) -> None:
    with pytest.raises(OptionError, match="Give no method"):
        counterfactual(tiny_bert, ASKED, TEXT, "Cats.", "occlusion", unit="sentence")
    with pytest.raises(OptionError, match="Valid: word, sentence"):
        counterfactual(tiny_bert, ASKED, TEXT, "Cats.", unit="line")
    with pytest.raises(InputError, match="neither is above the other"):
        counterfactual(tiny_bert, ASKED, TEXT, TEXT, unit="sentence")


def test_many_sentences_go_one_at_a_time(tiny_bert: Reranker) -> None:
    """Of 22, pairs are more than are tried: still no prefix flips, and the last one does or nothing is left."""
    text = "cats sleep. " * 11 + "berlin jumps. " * 11
    rows = {document: tiny_bert.score(ASKED, [document])[0] for document in (text, "cats sleep.")}
    high, low = sorted(rows, key=lambda document: -rows[document])
    found = counterfactual(tiny_bert, ASKED, high, low, unit="sentence")
    assert all(logit >= found.rival_logit for logit in found.logits[:-1])
    assert found.flipped or len(found.dropped) == len(sentences_of(high))
    assert found.n_forward <= sets_at_most(22) + 1


@pytest.mark.parametrize("n", [1, 2, 7, 9, 10, 20, 21])
def test_as_many_sets_are_scored_as_were_said_and_none_twice(n: int) -> None:
    """Where no set of sentences falls below the rival, all that may be scored are."""
    reranker = linear_reranker()
    weight = {word: reranker.score(QUERY, [word])[0] - reranker.score(QUERY, ["zzz"])[0] for word in WORDS[:11]}
    high, low = max(weight, key=lambda word: weight[word]), min(weight, key=lambda word: weight[word])
    document = "".join(f"{' '.join([high] * (1 + i % 2))}\n" for i in range(n))
    found = counterfactual(reranker, QUERY, document, " ".join([low] * 9), unit="sentence")
    assert (found.flipped, len(found.dropped), len(found.logits)) == (False, n, n + 1)
    assert found.n_forward == sets_at_most(n) + 1, "and the rival"
    assert [sets_at_most(many) for many in (20, 21)] == [1 + 20 + 190 + 18, 1 + 21 + 20], "of 21 there are 210 pairs"


@pytest.mark.parametrize("form", ["difference", "input_x_gradient"])
def test_a_model_that_adds_up_has_no_interaction_of_sentences(form: str) -> None:
    found = interaction(linear_reranker(), QUERY, "delta ember.\nfjord grape.\nhazel.", unit="sentence", form=form)
    assert [word.text for word in found.document_words] == ["delta ember.", "fjord grape.", "hazel."]
    assert max(abs(value) for row in found.values for value in row) < 1e-4
    assert found.unit == "sentence"


def test_the_matrix_of_sentences_equals_brute_force_over_texts(tiny_bert: Reranker) -> None:
    document = "Berlin has about 3.7 million. Paris is large. Cats sleep."
    found = interaction(tiny_bert, "people in berlin", document, unit="sentence", operator="delete")
    words, parts = ["people", "in", "berlin"], sentences_of(document)

    def s(word: int | None, sentence: int | None) -> float:
        query = " ".join(w for i, w in enumerate(words) if i != word)
        return tiny_bert.score(query, ["".join(p for j, p in enumerate(parts) if j != sentence)])[0]

    assert found.n_words_seen == 3
    for i, row in enumerate(found.values):
        for j, value in enumerate(row):
            assert value == pytest.approx(s(None, None) - s(i, None) - s(None, j) + s(i, j), abs=1e-4)


def test_sums_of_sentences_cover_the_document(tiny_bert: Reranker) -> None:
    pair = tiny_bert.encode(ASKED, TEXT * 4)
    values = [float(i) for i in range(len(pair.tokens))]
    found = sum_to_units(sentence_units(pair), values)
    assert "".join(word.text for word in found) == pair.document
    assert found[-1].attribution is None
    total = sum(word.attribution or 0.0 for word in found)
    assert total == sum(values[i] for i in pair.positions("document"))
    assert [word.attribution for word in found if word.attribution is not None] == [
        sum(values[i] for i in positions) for positions in parts_of(pair, "sentence")
    ]
