"""The heat maps' colours, labels and last rows on paper: two words, two layers, two heads."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from attribution.lab.internals import Inside
from attribution.numbers import number
from attribution.types import Unit
from attribution.views.learn import MEASURES, attention_html, readout_html, states_html
from attribution.views.text import MAX_ALPHA
from tests.views.reading import read

UNITS = (
    Unit("[CLS]", "template", (0,)),
    Unit("who", "query", (1,)),
    Unit("berlin", "document", (2, 3)),
    Unit("has", "document", (4,)),
)
VALUES = np.array([[2.0, 0.0, -1.0, 0.002], [4.0, -4.0, 0.161, 0.159]], np.float32)  # (1 + layers, units)
INSIDE = Inside(
    logit=1.0,
    units=UNITS,
    read_positions=(0,),
    attention=np.linspace(0, 0.15, 16, dtype=np.float32).reshape(2, 2, 2, 2),
    state_norm=abs(VALUES),
    grad_norm=abs(VALUES),
    grad_x_state=VALUES,
    readout=np.array([0.0, 1.0], np.float32),
)
Cell = tuple[str, str, str, str]  # class, strength, number, label


def cells(html: str) -> list[list[Cell]]:
    """Row by row."""
    rows = html.split("<tbody>")[1].split("</tbody>")[0].split("</tr>")[:-1]
    found = (re.findall(r'<td( class="rl-in-(\w+)" style="--a:([\d.]+)")? data-v="([^"]*)">([^<]*)', r) for r in rows)
    return [[(kind, alpha, unescape(v), label) for _, kind, alpha, v, label in row] for row in found]


def feet(html: str) -> list[str]:
    return re.findall(r"<td>([^<]*)", html.split("<tfoot>")[1])


def heads(html: str) -> list[str]:
    return re.findall(r'scope="col"><span dir="auto" translate="no">([^<]*)', html)


def names(html: str) -> list[str]:
    return re.findall(r'scope="row" dir="auto" translate="no">([^<]*)', html)


@pytest.mark.parametrize("measure", MEASURES)
def test_states_are_shaded_by_each_layers_largest(measure: str) -> None:
    html = states_html(INSIDE, measure)
    signed = measure == "grad_x_state"  # the others are norms
    more, less = ("raises", "lowers") if signed else ({"grad_norm": "strength", "state_norm": "control"}[measure],) * 2
    sign, minus = ("+", "\u2212") if signed else ("", "")
    expected = [
        [(more, "0.62", f"{sign}2", f"{sign}100"), (more, "0.62", f"{sign}4", f"{sign}100")],
        [("", "", "0", ""), (less, "0.62", f"{minus}4", f"{minus}100")],
        [(less, "0.31", f"{minus}1", f"{minus}50"), (more, "0.02", f"{sign}0.161", f"{sign}4")],
        [("", "", f"{sign}0.002", ""), ("", "", f"{sign}0.159", f"{sign}4")],
    ]
    assert cells(html) == expected
    assert (feet(html), heads(html)) == (["2", "4"], ["emb", "1"])
    assert names(html) == ["[CLS] (read-out)", "who", "berlin", "has"]


@pytest.mark.parametrize("most", [0.15, 0.99])
@pytest.mark.parametrize(("layer", "head"), [(0, 0), (1, 1), (1, 2), (2, 0), (0, 2)])
def test_attention_is_shaded_by_the_largest_share(layer: int, head: int, most: float) -> None:
    inside = replace(INSIDE, attention=INSIDE.attention * np.float32(most / 0.15))
    weights = inside.attention[[layer - 1] if layer else [0, 1]][:, [head - 1] if head else [0, 1]].mean((0, 1))
    html = attention_html(inside, layer, head)
    for j, row in enumerate(cells(html)):
        for i, (kind, alpha, says, label) in enumerate(row):
            share = float(weights[i, j])
            strength = share / float(weights.max())
            assert kind == ("strength" if strength >= 0.04 else "")
            assert alpha == (f"{MAX_ALPHA * strength:.2f}" if kind else "")
            assert says == f"{number(100 * share)} % of its attention"
            assert label == (f"{100 * share:.0f}" if share >= 0.005 else "")
    assert [float(foot) for foot in feet(html)] == pytest.approx(100 * weights.sum(1), abs=0.5)
    assert (heads(html), names(html)) == (["[CLS] (read-out)", "who"], ["berlin", "has"])
    assert f'data-n="full">{100 * weights.max():.3g} %<' in html


@pytest.mark.parametrize("measure", MEASURES)
def test_states_of_any_size_have_the_same_shades(measure: str) -> None:
    small = replace(INSIDE, **{name: 0.01 * getattr(INSIDE, name) for name in MEASURES})
    shades = [
        [(cell[:2], cell[3]) for row in cells(states_html(of, measure)) for cell in row] for of in (INSIDE, small)
    ]
    assert shades[0] == shades[1]


def test_a_head_that_reads_everywhere_is_said() -> None:
    everywhere = replace(INSIDE, read_positions=(0, 1, 2))
    assert heads(attention_html(everywhere, 0, 0))[0] == "the mean of all (read-out)"
    assert names(states_html(everywhere, "state_norm")) == ["[CLS]", "who", "berlin", "has"]
    assert "every column can reach the score" in attention_html(everywhere, 0, 0)
    assert "only that column can reach the score" in attention_html(INSIDE, 0, 0)


def test_shares_of_nothing_have_no_colour() -> None:
    empty = replace(INSIDE, attention=np.zeros((2, 2, 2, 2), np.float32), state_norm=np.zeros((2, 4), np.float32))
    for html in (attention_html(empty, 0, 0), states_html(empty, "state_norm")):
        assert {(kind, label) for row in cells(html) for kind, _, _, label in row} == {("", "")}


def test_a_sentence_says_what_one_sees_in_each() -> None:
    text = " ".join(read(attention_html(INSIDE, 2, 2)).text.split())
    shares = 100 * INSIDE.attention[1, 1, 0]
    strongest = ["berlin", "has"][int(shares.argmax())]
    said = f"[CLS] reads most from {strongest}: {shares.max():.3g} % of its attention; "
    assert f"{said}all document words together get {shares.sum():.3g} %" in text
    text = " ".join(read(states_html(INSIDE, "grad_x_state")).text.split())
    assert "Largest after the embeddings: [CLS] (read-out) (+2); after the last layer: [CLS] (read-out) (+4)." in text
    moved = replace(INSIDE, grad_x_state=VALUES - np.float32(3))
    text = " ".join(read(states_html(moved, "grad_x_state")).text.split())
    assert "Largest after the embeddings: berlin (\u22124); after the last layer: who (\u22127)." in text
    long = replace(moved, units=(UNITS[0], *(replace(unit, text="x" * 900) for unit in UNITS[1:])))
    for html in (attention_html(long, 2, 2), states_html(long, "grad_x_state")):
        assert "x" * 50 in html
        assert "x" * 900 not in html.partition("</p>")[0]
    curve = replace(INSIDE, readout=np.array([0.0, 1.0, -2.0, -1.5], np.float32))
    text = " ".join(read(readout_html(curve)).text.split())
    assert "The largest step is in layer 2: from +1 to \u22122." in text
