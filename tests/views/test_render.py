"""What the page shows is what the user typed: escaped, complete, in order."""

from __future__ import annotations

import dataclasses
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.methods import METHODS
from attribution.numbers import fixed, logit, number, percent, signed_number
from attribution.types import Path, Word
from attribution.views.card import badges, card_html, pending_html
from attribution.views.cards import cards_html
from attribution.views.page import status_html
from attribution.views.templating import ENVIRONMENT, TERMS, render
from attribution.views.text import scale_of, shown, side_of, strongest
from attribution.words import split_words
from tests.views.reading import EXPLANATION, numbers, read

# A browser replaces NUL and lone surrogates before any page sees them.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=80)


def words_of(text: str, seed: int, seen: int = 10_000) -> list[Word]:
    values = random.Random(seed)
    return [
        Word(text[start:end], "document", start, end, values.uniform(-1, 1) if i < seen else None)
        for i, (start, end) in enumerate(split_words(text))
    ]


def words_html(words: list[Word], scale: float, colours: str = "signed") -> str:
    """As the `words` macro prints them."""
    macros: Any = ENVIRONMENT.get_template("macros.html").module
    return str(macros.words(shown(words, scale, colours)))


@given(text=TEXT, colours=st.sampled_from(["signed", "strength", "control"]), seen=st.integers(0, 8))
def test_the_text_between_the_tags_is_what_was_typed(text: str, colours: str, seen: int) -> None:
    words = words_of(text, seed=len(text), seen=seen)
    reader = read(words_html(words, scale_of(words), colours))
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
    reader = read(words_html(words, 1.0))
    assert reader.text == text
    assert set(reader.tags) <= {"span"}


@pytest.mark.parametrize("key", METHODS)
def test_a_card_escapes_everything_and_names_what_it_shows(key: str) -> None:
    card = card_html(dataclasses.replace(EXPLANATION, method=key, requested_method=key), label=METHODS[key].label)
    reader = read(card)
    assert "script" not in reader.tags
    assert EXPLANATION.document in reader.text
    assert METHODS[key].label in reader.text
    assert (">signed<" in card) == METHODS[key].signed
    assert (">size only<" in card) == (not METHODS[key].signed and not METHODS[key].control)
    assert (">control: never sees the score<" in card) == METHODS[key].control
    assert (">not an attribution of the score<" in card) == METHODS[key].attention
    assert (">adds up<" in card) == METHODS[key].complete
    assert "Believe this one" not in card, "nothing was measured"
    bar = "control" if METHODS[key].control else "signed" if METHODS[key].signed else "strength"
    assert set(re.findall(r"rl-bar rl-bar-(\w+)", card)) == {bar}


def test_a_fallback_says_so_above_the_text() -> None:
    fallback = dataclasses.replace(EXPLANATION, method="embedding_magnitude", note="PyTorch said: <none>")
    text = read(card_html(fallback, label="Saliency")).text
    assert "fallback used" in text
    assert text.index("PyTorch said: <none>") < text.index(EXPLANATION.document)


def test_a_hit_step_cap_and_the_convergence_delta_are_on_the_card() -> None:
    path = Path(("document",), "mask", -2.0, 0.125, 0.03, 65, True, 0.0, 0.0)
    card = card_html(dataclasses.replace(EXPLANATION, paths=(path,)), label="IG")
    assert "step cap hit" in card
    assert "+0.125" in card
    assert "65 gradient evaluations" in read(card).text


def test_full_strength_of_nothing_is_one() -> None:
    unseen = Word("a", "query", 0, 1, None)
    for words in ([], [unseen], [dataclasses.replace(unseen, attribution=0.0)]):
        assert scale_of(words) == 1.0
    assert scale_of([unseen, dataclasses.replace(unseen, attribution=-2.5)]) == 2.5


def test_strength_is_relative_to_the_strongest_word_and_bounded() -> None:
    words = [Word(" a", "query", 0, 2, 2.0), Word(" b", "query", 2, 4, -1.0), Word(" c", "query", 4, 6, 0.01)]
    weak = Word(" d", "query", 6, 8, 0.4)
    assert "rl-raises" in words_html([weak], 2.0)
    assert "rl-strong" not in words_html([weak], 2.0)
    assert "rl-strong" in words_html([weak], 1.6)  # a quarter of full strength
    assert "rl-raises" in words_html([weak], 10.0)  # 4 %
    html = words_html(words, scale_of(words))
    assert re.findall(r'data-p="([^"]*)"', html) == ["100", "50", "0"]  # per cent of the strongest
    assert 'rl-raises rl-strong" style="--a:0.62"' in html
    assert 'rl-lowers rl-strong" style="--a:0.31"' in html
    assert html.count("style=") == 2  # the third is under 4 % and stays plain


@given(st.lists(st.floats(-10, 10), max_size=20))
def test_strongest_words_are_sorted_by_size(values: list[float]) -> None:
    words = [Word("x", "query", i, i + 1, value) for i, value in enumerate(values)]
    sizes = [abs(word.attribution or 0) for word in strongest(words, 5)]
    assert sizes == sorted((abs(value) for value in values if value), reverse=True)[:5]


BADGES = {  # what a card says of a method that did what it was asked for, and of a fallback
    "occlusion": [("signed", False)],
    "saliency": [("size only", False)],
    "integrated_gradients": [("signed", False), ("adds up", False), ("7 + 9 nodes", False), ("step cap hit", True)],
    "embedding_magnitude": [("control: never sees the score", True)],
    "attention": [("size only", False), ("not an attribution of the score", True)],
}


@pytest.mark.parametrize("key", BADGES)
def test_badges_are_what_holds_of_the_method_and_the_run(key: str) -> None:
    nodes = [(7, True), (9, False)] if METHODS[key].complete else []
    paths = tuple(Path(("document",), "mask", -2.0, 0.0, 0.0, n, capped, 0.0, 0.0) for n, capped in nodes)
    run = dataclasses.replace(EXPLANATION, method=key, requested_method=key, paths=paths)
    assert badges(run) == BADGES[key]
    fallen = badges(dataclasses.replace(run, requested_method="saliency_l2"))
    assert fallen == [("fallback used", True), *BADGES[key]]
    html = card_html(run, label="x")
    assert html.count("rl-badge-warn") == sum(warns for _, warns in BADGES[key])


def test_a_line_says_stopped_only_of_what_was_stopped() -> None:
    assert "rl-stopped" not in status_html("Done")
    assert "rl-stopped" in status_html("Stopped", stopped=True)
    assert "rl-refused" in status_html("Too long", refused=True)


def test_each_side_has_a_scale_of_its_own() -> None:
    """With one scale a query's words of 40 would leave a document's of 2 without colour."""
    strong = dataclasses.replace(EXPLANATION, attributions=(40.0, 0.0, 2.0))
    card = card_html(strong, label="Saliency")
    assert numbers(card)["full"] == ["40", "2"]
    assert card.count('style="--a:0.62"') == 2
    assert card.endswith("</article>")
    assert "rl-large" not in card + pending_html("saliency", "Saliency", "Not run yet.")


def test_a_long_text_has_a_strip_of_where_its_strong_words_are() -> None:
    texts = ["aaaa "] * 100 + ["zzzz "] * 100
    words = [Word(t, "document", 5 * i, 5 * i + 5, 1.0 if i in (0, 150) else 0.0) for i, t in enumerate(texts)]
    side = side_of(words, "document", "signed")
    assert [(mark["key"], mark["y"]) for mark in side.marks] == [("d0", "0.0"), ("d150", "750.0")]
    assert [mark["height"] for mark in side.marks] == ["6.0", "6.0"], "5 of 1000 would not be seen"
    wide = [Word("a" * 250, "document", 250 * i, 250 * i + 250, -float(i)) for i in range(3)]
    marks = side_of(wide, "document", "signed").marks
    assert [(mark["key"], mark["kind"], mark["alpha"], mark["y"], mark["height"]) for mark in marks] == [
        ("d1", "rl-lowers", "0.31", "333.3", "333.3"),
        ("d2", "rl-lowers", "0.62", "666.7", "333.3"),
    ]
    short = words[:120]  # 600 characters
    assert side_of(short, "document", "signed").marks == []
    assert side_of([*short, Word("z", "document", 600, 601, 0.0)], "document", "signed").marks


def test_a_word_that_the_limit_cut_is_marked() -> None:
    words = [Word("whole", "document", 0, 5, 1.0), Word(" cut", "document", 5, 9, 1.0, cut=True)]
    html = words_html([*words, Word(" rest", "document", 9, 14, None)], 1.0)
    assert re.findall(r'class="([^"]*)" style="[^"]*"( title="cut by the model)?', html) == [
        ("rl-w rl-raises rl-strong", ""),
        ("rl-w rl-raises rl-strong rl-cut", ' title="cut by the model'),
    ]
    assert 'rl-unseen" title="the model never read this">rest<' in html
    assert read(html).text == "whole cut rest"


def test_right_to_left_text_finds_its_direction() -> None:
    card = card_html(EXPLANATION, label="Saliency")
    assert card.count('class="rl-text" dir="auto"') == 2
    assert '<bdi translate="no">the</bdi>' in card


def test_every_number_of_a_card_can_be_found_with_its_unit() -> None:
    path = Path(("document",), "mask", -2.0, 0.125, 0.03, 65, True, residual=0.5, relative_residual=0.04)
    run = dataclasses.replace(EXPLANATION, paths=(path,), method="integrated_gradients")
    found = numbers(card_html(run, label="IG"))
    assert {name: found[name] for name in ("baseline", "delta", "relative-delta", "relative-residual", "nodes")} == {
        "baseline": ["\u22122"],
        "delta": ["+0.125"],
        "relative-delta": ["3 %"],
        "relative-residual": ["4 %"],
        "nodes": ["65"],
    }
    assert (found["forward"], found["backward"], found["seconds"], found["template"]) == (
        ["2"],
        ["1"],
        ["0.10 s"],
        ["+0.25"],
    )


def test_one_region_announces_and_headings_go_down_one_by_one() -> None:
    keys = ("saliency", "occlusion", "shapley")
    html = cards_html({key: dataclasses.replace(EXPLANATION, method=key, requested_method=key) for key in keys})
    assert html.count('role="status"') == 1
    assert "aria-live" not in html
    assert [tag for tag in read(html).tags if tag in ("h1", "h2", "h3", "h4", "h5")] == ["h2", "h3", "h3", "h3"]


@pytest.mark.parametrize(
    ("keys", "large"),
    [
        (
            ("embedding_magnitude", "saliency", "occlusion", "layerwise_relevance"),
            "layerwise_relevance",
        ),  # README's best
        (("embedding_magnitude", "saliency", "occlusion"), "saliency"),
        (("embedding_magnitude",), None),
    ],
)
def test_the_card_of_what_is_usually_best_is_large_until_there_is_a_verdict(keys: tuple[str, ...], large: str) -> None:
    html = cards_html({key: dataclasses.replace(EXPLANATION, method=key, requested_method=key) for key in keys})
    assert re.findall(r'rl-large[^>]*data-method="(\w+)"|data-method="(\w+)"[^>]*rl-large', html) == (
        [(large, "")] if large else []
    )


def test_the_key_explains_every_word_and_names_the_adapter() -> None:
    text = read(render("key.html")).text
    assert all(name in text and means in text for name, means in TERMS.items())
    assert "layer-attribution adapter" in text


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        (number(1.0), "1"),
        (number(0.12345), "0.123"),
        (number(-12.345), "\u221212.3"),
        (signed_number(0.5), "+0.5"),
        (number(-0.0), "0"),
        (number(999.4), "999"),
        (number(999.5), "1,000"),
        (number(-12345.6), "\u221212,346"),
        (signed_number(1234.5), "+1,234"),
        (number(2.5e12), "2.5e+12"),
        (fixed(2.5, 2), "2.50"),
        (logit(2.5), "+2.50"),
        (fixed(-2.5, 2), "\u22122.50"),
        (fixed(-0.004, 2), "0.00"),
        (logit(0.004), "0.00"),
        (fixed(-0.006, 2), "\u22120.01"),
        (percent(0.12345), "12"),
        (percent(0.012345), "1.2"),
        (percent(0.0), "0"),
        (percent(0.994), "99"),
        (percent(0.995), "100"),
        (percent(1.0), "100"),
        (percent(1.524), "152"),
    ],
)
def test_numbers_are_printed_as_by_hand(printed: str, text: str) -> None:
    assert printed == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_have_a_real_minus_and_no_negative_zero(value: float) -> None:
    text = signed_number(value)
    assert float(text.replace("\u2212", "-").replace(",", "")) == pytest.approx(value, rel=0.01)
    assert text not in ("\u22120", "+0")
