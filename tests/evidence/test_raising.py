"""What lifts B above A: every logit is the model's of that text, and the smallest edit that is enough is taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution import counterfactual, raise_above
from attribution.errors import InputError, Stopped
from attribution.evidence.compare.raising import raising_passes
from attribution.rerankers.hooks import Meter
from attribution.rerankers.reranker import Reranker
from attribution.words import sentences_of
from tests.audit.toys import count_query_words, toy
from tests.linear import WORDS, token_weights

ASKED = "how many people live in berlin"
DOCUMENTS = (
    "New York! Cats sleep. Paris is large. Berlin has about 3.7 million.",
    "Dogs jump. The park is old. France is lazy.",
    "Cats sleep while dogs jump. Berlin is large.",
)


def by_weight(linear: Reranker) -> list[str]:
    """Words of the toy, the lowest weight first."""
    words = list(WORDS[3:11])
    weights = token_weights(linear, linear.encode("apple", " ".join(words)))[-9:-1].tolist()
    return sorted(words, key=lambda word: weights[words.index(word)])


def test_what_holds_it_down_is_dropped_and_what_was_predicted_comes_true(linear: Reranker) -> None:
    """On a model that adds up, without the sentence of the worst word the texts differ by nothing else."""
    worst, *_, good, best = by_weight(linear)
    document = f"{good}\n{worst} {worst} {worst}\n"
    rival = f"{good}\n{worst}\n"
    found = raise_above(linear, f"{good} {worst}", document, rival)
    assert found.lifted
    assert [(edit.kind, edit.text) for edit in found.steps] == [("drop", f"{worst} {worst} {worst}\n")]
    assert found.edited == f"{good}\n"
    assert found.steps[0].predicted == pytest.approx(found.steps[0].logit, abs=1e-3)
    assert best not in found.edited


def test_the_rivals_best_sentence_is_put_in(linear: Reranker) -> None:
    *_, second, best = by_weight(linear)
    document, rival = f"{second}.", f"{second}.\n{best} {best}."
    found = raise_above(linear, second, document, rival)
    (edit,) = [edit for edit in found.tried if edit.kind == "sentence"]
    assert edit.text == f"{best} {best}."
    assert edit.predicted == pytest.approx(edit.logit, abs=1e-3)


@pytest.mark.parametrize("pair", [(0, 1), (1, 2), (0, 2)])
def test_every_logit_is_the_models_of_that_text(tiny_bert: Reranker, pair: tuple[int, int]) -> None:
    low, high = sorted((DOCUMENTS[i] for i in pair), key=lambda text: tiny_bert.score(ASKED, [text])[0])
    found = raise_above(tiny_bert, ASKED, low, high)
    assert [found.logit, found.rival_logit] == pytest.approx(tiny_bert.score(ASKED, [low, high]), abs=1e-5)
    bound = 2 * raising_passes(max(len(sentences_of(text)) for text in (low, high)), len(ASKED.split()))
    assert bound / 8 < found.n_forward <= bound, "of both texts"
    last = found.steps[-1].logit if found.steps else found.logit
    assert tiny_bert.score(ASKED, [found.edited])[0] == pytest.approx(last, abs=1e-5)
    assert found.lifted == (last > found.rival_logit)
    assert list(found.tried) == sorted(found.tried, key=lambda edit: -edit.logit)
    for edit in found.tried:
        text = low.replace(edit.text, "", 1) if edit.kind == "drop" else None
        if text is not None:
            assert edit.text in sentences_of(low)
            assert edit.logit == pytest.approx(tiny_bert.score(ASKED, [text])[0], abs=1e-5)
        if edit.kind == "word":
            assert edit.text in ASKED.split()
            assert edit.text not in low.lower().split()
            assert edit.predicted is None


def test_of_those_that_are_enough_the_smallest_is_taken(tiny_bert: Reranker) -> None:
    seen = 0
    for i in range(3):
        for j in range(3):
            low, high = DOCUMENTS[i], DOCUMENTS[j]
            if tiny_bert.score(ASKED, [low])[0] < tiny_bert.score(ASKED, [high])[0]:
                found = raise_above(tiny_bert, ASKED, low, high)
                enough = [edit.n_words for edit in found.tried if edit.logit > found.rival_logit]
                if enough:
                    assert [edit.n_words for edit in found.steps] == [min(enough)]
                    seen += 1
                rises = [found.logit, *(edit.logit for edit in found.steps)]
                assert rises == sorted(rises)
    assert seen


def test_the_higher_document_and_a_stop_are_told(tiny_bert: Reranker) -> None:
    low, high = sorted(DOCUMENTS[:2], key=lambda text: tiny_bert.score(ASKED, [text])[0])
    for document, rival, says in ((high, low, "must score below its rival"), (low, low, "neither is above")):
        with pytest.raises(InputError, match=says):
            raise_above(tiny_bert, ASKED, document, rival)

    def stop(_meter: Meter) -> None:
        raise Stopped("stop")

    with pytest.raises(Stopped):
        raise_above(tiny_bert, ASKED, low, high, on_pass=stop)


def test_a_text_is_never_emptied(linear: Reranker) -> None:
    """Each sentence holds it down, and no word of the query is missing."""
    worst, second, *_ = by_weight(linear)
    document, rival = f"{worst}.\n{second}.", "apple"
    assert linear.score("apple", [document]) < linear.score("apple", [rival])
    assert raise_above(linear, "apple", document, rival).edited.strip()


def test_what_was_not_read_is_said_also_of_an_end_that_was_pushed_out(linear: Reranker) -> None:
    worst, *_, second, best = by_weight(linear)
    document, rival = f"{second}. {second}.", f"{second}.\n{best} {best}."
    edited = raise_above(linear, second, document, rival).edited
    whole, longest = (len(linear.encode(second, text).tokens) for text in (edited, rival))
    assert whole > longest
    for max_length, cut in ((whole, False), (longest, True), (longest - 1, True)):
        limited = replace(linear, max_length=max_length)
        assert raise_above(limited, second, document, rival).truncated == cut
        flip = counterfactual(limited, second, rival, document)
        assert flip.truncated == (max_length < longest)
    long = " ".join([worst] * 9)
    room = len(linear.encode(second, long).tokens)
    for max_length, cut in ((room, False), (room - 1, True)):
        assert counterfactual(replace(linear, max_length=max_length), second, best, long).truncated == cut, "its rival"


def test_the_bound_is_what_four_edits_take_where_each_made_leaves_one_less_to_try() -> None:
    def score(query: list[str], document: list[str]) -> float:
        return 100.0 * document.count("bonus") - document.count("w1") + len({*query} & {*document})

    found = raise_above(toy(score), "topica topicb topicc", "w1 w20 . w1 w21 .", "bonus w30 . bonus w31 .")
    assert sorted(edit.kind for edit in found.tried) == [*["drop"] * 2, "sentence", *["word"] * 3]
    assert (len(found.steps), found.lifted) == (4, False)
    assert found.n_forward == 2 * raising_passes(2, 3) - (1 + 2 + 3)


def test_only_what_lowers_the_score_is_dropped_and_no_more_is_tried_when_nothing_would_be_left() -> None:
    falls = toy(lambda _query, document: -float(document.count("w1")))
    found = raise_above(falls, "w1", "w1 . w1 w1 .", "w2 .")
    assert [(edit.kind, edit.text) for edit in found.tried] == [("drop", "w1 w1 ."), ("drop", "w1 . ")]
    assert (found.edited.strip(), found.lifted) == ("w1 .", False)
    found = raise_above(falls, "w1", "w1 . w5 . w1 w1 .", "w2 .")
    assert [edit.text.strip() for edit in found.tried] == ["w1 w1 .", "w1 ."]


def test_the_only_sentence_is_never_dropped() -> None:
    rises = toy(lambda _query, document: 0.1 * ("topica" in document) - document.count("w1"))
    found = raise_above(rises, "topica", "w1 .", "w2 .")
    assert [edit.kind for edit in found.steps] == ["word"]
    assert (found.edited, found.lifted) == ("topica. w1 .", False)


def test_of_two_as_small_that_are_enough_the_higher_is_taken() -> None:
    second = toy(
        lambda _query, document: 1.0 * ("topica" in document) + 2.0 * ("topicb" in document) + len(document) / 99
    )
    found = raise_above(second, "topica topicb", "w1 .", "w1 w1 w1 .")
    assert [edit.text for edit in found.steps] == ["topicb"]


def test_four_edits_are_made_at_most_and_eight_sentences_are_dropped_for_a_try() -> None:
    words = [f"topic{letter}" for letter in "abcdef"]
    counts = toy(count_query_words)
    found = raise_above(counts, " ".join(words), "w1 .", " . ".join(words))
    assert (len(found.steps), found.lifted) == (4, False), "of six words that it lacks"
    sentence, *single = (edit.text for edit in found.steps)
    assert found.edited == f"{single[2]}. {single[1]}. {single[0]}. {sentence} w1 ."
    falls = toy(lambda query, document: -float(document.count("w1")))
    found = raise_above(falls, "topica", " ".join(f"w1 w{i} ." for i in range(20, 30)), "w2 .")
    assert [edit.kind for edit in found.tried].count("drop") == 8
