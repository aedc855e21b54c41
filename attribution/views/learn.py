"""The Learn tab: what PyTorch did, in two pictures and a table; what is inside, in heat maps and a curve. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from attribution.evidence.agreement import TOP as TOP_WORDS
from attribution.numbers import coordinate, fixed, number, signed_number
from attribution.views.curves import nice_ticks
from attribution.views.templating import Markup, render
from attribution.views.text import MAX_ALPHA, PLAIN_BELOW, kind_of, side_of

if TYPE_CHECKING:
    from attribution.lab.autograd import LabRow
    from attribution.lab.internals import Array, Inside, Unit

LINES = ("clone", "detach")  # the two lines that the switch is between
MEAN = 0  # in the layer and head menus, which count from 1
MEASURES = {
    "grad_norm": "gradient norm",
    "grad_x_state": "gradient \u00d7 activation",
    "state_norm": "norm of the states",
}
MEASURE_TEXTS = {
    "grad_norm": "How strongly the logit reacts to each word's state at each layer. In the last layer only what the "
    "head reads has a gradient.",
    "grad_x_state": "First-order share of each word's state in the logit: blue raises, orange with a dotted underline "
    "lowers.",
    "state_norm": "The length of each word's state. It never sees the score.",
}
COLOURS = {"grad_norm": "strength", "grad_x_state": "signed", "state_norm": "control"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 220, 48, 14, 14, 40


class Cell(NamedTuple):
    """`kind`: of `text.kind_of`; None for a plain one."""

    kind: str | None
    alpha: str
    label: str
    readout: str


class HeatMap(NamedTuple):
    """Words down, something across; `feet` below, named by `foot`."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    foot: str
    feet: Sequence[str]


def cell(shade: float, colours: str, label: str, readout: str) -> Cell:
    """`shade`: the value as a share of full strength; `label` stands in the cell, `readout` below the table."""
    kind = kind_of(shade, colours) if abs(shade) >= PLAIN_BELOW else None
    return Cell(kind, coordinate(MAX_ALPHA * abs(shade), 2), label, readout)


def menus_html(inside: Inside, layer: int, head: int) -> Markup:
    """Which layer and head the map of the attention is of; the last layer, and the mean of its heads, are first."""
    n_layers, n_heads = inside.attention.shape[:2]
    return render("menus.html", menus=[("Layer", n_layers, n_layers, layer), ("Head", n_heads, MEAN, head)])


def attention_html(inside: Inside, layer: int, head: int) -> Markup:
    """Document words down; across, the read-out position and the query words. `layer`, `head` from 1, 0 the mean."""
    weights = inside.attention if layer == MEAN else inside.attention[layer - 1 : layer]
    weights = weights if head == MEAN else weights[:, head - 1 : head]
    shares = weights.mean((0, 1)).T  # (document words, 1 + query words)
    top = max(float(shares.max()), 1e-9)
    read = _read_name(inside)
    words = [unit.text for unit in inside.words("document")]

    def attended(share: float) -> Cell:
        whole = fixed(100 * share, 0) if share >= 0.005 else ""
        return cell(share / top, "strength", whole, f"{number(100 * share)} % of its attention")

    heat = HeatMap(
        caption="Attention: document words down, who attends to them across, in %",
        columns=[f"{read} (read-out)", *(unit.text for unit in inside.words("query"))],
        rows=[(word, [*map(attended, row)]) for word, row in zip(words, shares.tolist(), strict=True)],
        foot="whole document",
        feet=[fixed(100 * total, 0) for total in shares.sum(0)],
    )
    best = int(shares[:, 0].argmax())
    most = words[best], float(shares[best, 0]), float(shares[:, 0].sum())
    return render("attention.html", heat=heat, read=read, several=len(inside.read_positions) > 1, top=top, most=most)


def states_html(inside: Inside, measure: str) -> Markup:
    """All words and template tokens down, the layers across; each layer is shaded by its own largest value."""
    values: Array = getattr(inside, measure).T  # (units, 1 + layers)
    tops = np.maximum(np.abs(values).max(0), 1e-12)
    printed = signed_number if COLOURS[measure] == "signed" else number

    def state(shade: float, value: float) -> Cell:
        share = "" if abs(shade) < 0.005 else printed(round(100 * shade))
        return cell(shade, COLOURS[measure], share, printed(value))

    rows = zip(inside.units, (values / tops).tolist(), values.tolist(), strict=True)
    heat = HeatMap(
        caption=f"Hidden states, {MEASURES[measure]}: words down, layers across, % of each layer's largest",
        columns=[_layer_name(layer) for layer in range(values.shape[1])],
        rows=[(_unit_name(inside, unit), [*map(state, shades, row)]) for unit, shades, row in rows],
        foot="largest (100)",
        feet=[number(float(top)) for top in tops],
    )
    best = np.abs(values).argmax(0)[[0, -1]]  # the strongest unit at both ends
    ends = [
        (_unit_name(inside, inside.units[unit]), printed(float(values[unit, end])))
        for unit, end in zip(best, (0, -1), strict=True)
    ]
    return render("states.html", heat=heat, text=MEASURE_TEXTS[measure], ends=ends)


def readout_html(inside: Inside) -> Markup:
    """The head's logit from each layer's states, as a curve and as a table."""
    values = [float(value) for value in inside.readout]
    ticks = nice_ticks(min(0.0, *values), max(0.0, *values))
    step = (WIDTH - LEFT - RIGHT) / (len(values) - 1)

    def y(value: float) -> float:
        return TOP + (ticks[-1] - value) / (ticks[-1] - ticks[0]) * (HEIGHT - TOP - BOTTOM)

    every = -(-len(values) // 12)  # at most 12 names fit
    drawing = {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "bottom": HEIGHT - BOTTOM,
        "zero": coordinate(y(0)),
        "ticks": [(coordinate(y(tick)), coordinate(y(tick) + 4), tick) for tick in ticks],
        "points": [
            (coordinate(LEFT + i * step), coordinate(y(value)), _layer_name(i), value, i % every == 0)
            for i, value in enumerate(values)
        ],
    }
    last = 1 + int(np.abs(np.diff(values)).argmax())
    jump = {"name": f"in layer {last}", "before": values[last - 1], "after": values[last]}
    return render("readout.html", values=values, d=drawing, jump=jump)


def _layer_name(layer: int) -> str:
    return "emb" if layer == 0 else str(layer)


def _read_name(inside: Inside) -> str:
    if len(inside.read_positions) > 1:
        return "the mean of all"
    return next(unit.text for unit in inside.units if inside.read_positions[0] in unit.positions)


def _unit_name(inside: Inside, unit: Unit) -> str:
    read = len(inside.read_positions) == 1 and inside.read_positions[0] in unit.positions
    return f"{unit.text} (read-out)" if read else unit.text


def pictures_html(rows: Sequence[LabRow]) -> Markup:
    """The document by `.clone()` and by `.detach().requires_grad_()`, with a switch between the two.

    In the colours of the saliency, or of the magnitude where there was no gradient.
    """
    lines = [next(row for row in rows if row.experiment.leaf == leaf) for leaf in LINES]
    colours = ["control" if row.grad is None else "strength" for row in lines]
    pictures = [(row, side_of(row.words, "document", of)) for row, of in zip(lines, colours, strict=True)]
    return render("lab_pictures.html", pictures=pictures, top=TOP_WORDS)


def lab_html(rows: Sequence[LabRow], equal: tuple[Sequence[int], float], *, finished: bool) -> Markup:
    """The table of the rows so far, and what they show together once `finished`.

    `equal`: what `equal_gradients` says of the rows.
    """
    return render(
        "lab.html",
        rows=rows,
        totals=["none" if row.total is None else number(row.total) for row in rows],
        equal=equal[0],
        largest=equal[1],
        finished=finished,
        clones=[
            [(row, _gave(row)) for row in rows if row.experiment.leaf == leaf]
            for leaf in ("clone", "clone_requires_grad")
        ],
    )


def _gave(row: LabRow) -> str:
    return "an error" if row.raised else "the gradient" if row.equal else "no gradient"
