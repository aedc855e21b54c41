"""What a page prints of a real run, read back from the HTML, is the engine's number, with its unit."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise, permutations
from xml.etree import ElementTree

import pytest
from scipy.stats import spearmanr

from attribution import METHODS, explain
from attribution.evidence.agreement import captum_agreement
from attribution.evidence.faithfulness.measure import measure
from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.export import to_svg
from attribution.lab.internals import Inside, look_inside
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from attribution.views.cards import cards_html
from attribution.views.faithfulness import faithfulness_html
from attribution.views.learn import MEASURES, attention_html, readout_html, states_html
from attribution.views.score import score_html
from attribution.words import to_words
from tests.views.reading import EXPLANATION

QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants and paris more ."
OURS, CAPTUM = "integrated_gradients", "integrated_gradients_captum"
KEYS = ("saliency", OURS, CAPTUM, "occlusion")


class Page(HTMLParser):
    """`numbers`: texts by their `data-n`; `rows`: the cells' `data-v` by their row's heading; `words`: by `data-w`."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.numbers: dict[str, list[str]] = defaultdict(list)
        self.rows: list[tuple[str, list[str]]] = []
        self.words: dict[str, str] = {}
        self._open: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = dict(attrs)
        if name := got.get("data-n"):
            self.numbers[name].append("")
            self._open = name
        if tag == "tr":
            self.rows.append(("", []))
        elif tag == "td" and "data-v" in got:
            self.rows[-1][1].append(got["data-v"] or "")
        elif tag == "span" and "data-w" in got:
            self.words[got["data-w"] or ""] = got.get("data-v") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("span", "td", "p", "small"):
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open:
            self.numbers[self._open][-1] += data

    def cells(self) -> list[list[float]]:
        """Rows of a heat map, as numbers."""
        return [[value(cell) for cell in cells] for _, cells in self.rows if cells]


def value(printed: str) -> float:
    """A printed number without its unit."""
    return float(printed.replace("\u2212", "-").replace(",", "").split()[0])


@pytest.fixture(scope="module")
def done(tiny_bert: Reranker) -> dict[str, Explanation]:
    return {key: explain(tiny_bert, QUERY, DOCUMENT, key) for key in KEYS}


@pytest.fixture(scope="module")
def measured(tiny_bert: Reranker, done: dict[str, Explanation]) -> Faithfulness:
    return measure(tiny_bert, done)


@pytest.fixture(scope="module")
def inside(tiny_bert: Reranker) -> Inside:
    return look_inside(tiny_bert, tiny_bert.encode(QUERY, DOCUMENT))


@pytest.mark.parametrize("logit", [-800.0, -2.0, -0.3, 0.0, 0.3, 2.0, 6.0])
def test_the_probability(logit: float) -> None:
    page = Page(score_html(replace(EXPLANATION, logit=logit)))
    expected = 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
    (shown,) = page.numbers["probability"]
    assert shown == f"{100 * expected:.1f} %"
    assert value(page.numbers["logit"][0]) == pytest.approx(logit)
    assert "seen" not in page.numbers


@pytest.mark.parametrize("key", KEYS)
def test_every_words_number(key: str, done: dict[str, Explanation]) -> None:
    page = Page(cards_html({key: done[key]}))
    for segment in ("query", "document"):
        words = to_words(done[key], segment)
        shown = [page.words[f"{segment[0]}{i}"] for i in range(len(words))]
        assert [value(v) for v in shown] == pytest.approx([w.attribution for w in words], rel=5e-3, abs=1e-9)
        if METHODS[key].signed:
            assert all(v[0] in "+\u2212" for v in shown if value(v))


@pytest.mark.parametrize("key", ["occlusion", "saliency"])
def test_the_picture_colours_each_word_by_its_sign_and_its_share(key: str, done: dict[str, Explanation]) -> None:
    """In the SVG a word's box, if it has one, comes right before its text."""
    name = "{http://www.w3.org/2000/svg}"
    for block in ElementTree.fromstring(to_svg(done[key])).iter(f"{name}g"):
        title, *nodes = block
        words = to_words(done[key], "query" if "query" in (title.text or "").lower() else "document")
        values = {word.text.strip(): word.attribution or 0.0 for word in words}
        strengths = []
        for box, text in pairwise([title, *nodes]):
            if text.tag == f"{name}text" and box.tag == f"{name}rect":
                value = values[text.text or ""]
                raises = "raises" if value > 0 else "lowers"
                assert box.attrib["class"] == (raises if METHODS[key].signed else "strength")
                strengths.append(float(box.attrib["fill-opacity"]) / abs(value))
        assert len(strengths) > len(words) / 2
        assert strengths == pytest.approx([strengths[0]] * len(strengths), rel=0.05)


@pytest.mark.parametrize("key", ["occlusion", "saliency"])
def test_the_eight_strongest_words_of_both_sides(key: str, done: dict[str, Explanation]) -> None:
    both = [word for side in ("query", "document") for word in to_words(done[key], side)]
    sizes = sorted((abs(word.attribution or 0.0) for word in both), reverse=True)[:8]
    html = cards_html({key: done[key]})
    rows = re.findall(r'<bdi translate="no">(.*?)</bdi></th><td>(\w+)</td><td>([^<]*)</td>', html)
    assert [abs(value(number)) for _, _, number in rows] == pytest.approx(sizes, rel=5e-3)
    for text, side, number in rows:
        (word,) = [w for w in both if (w.text.strip(), w.segment) == (text, side)]
        assert value(number) == pytest.approx(word.attribution, rel=5e-3)
        assert (number[0] in "+\u2212") == METHODS[key].signed


def test_captums_distance_in_percent(done: dict[str, Explanation]) -> None:
    expected = captum_agreement(done[OURS], done[CAPTUM])
    page = Page(cards_html(done))
    (distance,) = page.numbers["captum-distance"]
    assert distance.endswith(" %")
    assert value(distance) == pytest.approx(100 * expected.relative_l1, rel=5e-3)
    assert value(page.numbers["captum-spearman"][0]) == pytest.approx(expected.spearman, abs=5e-3)


def test_the_faithfulness_table(measured: Faithfulness, done: dict[str, Explanation]) -> None:
    page = Page(faithfulness_html(measured, done))
    scores = sorted(measured.methods.items(), key=lambda item: -item[1].comprehensiveness)
    control = measured.random
    for name in ("comprehensiveness", "sufficiency"):
        shown = page.numbers[name]
        rows = [value(cell) for cell in shown if "\u00b1" not in cell]
        assert rows == pytest.approx([getattr(s, name) for _, s in scores], abs=5.1e-3)
        (spread,) = [cell for cell in shown if "\u00b1" in cell]
        of = getattr(control, name)
        assert [value(part) for part in spread.split("\u00b1")] == pytest.approx([of.mean, of.std], abs=5.1e-3)
    margins = [cell.split("\u00b1") for cell in page.numbers["margin"] if "\u00b1" in cell]
    expected = [(s.over_random.value, s.over_random.reach) for key, s in scores if not METHODS[key].control]
    for printed, margin in zip(margins, expected, strict=True):
        assert [value(part) for part in printed] == pytest.approx(margin, abs=5.1e-3)
    passes = [cell for cell in page.numbers["passes"] if "+" in cell]
    assert passes == [f"{done[k].n_forward} + {done[k].n_backward}" for k, _ in scores if k in done]
    deltas = [cell for cell in page.numbers["relative-delta"] if "%" in cell]
    missed = [
        max(max(p.relative_delta, p.relative_residual) for p in done[k].paths) for k, _ in scores if k in (OURS, CAPTUM)
    ]
    assert [value(cell) for cell in deltas] == pytest.approx([100 * m for m in missed], rel=0.06)
    assert value(page.numbers["logit"][0]) == pytest.approx(measured.logit, abs=5.1e-3)
    assert value(page.numbers["empty"][0]) == pytest.approx(control.orders[0].deletion[-1], abs=5.1e-3)
    assert value(page.numbers["forward"][0]) == measured.n_forward


def test_the_tables_seconds(measured: Faithfulness, done: dict[str, Explanation]) -> None:
    timed = {key: replace(done[key], seconds=1.237 + i) for i, key in enumerate(done)}
    shown = Page(faithfulness_html(replace(measured, seconds=7.654), timed)).numbers["seconds"]
    ranked = sorted(done, key=lambda key: -measured.methods[key].comprehensiveness)
    assert [cell for cell in shown if cell[0].isdigit() and not cell.endswith("s")] == [
        f"{timed[key].seconds:.2f}" for key in ranked
    ]
    assert shown[-1] == "7.7 s"


def test_the_agreement_of_the_methods(measured: Faithfulness, done: dict[str, Explanation]) -> None:
    """SciPy's ranks and Python's sets, of the words' values; the table goes row by row, its diagonal empty."""
    page = Page(faithfulness_html(measured, done))
    words = {key: [w.attribution or 0.0 for w in to_words(done[key], "document")] for key in done}
    ranks, overlaps = [], []
    for a, b in permutations(done, 2):
        both = METHODS[a].signed and METHODS[b].signed
        one, other = (words[key] if both else [abs(v) for v in words[key]] for key in (a, b))
        ranks.append(spearmanr(one, other).statistic)
        top, of = ({*sorted(range(len(v)), key=v.__getitem__)[-5:]} for v in (one, other))
        overlaps.append(100 * len(top & of) / 5)
    assert [value(cell) for cell in page.numbers["spearman"]] == pytest.approx(ranks, abs=5.1e-3)
    assert [value(cell) for cell in page.numbers["overlap"]] == pytest.approx(overlaps)
    assert all(cell.endswith(" %") for cell in page.numbers["overlap"])


@pytest.mark.parametrize(("layer", "head"), [(1, 2), (2, 1), (1, 0), (0, 0)])
def test_the_attention_map_is_of_the_chosen_head(layer: int, head: int, inside: Inside) -> None:
    """0 is the mean over all; the menus count from 1."""
    chosen = inside.attention if layer == 0 else inside.attention[[layer - 1]]
    chosen = chosen if head == 0 else chosen[:, [head - 1]]
    page = Page(attention_html(inside, layer, head))
    for row, expected in zip(page.cells(), chosen.mean((0, 1)).T, strict=True):
        assert row == pytest.approx((100 * expected).tolist(), rel=6e-3)
    assert all(cell.endswith(" % of its attention") for _, cells in page.rows for cell in cells)
    assert value(page.numbers["most"][0].removesuffix(" %")) == pytest.approx(
        100 * chosen.mean((0, 1))[0].max(), rel=6e-3
    )


@pytest.mark.parametrize("measure_name", MEASURES)
def test_the_states_and_the_readout(measure_name: str, inside: Inside) -> None:
    page = Page(states_html(inside, measure_name))
    for row, expected in zip(page.cells(), getattr(inside, measure_name).T, strict=True):
        assert row == pytest.approx(expected.tolist(), rel=6e-3, abs=1e-9)
    assert [value(v) for v in Page(readout_html(inside)).numbers["readout"]] == pytest.approx(
        inside.readout.tolist(), rel=6e-3
    )
