"""The card to post: its size, of which method it is, what it says, and that all of it has room."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from attribution import explain
from attribution.evidence.faithfulness.measure import measure_all
from attribution.evidence.faithfulness.summary import believed
from attribution.export import FORMATS
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from attribution.views.picture import LINES, share_svg

SVG = "{http://www.w3.org/2000/svg}"
QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants and paris more . "
METHODS = ("embedding_magnitude", "saliency", "occlusion")


def explained(reranker: Reranker, document: str) -> dict[str, Explanation]:
    return {key: explain(reranker, QUERY, document, key) for key in METHODS}


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_it_is_the_card_that_is_believed_with_its_finding(tiny_bert: Reranker) -> None:
    done = explained(tiny_bert, DOCUMENT)
    measured = measure_all(tiny_bert, done)
    svg = share_svg(done, measured)
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("1200", "630", "0 0 1200 630")
    of = believed(done, measured)
    assert of.method != next(iter(done)), "the first card is a control, which is never believed"
    said = texts(svg)
    assert f"{of.logit:+.2f}".replace("-", "\u2212") in said
    assert re.search("Best here|Too close to call|Believe none of them", " ".join(said))
    assert "strongest words" not in " ".join(said).lower()
    assert FORMATS["Post, PNG"].write(done, measured) == FORMATS["Post, SVG"].write(done, measured) == svg
    assert FORMATS["SVG"].write(done, measured) == FORMATS["SVG"].write({of.method: of}, None)
    assert believed(done, None) is done[METHODS[0]], "nothing is measured yet"


@pytest.mark.parametrize(
    ("n_lines", "strongest", "first"),
    [(20, 0, 0), (20, 2, 0), (20, 3, 0), (20, 4, 1), (20, 10, 7), (20, 17, 14), (20, 19, 14), (6, 3, 0), (4, 2, 0)],
)
def test_of_a_long_text_the_lines_around_the_strongest_word_are_shown(
    tiny_bert: Reranker, n_lines: int, strongest: int, first: int
) -> None:
    lines = [f"w{i}" for i in range(n_lines)]
    of = explain(tiny_bert, QUERY, "\n".join(lines), "saliency")
    at = of.document.index(lines[strongest])
    here = [t.segment == "document" and at <= (t.start or 0) < at + len(lines[strongest]) for t in of.tokens]
    said = texts(share_svg({"saliency": replace(of, attributions=tuple(map(float, here)))}))
    room = LINES["document"]
    assert [text for text in said if text in lines] == lines[first : first + room]
    cut = f"Document, lines {first + 1} to {first + room} of {n_lines}"
    assert (cut in said) == (n_lines > room)


@pytest.mark.parametrize(
    "document", [DOCUMENT * 30, "x" * 900, "\u05e9\u05dc\u05d5\u05dd 12 new york " * 60, "<b> & \x00 \U0001f600 " * 150]
)
def test_all_of_it_has_room_and_what_is_cut_is_said(tiny_bert: Reranker, document: str) -> None:
    svg = share_svg({"occlusion": explain(tiny_bert, QUERY, document, "occlusion")})
    root = ElementTree.fromstring(svg)
    bottoms = []
    for block in root.iter(f"{SVG}g"):
        top = float(re.findall(r"[\d.]+", block.get("transform") or "")[1])
        lines = {float(text.get("y", 0)) for text in block.iter(f"{SVG}text")}
        bottoms.append(top + 1.75 * max(lines))
        for text in block.iter(f"{SVG}text"):
            assert 40 + 1.75 * (float(text.get("x", 0)) + float(text.get("textLength", 0))) <= 1161
    assert all(bottom < 560 for bottom in bottoms), "the finding stands below"
    assert len(lines) <= LINES["document"]
    assert any(re.fullmatch(r"Document, lines \d+ to \d+ of \d+", text) for text in texts(svg))
