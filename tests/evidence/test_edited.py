"""Words dropped and replaced by hand: the text that is left, to the letter, and what the attributions say of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import InputError, OptionError
from attribution.evidence.edited import edit
from attribution.types import Explanation, Token

TEXT = " Rice and maize do not\ncontain gluten.  "


def explained(text: str = TEXT, method: str = "occlusion") -> Explanation:
    """Word `i` holds `i`."""
    tokens = tuple(Token(m[0], "document", m.start(), m.end()) for m in re.finditer(r"\w+|[^\w\s]", text))
    values = tuple(float(i) for i in range(len(tokens)))
    return Explanation(method, method, None, "m", "r", "q", text, tokens, values, 1.0, (), False, 1, 1, 0.1)


@pytest.mark.parametrize(
    ("words", "text", "dropped", "replaced", "predicted"),
    [
        ({4: ""}, "Rice and maize do\ncontain gluten.", ("not",), (), -4.0),
        ({4: " \t"}, "Rice and maize do\ncontain gluten.", ("not",), (), -4.0),
        ({0: "", 1: "", 7: ""}, "maize do not\ncontain gluten", ("Rice and", "."), (), -8.0),
        ({4: "always"}, "Rice and maize do always\ncontain gluten.", (), (("not", "always"),), None),
        ({0: " Rye & <b>", 4: ""}, "Rye & <b> and maize do\ncontain gluten.", ("not",), (("Rice", "Rye & <b>"),), None),
    ],
)
def test_the_text_as_edited_and_what_was_predicted(
    words: dict[int, str], text: str, dropped: tuple[str, ...], replaced: tuple[tuple[str, str], ...], predicted: float
) -> None:
    found = edit(explained(), words)
    assert (found.text, found.dropped, found.replaced, found.predicted) == (text, dropped, replaced, predicted)


def test_a_method_without_a_sign_predicts_nothing() -> None:
    found = edit(explained(method="saliency"), {4: ""})
    assert (found.signed, found.predicted) == (False, None)


def test_a_method_that_fell_back_is_read_as_what_ran() -> None:
    fell_back = replace(explained(method="occlusion"), method="embedding_magnitude")
    assert not edit(fell_back, {4: ""}).signed


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ({9: "", 8: ""}, OptionError, "There is no word 8 in this document; its words are 0 to 7."),
        ({-1: ""}, OptionError, "There is no word -1 in this document; its words are 0 to 7."),
        (dict.fromkeys(range(8), ""), InputError, "Nothing of the document is left."),
    ],
)
def test_what_cannot_be_edited_is_refused(words: dict[int, str], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        edit(explained(), words)


@given(st.lists(st.sampled_from(["alpha", "不", "كلمة", "don't", "🐌"]), min_size=2, max_size=8), st.data())
def test_dropping_a_word_leaves_the_others_to_the_letter(names: list[str], data: st.DataObject) -> None:
    text = " ".join(names)
    gone = data.draw(st.integers(0, len(names) - 1))
    tokens = tuple(Token(m[0], "document", m.start(), m.end()) for m in re.finditer(r"\S+", text))
    explanation = replace(explained(), document=text, tokens=tokens, attributions=(0.0,) * len(tokens))
    assert edit(explanation, {gone: ""}).text == " ".join(names[:gone] + names[gone + 1 :])
