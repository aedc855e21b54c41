"""What the page shows is what the user typed: escaped, complete, in order."""

from __future__ import annotations

import dataclasses
import random
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.methods import METHODS
from attribution.types import Explanation, Path, Token, Word
from attribution.views.card import card_html, score_html
from attribution.views.numbers import number
from attribution.views.text import scale_of, strongest, text_html
from attribution.words import split_words

# A browser replaces NUL and lone surrogates before any page sees them.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=80)
EXPLANATION = Explanation(
    method="saliency",
    requested_method="saliency",
    note=None,
    model_id="<b>model</b>",
    revision="r",
    query="a <i>query</i>",
    document="the <script>alert(1)</script> document",
    tokens=(Token("a", "query", 0, 1), Token("[SEP]", "template", None, None), Token("the", "document", 0, 3)),
    attributions=(0.5, 0.25, -1.0),
    logit=1.5,
    paths=(),
    truncated=False,
    n_forward=2,
    n_backward=1,
    seconds=0.1,
)


class Reader(HTMLParser):
    """The text between the tags, and the tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(str(html))  # what is added to a Markup is escaped
    reader.close()
    return reader


def words_of(text: str, seed: int, seen: int = 10_000) -> list[Word]:
    values = random.Random(seed)
    return [
        Word(text[start:end], "document", start, end, values.uniform(-1, 1) if i < seen else None)
        for i, (start, end) in enumerate(split_words(text))
    ]


@given(text=TEXT, signed=st.booleans(), control=st.booleans(), seen=st.integers(0, 8))
def test_the_text_between_the_tags_is_what_was_typed(text: str, signed: bool, control: bool, seen: int) -> None:
    words = words_of(text, seed=len(text), seen=seen)
    reader = read(text_html(words, scale_of(words), signed=signed, control=control))
    assert reader.text == (text if words else "")
    assert set(reader.tags) <= {"span"}


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "</span><script>x</script>",
        "${alert(1)} {{ 7*7 }}",
        '" onmouseover="x',
        "&lt;&amp;",
    ],
)
def test_markup_is_never_made_from_text(text: str) -> None:
    words = words_of(text, seed=1)
    reader = read(text_html(words, 1.0, signed=True))
    assert reader.text == text
    assert set(reader.tags) <= {"span"}


@pytest.mark.parametrize("key", METHODS)
def test_a_card_escapes_everything_and_names_what_it_shows(key: str) -> None:
    card = card_html(
        dataclasses.replace(EXPLANATION, method=key, requested_method=key), METHODS[key], label=METHODS[key].label
    )
    reader = read(card)
    assert "script" not in reader.tags
    assert EXPLANATION.document in reader.text
    assert METHODS[key].label in reader.text
    assert (">signed<" in card) == METHODS[key].signed
    assert (">unsigned<" in card) != METHODS[key].signed
    assert (">control: never sees the score<" in card) == METHODS[key].control
    assert (">not an attribution of the score<" in card) == METHODS[key].attention
    assert (">adds up<" in card) == METHODS[key].complete


def test_a_fallback_says_so_above_the_text() -> None:
    fallback = dataclasses.replace(EXPLANATION, method="embedding_magnitude", note="PyTorch said: <none>")
    text = read(card_html(fallback, METHODS["embedding_magnitude"], label="Saliency")).text
    assert "fallback used" in text
    assert text.index("PyTorch said: <none>") < text.index(EXPLANATION.document)


def test_a_hit_step_cap_and_the_convergence_delta_are_on_the_card() -> None:
    path = Path(("document",), "mask", -2.0, 0.125, 0.03, 65, True)
    card = card_html(dataclasses.replace(EXPLANATION, paths=(path,)), METHODS["integrated_gradients"], label="IG")
    assert "step cap hit" in card
    assert "+0.125" in card
    assert "65 gradient evaluations" in card


def test_strength_is_relative_to_the_strongest_word_and_bounded() -> None:
    words = [Word(" a", "query", 0, 2, 2.0), Word(" b", "query", 2, 4, -1.0), Word(" c", "query", 4, 6, 0.01)]
    html = text_html(words, scale_of(words), signed=True)
    assert 'rl-raises rl-strong" style="--a:0.62"' in html
    assert 'rl-lowers rl-strong" style="--a:0.31"' in html
    assert html.count("style=") == 2  # the third is under 4 % and stays plain


@given(st.lists(st.floats(-10, 10), max_size=20))
def test_strongest_words_are_sorted_by_size(values: list[float]) -> None:
    words = [Word("x", "query", i, i + 1, value) for i, value in enumerate(values)]
    sizes = [abs(word.attribution or 0) for word in strongest(words, 5)]
    assert sizes == sorted((abs(value) for value in values if value), reverse=True)[:5]


@pytest.mark.parametrize(
    ("logit", "says"), [(9.0, "saturated"), (-9.0, "saturated"), (-0.5, "does not answer"), (2.0, "answers")]
)
def test_the_score_is_said_in_words(logit: float, says: str) -> None:
    assert says in read(score_html(logit, "m", "r", seen=None, length=10)).text


def test_truncation_is_said_with_numbers() -> None:
    text = read(score_html(1.0, "m", "r", seen=1200, length=5000)).text
    assert "1,200" in text
    assert "5,000" in text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_have_a_real_minus_and_no_negative_zero(value: float) -> None:
    text = number(value, signed=True)
    assert float(text.replace("\u2212", "-")) == pytest.approx(value, rel=0.01)
    assert text not in ("\u22120", "+0")
