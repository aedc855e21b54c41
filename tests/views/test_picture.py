"""A card as SVG, checked on paper: where each word stands, how wide and how strong it is."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from attribution.methods import METHODS
from attribution.types import Word
from attribution.views.picture import COLUMNS, card_svg, lay_out
from attribution.words import split_words
from tests.views.reading import EXPLANATION

CELL = 8.4
SVG = "{http://www.w3.org/2000/svg}"
SIGNED, SIZES, CONTROL = (METHODS[key] for key in ("occlusion", "saliency", "embedding_magnitude"))


def words_of(text: str, *values: float | None) -> list[Word]:
    """`text` in words with these values, 0 for the rest."""
    spans = split_words(text)
    given = [*values, *[0.0] * (len(spans) - len(values))]
    return [Word(text[a:b], "document", a, b, value) for (a, b), value in zip(spans, given, strict=True)]


def cells(text: str) -> list[tuple[str, int, int, int]]:
    """`(text, line, first cell, cells)` of each piece."""
    pieces = lay_out(words_of(text), 1.0, SIGNED)
    return [(p.text, p.line, round(p.x / CELL), round(p.width / CELL)) for p in pieces]


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("ab  c\td", [("ab", 0, 0, 2), ("c", 0, 4, 1), ("d", 0, 9, 1)]),
        ("a\t\tb", [("a", 0, 0, 1), ("b", 0, 9, 1)]),
        ("a\n\nb", [("a", 0, 0, 1), ("b", 2, 0, 1)]),
        ("首都 x", [("首", 0, 0, 2), ("都", 0, 2, 2), ("x", 0, 5, 1)]),
        ("e\u0301 x", [("e\u0301", 0, 0, 1), ("x", 0, 2, 1)]),
        ("\u0301 x", [("\u0301", 0, 0, 1), ("x", 0, 2, 1)]),
        (f"{'a' * COLUMNS} b", [("a" * COLUMNS, 0, 0, COLUMNS), ("b", 1, 0, 1)]),
        (f"a\n{'b' * (COLUMNS - 1)} c", [("a", 0, 0, 1), ("b" * (COLUMNS - 1), 1, 0, COLUMNS - 1), ("c", 2, 0, 1)]),
        (f"{'a' * (COLUMNS - 2)} b", [("a" * (COLUMNS - 2), 0, 0, COLUMNS - 2), ("b", 0, COLUMNS - 1, 1)]),
        (f"{'a' * (COLUMNS + 1)} b", [("a" * COLUMNS, 0, 0, COLUMNS), ("a", 1, 0, 1), ("b", 1, 2, 1)]),
        ("שלום x", [("שלום", 0, COLUMNS - 4, 4), ("x", 0, COLUMNS - 6, 1)]),
        ("سلام x", [("سلام", 0, COLUMNS - 4, 4), ("x", 0, COLUMNS - 6, 1)]),
        ("3 x שלום", [("3", 0, 0, 1), ("x", 0, 2, 1), ("שלום", 0, 4, 4)]),
        ("1 2", [("1", 0, 0, 1), ("2", 0, 2, 1)]),
        ("a שלום עולם b", [("a", 0, 0, 1), ("שלום", 0, 7, 4), ("עולם", 0, 2, 4), ("b", 0, 12, 1)]),
        ("שלום new york", [("שלום", 0, COLUMNS - 4, 4), ("new", 0, COLUMNS - 13, 3), ("york", 0, COLUMNS - 9, 4)]),
        ("a שלום 12 עולם", [("a", 0, 0, 1), ("שלום", 0, 10, 4), ("12", 0, 7, 2), ("עולם", 0, 2, 4)]),
        ("a של, עו b", [("a", 0, 0, 1), ("של", 0, 6, 2), (",", 0, 5, 1), ("עו", 0, 2, 2), ("b", 0, 9, 1)]),
        ("a של, b", [("a", 0, 0, 1), ("של", 0, 2, 2), (",", 0, 4, 1), ("b", 0, 6, 1)]),
        (
            "של 12, עו",
            [("של", 0, COLUMNS - 2, 2), ("12", 0, COLUMNS - 5, 2), (",", 0, COLUMNS - 6, 1), ("עו", 0, COLUMNS - 9, 2)],
        ),
        ("של 12 a", [("של", 0, COLUMNS - 2, 2), ("12", 0, COLUMNS - 5, 2), ("a", 0, COLUMNS - 7, 1)]),
        ("سلا ١٢ عا", [("سلا", 0, COLUMNS - 3, 3), ("١٢", 0, COLUMNS - 6, 2), ("عا", 0, COLUMNS - 9, 2)]),
    ],
)
def test_every_piece_stands_in_its_cells(text: str, placed: list[tuple[str, int, int, int]]) -> None:
    assert [piece[:2] for piece in cells(text)] == [piece[:2] for piece in placed]
    assert cells(text) == placed


@pytest.mark.parametrize(
    ("method", "value", "fill", "alpha"),
    [
        (SIGNED, 2.0, "raises", 0.62),
        (SIGNED, 1.0, "raises", 0.31),
        (SIGNED, -1.0, "lowers", 0.31),
        (SIGNED, 3.0, "raises", 0.62),
        (SIGNED, 0.08, "raises", 0.0248),
        (SIGNED, 0.0799, "raises", 0.0),
        (SIGNED, 0.0, "raises", 0.0),
        (SIZES, 1.0, "strength", 0.31),
        (CONTROL, 1.0, "control", 0.31),
        (SIGNED, None, "unseen", 0.0),
        (CONTROL, None, "unseen", 0.0),
    ],
)
def test_a_word_is_painted_by_its_share_of_full_strength(method: object, value: float, fill: str, alpha: float) -> None:
    (piece,) = lay_out(words_of("word", value), 2.0, method)  # type: ignore[arg-type]
    assert (piece.fill, piece.alpha) == (fill, pytest.approx(alpha))


def test_the_card_holds_both_sides_one_under_the_other() -> None:
    long = dataclasses.replace(EXPLANATION, method="occlusion", requested_method="occlusion", document="a\n\nb the")
    root = ElementTree.fromstring(card_svg(long))
    assert float(root.get("width", 0)) == pytest.approx(COLUMNS * CELL + 40)
    assert float(root.get("height", 0)) == pytest.approx((2 + 4 + 4) * 24)
    groups = root.findall(f"{SVG}g")
    assert [group.get("transform") for group in groups] == ["translate(20 78.0)", f"translate(20 {78 + 2 * 24.0})"]
    heads = [group.findtext(f"{SVG}text") for group in groups]
    assert heads == ["Query; full strength is 0.5", "Document; full strength is 1"]
    lines = [float(text.get("y", 0)) for text in groups[1].findall(f"{SVG}text")[1:]]
    assert lines == [35.0, 35 + 2 * 24.0, 35 + 2 * 24.0]


@pytest.mark.parametrize("key", METHODS)
def test_the_cards_colours_are_named_and_the_fallback_is_said(key: str) -> None:
    method = METHODS[key]
    note = "PyTorch said: <none>"
    svg = card_svg(dataclasses.replace(EXPLANATION, method=key, requested_method="saliency", note=note, truncated=True))
    texts = [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    legend = "blue raises" if method.signed else "grey: a control" if method.control else "purple: strength only"
    assert texts[0] == METHODS["saliency"].label
    assert texts[1].startswith("logit +1.50; <b>model</b>, r; truncated")
    assert legend in texts[2]
    assert texts[2].endswith(f"Fallback used: {note}")
    fills = {rect.get("class") for rect in ElementTree.fromstring(svg).iter(f"{SVG}rect")} - {None}
    known = {"raises", "lowers"} if method.signed else {"control"} if method.control else {"strength"}
    assert fills
    assert fills <= known
    assert all(re.search(rf"\.{fill}\b[^}}]*\{{ fill: rgb", svg) for fill in fills)


def test_words_that_are_read_leftward_say_so_and_no_two_overlap() -> None:
    text = "The word שלום עולם (peace) 12-13 אחד, שתיים means سلام ١٢ b"
    pieces = lay_out(words_of(text), 1.0, SIGNED)
    assert [piece.text for piece in pieces if piece.leftward] == ["שלום", "עולם", "אחד", ",", "שתיים", "سلام"]
    dashed = lay_out(words_of("שלום עולם - 12-13 אחד"), 1.0, SIGNED)
    assert [piece.text for piece in dashed if piece.leftward] == ["שלום", "עולם", "-", "אחד"], "no part of a number"
    placed = sorted((piece.line, piece.x, piece.width) for piece in pieces)
    for (line, x, width), (next_line, next_x, _) in pairwise(placed):
        assert next_line > line or next_x >= x + width - 1e-6
    svg = card_svg(dataclasses.replace(EXPLANATION, method="occlusion", document="a שלום b"))
    (hebrew,) = (t for t in ElementTree.fromstring(svg).iter(f"{SVG}text") if t.get("direction"))
    assert (hebrew.text, hebrew.get("direction"), hebrew.get("text-anchor")) == ("שלום", "rtl", "end")
