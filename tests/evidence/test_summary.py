"""What a pair comes to: the strongest words, whom to believe, and which text a model never learnt to read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.evidence.faithfulness.scores import MIN_WORDS, Control, Faithfulness, Margin, Scores, Spread
from attribution.evidence.faithfulness.summary import strongest_words, summarise
from attribution.methods.defaults import Prior
from attribution.types import Explanation, Token
from attribution.views.card import verdict_html
from attribution.views.cards import cards_html, summary_html
from attribution.views.faithfulness import faithfulness_html
from attribution.views.score import outside

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


def judged(comprehensiveness: float, over_random: bool = True, over_control: bool | None = True) -> Scores:
    """Clearly above, or not; `over_control` None: the control itself."""
    curve = (1.0, 0.5, 0.4, 0.3, 0.2, -1.0)
    control = None if over_control is None else Margin(2.0 if over_control else 0.5, 1.0)
    return Scores(comprehensiveness, 0.0, curve, curve, Margin(2.0 if over_random else 0.5, 1.0), control, 10, 10)


def measured(methods: dict[str, Scores], n_words: int = 5, operator: str = "mask") -> Faithfulness:
    orders = tuple(judged(0.1 * i, False, None) for i in range(10))
    spread = Spread(0.45, 0.3, tuple(0.1 * i for i in range(10)))
    fractions = (0.05, 0.1, 0.2, 0.5)
    return Faithfulness(operator, fractions, 1.0, methods, Control(spread, spread, orders), n_words, 10, 0.1)


def under_both(mask: dict[str, Scores], delete: dict[str, Scores]) -> Faithfulness:
    return replace(measured({**CONTROL, **mask}), others=(measured({**CONTROL, **delete}, operator="delete"),))


DONE = {
    "saliency": said("saliency", 1, -5, 3, 2, 4),
    "occlusion": said("occlusion", 1, -5, 3, 2, 4),
    "embedding_magnitude": said("embedding_magnitude", 5, 4, 3, 2, 1),
}
CONTROL = {"embedding_magnitude": judged(0.5, True, None)}


@pytest.mark.parametrize(
    ("mask", "delete", "outcome", "methods"),
    [
        ((judged(2), judged(1)), (judged(2), judged(1)), "best", ("saliency",)),
        ((judged(1), judged(2)), (judged(1), judged(2)), "best", ("occlusion",)),
        (
            (judged(2, False), judged(1)),
            (judged(1, False), judged(2)),
            "close",
            ("occlusion",),
        ),  # the leader is unclear
        ((judged(2), judged(1)), (judged(1), judged(3)), "close", ("occlusion", "saliency")),  # each leads under one
        ((judged(2, over_control=False), judged(1)), (judged(2), judged(1)), "close", ("saliency", "occlusion")),
        ((judged(2), judged(1, False)), (judged(2, False), judged(1)), "none", ()),  # clear under one operator only
        ((judged(1, False), judged(0, False)), (judged(1, False), judged(0, False)), "none", ()),
    ],
)
def test_the_verdict_over_both_operators(
    mask: tuple[Scores, Scores], delete: tuple[Scores, Scores], outcome: str, methods: tuple[str, ...]
) -> None:
    names = ("saliency", "occlusion")
    of = summarise(DONE, under_both(dict(zip(names, mask, strict=True)), dict(zip(names, delete, strict=True))))
    assert (of.outcome, of.methods, of.believe) == (outcome, methods, methods[0] if outcome == "best" else None)
    assert of.source != "embedding_magnitude"
    says = {"best": "Best here: <b>", "close": "Too close to call: ", "none": "random words under every way of"}
    assert [key for key, text in says.items() if text in summary_html(of)] == [outcome]


def test_the_numbers_of_the_sentence_are_means_over_the_operators_and_its_verb_follows_their_sign() -> None:
    of = summarise(
        DONE,
        under_both({"saliency": judged(4), "occlusion": judged(1)}, {"saliency": judged(2), "occlusion": judged(1)}),
    )
    assert (of.cost, of.random_cost, of.control_cost) == (3.0, 0.45, 0.5)
    html = summary_html(of)
    assert 'costs <span class="rl-n" data-n="cost">3.00</span> logits' in html
    assert 'never sees the score, costs <span class="rl-n" data-n="control-cost">0.50</span>.' in html
    assert "passages" not in html
    assert "On 112 passages of 100 to 300 words it was best in 61 %." in summary_html(
        replace(of, prior=Prior(112, 100, 300, 0.607))
    )
    rises = summary_html(replace(of, cost=-0.21, random_cost=-0.66))
    assert 'top words raises the score by <span class="rl-n" data-n="cost">0.21</span> logits' in rises
    assert 'random words raises the score by <span class="rl-n" data-n="random-cost">0.66</span>;' in rises
    assert "costs" not in rises.split("control")[0]
    nothing = summary_html(replace(of, cost=-0.03, random_cost=0.03, outcome="none"))
    assert 'top words changes the score by <span class="rl-n" data-n="cost">+0.03</span> logits: nothing' in nothing
    assert 'words changes the score by <span class="rl-n" data-n="random-cost">\u22120.03</span> logits' in nothing
    long = summary_html(replace(of, words=("x" * 900,), outcome="none"))
    assert "x" * 50 in long
    assert "x" * 99 not in long
    assert '<b>“<bdi translate="no">.</bdi>”</b>, <b>“' in summary_html(replace(of, words=(".", "of"), outcome="none"))
    whose = {"few words": "Strongest by Saliency, L1: ", "none": "Its strongest: ", "close": "Strongest by the first: "}
    for outcome, says in whose.items():  # another card may stand first
        methods = ("saliency", "occlusion") if outcome == "close" else ()
        said = summary_html(replace(of, outcome=outcome, methods=methods))  # type: ignore[arg-type]
        assert says in said
        assert ("Removing the first one\u2019s top words costs" in said) == (outcome == "close")


def test_a_control_is_never_believed_and_a_fallback_is_a_control() -> None:
    fallen = {"saliency": said("saliency", 1, 2, 3, 4, 5, ran="embedding_magnitude")}
    scores = {**CONTROL, "saliency": judged(3)}
    assert summarise(fallen, measured(scores)).believe is None
    card = verdict_html(fallen["saliency"], measured(scores))
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


@pytest.mark.parametrize(
    ("over_random", "over_control", "good"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_the_verdict_is_a_margin_an_operator_and_green_only_above_both(
    over_random: bool, over_control: bool, good: bool
) -> None:
    of = under_both({"occlusion": judged(2)}, {"occlusion": judged(2, over_random, over_control)})
    html = verdict_html(DONE["occlusion"], of)
    assert ("rl-good" in html) == good
    assert html.count('data-n="margin">+2.00 \u00b1 1.00<') == (2 if over_random else 1)
    assert ("no more than the control" in html) == (over_random and not over_control)
    row = faithfulness_html(of.others[0], {"occlusion": DONE["occlusion"]})
    assert ('data-n="margin" class="rl-good"' in row) == good


def test_nothing_is_judged_on_a_document_of_a_few_words() -> None:
    of = measured({**CONTROL, "occlusion": judged(2)}, n_words=MIN_WORDS - 1)
    done = {"occlusion": DONE["occlusion"]}
    assert summarise(done, of).believe is None
    html = cards_html(done, of)
    assert "data-verdict" not in html
    assert "too few words to tell" in html
    assert 'data-note="few-words"' in faithfulness_html(of, done)
    assert "data-verdict" in cards_html(done, replace(of, n_words=MIN_WORDS))


def test_the_sentence_waits_until_all_are_measured() -> None:
    part = measured({**CONTROL, "saliency": judged(2)})
    html = cards_html(DONE, part)
    assert "data-believe" not in html
    assert "rl-believe" not in html
    whole = measured({**CONTROL, "saliency": judged(2), "occlusion": judged(1)})
    html = cards_html(DONE, whole)
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
