"""What a pair comes to: the strongest words, whom to believe, and which text a model never learnt to read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.evidence.coverage import outside
from attribution.evidence.faithfulness.scores import MIN_WORDS, Control, Faithfulness, Scores, Spread
from attribution.evidence.faithfulness.summary import strongest_words, summarise
from attribution.methods import METHODS
from attribution.types import Explanation, Token
from attribution.views.card import verdict_html
from attribution.views.cards import cards_html, summary_html
from attribution.views.faithfulness import faithfulness_html

TEXT = "alpha beta gamma delta Alpha"
STARTS = (0, 6, 11, 17, 23)


def said(method: str, *values: float, ran: str | None = None) -> Explanation:
    tokens = [
        Token(word, "document", start, start + len(word)) for word, start in zip(TEXT.split(), STARTS, strict=True)
    ]
    return Explanation(
        method=ran or method,
        requested_method=method,
        note=None,
        model_id="m",
        revision="r",
        query="q",
        document=TEXT,
        tokens=(Token("q", "query", 0, 1), *tokens),
        attributions=(9.0, *values),
        logit=1.0,
        paths=(),
        truncated=False,
        n_forward=1,
        n_backward=1,
        seconds=0.1,
    )


def judged(comprehensiveness: float, n_beaten: int, beats_control: bool | None) -> Scores:
    curve = (1.0, 0.5, 0.4, 0.3, 0.2, -1.0)
    return Scores(comprehensiveness, 0.0, curve, curve, n_beaten, 10, beats_control)


def measured(methods: dict[str, Scores], n_words: int = 5) -> Faithfulness:
    orders = tuple(judged(0.1 * i, 0, None) for i in range(10))
    spread = Spread(0.45, 0.3, tuple(0.1 * i for i in range(10)))
    fractions = (0.05, 0.1, 0.2, 0.5)
    return Faithfulness("mask", fractions, 1.0, methods, Control(spread, spread, orders), n_words, 10, 0.1)


DONE = {
    "saliency": said("saliency", 1, -5, 3, 2, 4),
    "occlusion": said("occlusion", 1, -5, 3, 2, 4),
    "embedding_magnitude": said("embedding_magnitude", 5, 4, 3, 2, 1),
}
CONTROL = {"embedding_magnitude": judged(0.5, 10, None)}


@pytest.mark.parametrize(
    ("saliency", "occlusion", "believe", "also"),
    [
        (judged(2, 10, True), judged(1, 10, True), "saliency", 1),
        (judged(1, 10, True), judged(2, 10, True), "occlusion", 1),
        (judged(1, 10, True), judged(2, 9, True), "saliency", 0),  # the more comprehensive misses one random order
        (judged(1, 10, False), judged(2, 10, False), None, 0),  # the control does as well
        (judged(1, 3, True), judged(0, 0, False), None, 0),
    ],
)
def test_the_most_faithful_of_those_that_beat_all_orders_and_the_control_is_believed(
    saliency: Scores, occlusion: Scores, believe: str | None, also: int
) -> None:
    of = summarise(DONE, measured({**CONTROL, "saliency": saliency, "occlusion": occlusion}))
    assert (of.believe, of.also) == (believe, also)
    assert of.source != "embedding_magnitude"
    said_in_words = summary_html(of)
    assert ("Believe <b>" in said_in_words) == bool(believe)
    assert ("beats chance" in said_in_words) == (not believe)


def test_all_others_that_beat_chance_are_counted() -> None:
    three = {key: said(key, 1, -5, 3, 2, 4) for key in ("saliency", "occlusion", "shapley")}
    scores = {key: judged(place, 10, True) for place, key in enumerate(three, start=2)}
    of = summarise({**three, "embedding_magnitude": DONE["embedding_magnitude"]}, measured({**CONTROL, **scores}))
    assert (of.believe, of.also) == ("shapley", 2)
    assert "2 others beat them too, by less" in summary_html(of)


def test_a_control_is_never_believed_and_a_fallback_is_a_control() -> None:
    fallen = {"saliency": said("saliency", 1, 2, 3, 4, 5, ran="embedding_magnitude")}
    scores = {**CONTROL, "saliency": judged(3, 10, True)}
    assert summarise(fallen, measured(scores)).believe is None
    card = verdict_html(fallen["saliency"], METHODS["embedding_magnitude"], measured(scores))
    assert 'data-verdict="control"' in card
    assert "rl-good" not in card


def test_signed_methods_name_words_that_raise_unsigned_ones_words_of_any_direction() -> None:
    assert strongest_words(DONE["occlusion"]) == ("Alpha", "gamma", "delta")  # once, however it is written
    assert strongest_words(DONE["saliency"], 2) == ("beta", "Alpha")
    small = said("occlusion", 0.1, -0.5, 0.3, 0.0, -0.1)
    assert strongest_words(small) == ("gamma", "alpha"), "what raises by however little, and nothing that does not"


def test_four_words_are_named_and_none_that_was_not_read() -> None:
    letters = [(letter, 2 * i, 2 * i + 1) for i, letter in enumerate("abcdef")]
    all_read = replace(read_as("a b c d e f g", *letters), attributions=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    assert strongest_words(all_read) == ("f", "e", "d", "c")
    assert strongest_words(all_read, 9) == ("f", "e", "d", "c", "b", "a"), "g lies behind the limit"


@pytest.mark.parametrize(("n_beaten", "control", "good"), [(10, True, True), (10, False, False), (9, True, False)])
def test_the_verdict_is_a_number_on_a_scale_and_green_only_above_both(n_beaten: int, control: bool, good: bool) -> None:
    of = measured({**CONTROL, "occlusion": judged(2, n_beaten, control)})
    html = verdict_html(DONE["occlusion"], METHODS["occlusion"], of)
    assert ("rl-good" in html) == good
    assert f'data-n="beaten">{n_beaten}</span> of 10 random orders' in html
    assert html.count("<circle") == 10
    assert html.count("rl-dot-open") == 10 - n_beaten
    row = faithfulness_html(of, {"occlusion": DONE["occlusion"]})
    assert ('data-n="beaten" class="rl-good"' in row) == good


def test_nothing_is_judged_on_a_document_of_a_few_words() -> None:
    of = measured({**CONTROL, "occlusion": judged(2, 10, True)}, n_words=MIN_WORDS - 1)
    done = {"occlusion": DONE["occlusion"]}
    assert summarise(done, of).believe is None
    html = cards_html(["occlusion"], done, of)
    assert "data-verdict" not in html
    assert "too few words to tell" in html
    assert 'data-note="few-words"' in faithfulness_html(of, done)
    assert "data-verdict" in cards_html(["occlusion"], done, replace(of, n_words=MIN_WORDS))


def test_the_sentence_waits_until_all_are_measured() -> None:
    part = measured({**CONTROL, "saliency": judged(2, 10, True)})
    html = cards_html(list(DONE), DONE, part)
    assert "data-believe" not in html
    assert "rl-believe" not in html
    whole = measured({**CONTROL, "saliency": judged(2, 10, True), "occlusion": judged(1, 10, True)})
    html = cards_html(list(DONE), DONE, whole)
    assert 'data-believe="saliency"' in html
    assert html.count("rl-believe") == 1


def read_as(text: str, *pieces: tuple[str, int, int]) -> Explanation:
    tokens = tuple(Token(piece, "document", start, end) for piece, start, end in pieces)
    return replace(DONE["saliency"], document=text, tokens=tokens, attributions=(0.0,) * len(tokens))


def test_what_is_outside_is_counted_in_characters_that_were_read() -> None:
    mixed = read_as(
        "ab \u043f\u0440 \U0001f40c!", ("ab", 0, 2), ("\u043f", 3, 4), ("##\u0440", 4, 5), ("[UNK]", 6, 7), ("!", 7, 8)
    )
    of = outside(mixed, "document", "Latin")
    assert (of.unknown, of.foreign, of.mostly) == (1 / 6, 2 / 6, False)
    assert outside(mixed, "document").foreign == 0  # of a model whose script is not known, nothing is foreign
    assert outside(read_as("abc \U0001f40c\U0001f40c", ("<unk>", 4, 6)), "document").mostly  # abc was never read
    assert not outside(read_as(""), "document", "Latin").mostly


def test_what_is_unknown_is_not_foreign_too_and_each_side_counts_its_own() -> None:
    lacking = read_as("\u043f \u0440", ("[UNK]", 0, 0), ("[UNK]", 0, 1), ("\u0440", 2, 3))
    of = outside(lacking, "document", "Latin")
    assert (of.unknown, of.foreign) == (1 / 2, 1 / 2)
    assert outside(read_as("\U0001f40c", ("[UNK]", 0, 1)), "document").unknown == 1
    nothing = read_as("ab", ("[UNK]", 0, 0), ("ab", 0, 2))
    assert outside(nothing, "document").unknown == 0, "a piece of no characters"
    tokens = (Token("ab", "query", 0, 2), Token("[UNK]", "query", 3, 4), Token("[SEP]", "template", None, None))
    both = replace(DONE["saliency"], query="ab c", document="a bc", tokens=(*tokens, Token("a", "document", 0, 4)))
    shares = [(of.segment, of.unknown) for of in (outside(both, "query"), outside(both, "document"))]
    assert shares == [("query", 1 / 3), ("document", 0)]
