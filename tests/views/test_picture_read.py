"""The card as SVG, read back: each colour is what the line above says, each box lies on its word."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from attribution import METHODS, explain
from attribution.export import to_svg
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation

SVG = "{http://www.w3.org/2000/svg}"
QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants and paris more . " * 3
BLUE, ORANGE, PURPLE, GREY = "rgb(0, 114, 178)", "rgb(213, 94, 0)", "rgb(120, 80, 190)", "rgb(120, 120, 120)"


@pytest.fixture(scope="module")
def done(tiny_bert: Reranker) -> dict[str, Explanation]:
    return {key: explain(tiny_bert, QUERY, DOCUMENT, key) for key in ("occlusion", "saliency", "embedding_magnitude")}


def lines_of(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text") if text.get("class") == "small"]


@pytest.mark.parametrize(
    ("key", "says", "colours"),
    [
        ("occlusion", "blue raises, orange lowers", {BLUE, ORANGE}),
        ("saliency", "purple: strength only", {PURPLE}),
        ("embedding_magnitude", "grey: a control that never sees the score", {GREY}),
    ],
)
def test_the_colours_are_those_that_are_said(
    key: str, says: str, colours: set[str], done: dict[str, Explanation]
) -> None:
    svg = to_svg(done[key])
    assert lines_of(svg)[1] == says
    rules = re.findall(r"([^{}\n]+)\{ fill: (rgb\([^)]*\)) \}", svg)
    colour_of = {name.strip(" ."): colour for names, colour in rules for name in names.split(",")}
    boxes = [box.get("class") or "" for box in ElementTree.fromstring(svg).iter(f"{SVG}rect") if box.get("class")]
    assert {colour_of[name] for name in boxes} == colours
    if METHODS[key].signed:
        assert (colour_of["raises"], colour_of["lowers"]) == (BLUE, ORANGE)


def test_each_box_lies_on_its_word_and_the_text_goes_on_line_by_line(done: dict[str, Explanation]) -> None:
    query, document = ElementTree.fromstring(to_svg(done["occlusion"])).iter(f"{SVG}g")
    for block, text, n_lines in ((query, QUERY, 1), (document, DOCUMENT, 3)):
        n_boxes = 0
        for box, word in pairwise(block):
            if box.tag == f"{SVG}rect" and word.tag == f"{SVG}text":
                n_boxes += 1
                assert (box.get("x"), box.get("width")) == (word.get("x"), word.get("textLength"))
                assert float(box.get("y", 0)) < float(word.get("y", 0)) < float(box.get("y", 0)) + 20
        words = [word for word in block.iter(f"{SVG}text") if word.get("textLength")]
        assert n_boxes > len(words) / 2
        assert [word.text for word in words] == text.split()
        places = [(float(word.get("y", 0)), float(word.get("x", 0))) for word in words]
        assert places == sorted(set(places)), "as one reads"
        assert len({y for y, _ in places}) == n_lines


def test_what_was_never_seen_is_faint(done: dict[str, Explanation]) -> None:
    of = done["occlusion"]
    tokens = [token for token in of.tokens if token.segment != "document" or (token.end or 0) < 60]
    values = tuple(value for token, value in zip(of.tokens, of.attributions, strict=True) if token in tokens)
    svg = to_svg(replace(of, tokens=tuple(tokens), attributions=values, truncated=True))
    assert lines_of(svg)[0].endswith("; truncated: faint words were never seen")
    faint = [text for text in ElementTree.fromstring(svg).iter(f"{SVG}text") if text.get("class") == "faint"]
    unseen = len(DOCUMENT[:60].split())
    assert [text.text for text in faint] == DOCUMENT.split()[unseen - 1 if DOCUMENT[59] != " " else unseen :]
