"""Words cover the user's own text, and their attributions and the template's add up to the tokens'."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from attribution import explain
from attribution.errors import InputError
from attribution.types import Explanation
from attribution.words import split_words, template_sum, to_words
from tests.conftest import Tiny

BERT, XLMR, ROBERTA = (f"{name}ForSequenceClassification" for name in ("Bert", "XLMRoberta", "Roberta"))
SCRIPTS = "aé1.3'- \t\n\u00a0\u200b\u200d\u0301中にカเท่ไก😀👩🏽‍👧🇩🇪ﬁ½İßאعक्षि한\0"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\x00\x01\x7f"
any_text = st.text(st.characters(exclude_categories=["Cs"]))
texts = any_text | st.text(alphabet=SCRIPTS) | st.lists(st.sampled_from([*SCRIPTS, "berlin", "3.7"])).map(" ".join)
weights = st.floats(-1e3, 1e3)


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


def explained(tiny: Tiny, architecture: str, query: str, document: str) -> Explanation:
    return explain(tiny(architecture), query, document, "embedding_magnitude")


def visible(character: str) -> bool:
    """Leaves a mark on the page; of the characters that `SCRIPTS` holds."""
    return not character.isspace() and character not in INVISIBLE and unicodedata.category(character) != "Cc"


@given(st.text(alphabet=SCRIPTS + INVISIBLE))
def test_words_cover_the_text_in_order(text: str) -> None:
    spans = split_words(text)
    assert "".join(pieces(text)) == text
    assert [start for start, _ in spans] == [0, *(end for _, end in spans)][: len(spans)]
    seen = [any(visible(character) for character in piece) for piece in pieces(text)]
    assert all(seen) or len(seen) == 1


@given(st.text(st.characters(exclude_categories=["Cs", "Cf", "Mn", "Mc", "Me"])))  # these join what stands before them
def test_white_space_belongs_to_the_word_after_it(text: str) -> None:
    for start, end in split_words(text.rstrip()):
        assert not text[end - 1].isspace()
        assert text[start:end].lstrip() == text[start:end].strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n\t", [" \n\t"]),
        ("Berlin", ["Berlin"]),
        ("  Berlin  is big \n", ["  Berlin", "  is", " big \n"]),
        ("about 3.7 million", ["about", " 3.7", " million"]),
        ("1,234 cats can't", ["1,234", " cats", " can't"]),
        ("New York.", ["New", " York", "."]),
        ("well-known (e.g. this)", ["well", "-", "known", " (", "e.g", ".", " this", ")"]),
        ("cafe\u0301 bar", ["cafe\u0301", " bar"]),
        ("a 👩🏽‍👧 b", ["a", " 👩🏽‍👧", " b"]),
        ("a\u200bb \u200b c", ["a", "\u200bb", " \u200b c"]),  # what cannot be seen is no word
        ("\ufeffa \x00 \x01b\u200b", ["\ufeffa", " \x00 \x01b\u200b"]),
        ("\u200b \x00", ["\u200b \x00"]),  # but text of nothing else is one
    ],
)
def test_words_a_reader_would_draw(text: str, words: list[str]) -> None:
    assert pieces(text) == words


@pytest.mark.parametrize("text", ["机器学习很有趣", "東京はどこですか", "กรุงเทพเป็นเมืองหลวง", "ကမ္ဘာမြေ"])
def test_scripts_without_spaces_are_split_between_signs(text: str) -> None:
    words = pieces(text)
    assert len(words) > 3
    assert not any(unicodedata.category(word[0]) == "Mn" for word in words)  # a mark stays with its letter


@pytest.mark.parametrize("architecture", [BERT, XLMR])
@settings(max_examples=30)
@given(query=texts, document=texts, data=st.data())
def test_words_and_template_sum_to_tokens(
    architecture: str, query: str, document: str, data: st.DataObject, tiny: Tiny
) -> None:
    try:
        explanation = explained(tiny, architecture, query, document)
    except InputError:
        reject()
    n = len(explanation.tokens)
    explanation = replace(explanation, attributions=tuple(data.draw(st.lists(weights, min_size=n, max_size=n))))
    words = [word for segment in ("query", "document") for word in to_words(explanation, segment)]
    assert "".join(word.text for word in words) == query + document
    total = math.fsum(word.attribution for word in words if word.attribution is not None)
    assert math.isclose(total + template_sum(explanation), math.fsum(explanation.attributions), abs_tol=1e-6)


def test_template_is_what_the_user_did_not_type(tiny: Tiny) -> None:
    explanation = explained(tiny, BERT, "berlin", "paris is the capital")
    special = [i for i, token in enumerate(explanation.tokens) if token.text in ("[CLS]", "[SEP]")]
    assert len(special) == 3
    assert template_sum(explanation) == pytest.approx(sum(explanation.attributions[i] for i in special))


@pytest.mark.parametrize("architecture", [BERT, XLMR])
def test_text_past_the_cut_stays_without_a_number(architecture: str, tiny: Tiny) -> None:
    document = "paris is the capital of france . " * 60
    explanation = explained(tiny, architecture, "berlin", document)
    assert explanation.truncated
    words = to_words(explanation, "document")
    assert "".join(word.text for word in words) == document
    read_to = max(token.end or 0 for token in explanation.tokens if token.segment == "document")
    seen = [word for word in words if word.start < read_to]
    assert 0 < len(seen) < len(words)
    assert all(word.attribution for word in seen)  # magnitudes: none is 0
    assert all(word.attribution is None for word in words[len(seen) :])
    assert all(word.attribution for word in to_words(explanation, "query"))
