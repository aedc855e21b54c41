"""`Inside` -> escaped HTML: two heat maps with their numbers in the cells, and the probe as a curve and a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from attribution.lab.internals import Array, Inside, Unit
from attribution.views.card import MAX_ALPHA, PLAIN_BELOW
from attribution.views.curves import nice_ticks
from attribution.views.numbers import number

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
NOT_ATTRIBUTION = (
    "Attention is not attribution: it says what a position reads from, not whether that raised or lowered the score."
)
PROBE_TEXT = (
    "A probe, not a measurement of the model at work: the head was trained on the last layer's states only. Before the "
    "last layer it shows what the head would say to states it has never met."
)
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 220, 48, 14, 14, 40


@dataclass(frozen=True)
class HeatMap:
    """Words down, something across. `shades`, `labels`, `readouts`: one a cell.

    `colour`: "strength", "control", or "signed", where a negative shade lowers.
    """

    caption: str
    colour: str
    rows: Sequence[str]
    columns: Sequence[str]
    feet: Sequence[str]
    shades: Array
    labels: Sequence[Sequence[str]]
    readouts: Sequence[Sequence[str]]


def attention_html(inside: Inside, layer: int, head: int) -> str:
    """Document words down; across, the read-out position and the query words. `layer`, `head` from 1, 0 the mean."""
    weights = inside.attention if layer == MEAN else inside.attention[layer - 1 : layer]
    weights = weights if head == MEAN else weights[:, head - 1 : head]
    shares = weights.mean((0, 1)).T  # (document words, 1 + query words)
    top = max(float(shares.max()), 1e-9)
    read, several = _read_name(inside), len(inside.read_positions) > 1
    reach = "every column" if several else "only that column"
    map_html = heat_html(
        HeatMap(
            caption="Attention: document words down, who attends to them across, in %",
            colour="strength",
            rows=[unit.text for unit in inside.words("document")],
            columns=[f"{read} (read-out)", *(unit.text for unit in inside.words("query"))],
            feet=[f"{100 * total:.0f}" for total in shares.sum(0)],
            shades=shares / top,
            labels=[[f"{100 * share:.0f}" if share >= 0.005 else "" for share in row] for row in shares],
            readouts=[[f"{number(100 * float(share))} % of its attention" for share in row] for row in shares],
        ),
        foot="whole document",
    )
    return (
        f'<div class="rl-root rl-in"><p>The score is read from <b>{escape(read)}</b>, the first column: in the last '
        f"layer {reach} can reach the score. {NOT_ATTRIBUTION}</p>{map_html}"
        f"<p><small>Full colour: {100 * top:.3g} %. What the last row lacks to 100 % went to the query and to template "
        "tokens such as [SEP].</small></p></div>"
    )


def states_html(inside: Inside, measure: str) -> str:
    """All words and template tokens down, the layers across; each layer is shaded by its own largest value."""
    values: Array = getattr(inside, measure).T  # (units, 1 + layers)
    tops = np.maximum(np.abs(values).max(0), 1e-12)
    shades = values / tops
    signed = COLOURS[measure] == "signed"
    layers = [_layer_name(layer) for layer in range(values.shape[1])]
    map_html = heat_html(
        HeatMap(
            caption=f"Hidden states, {MEASURES[measure]}: words down, layers across, % of each layer's largest",
            colour=COLOURS[measure],
            rows=[_unit_name(inside, unit) for unit in inside.units],
            columns=layers,
            feet=[number(float(top)) for top in tops],
            shades=shades,
            labels=[[_percent(shade, signed) for shade in row] for row in shades],
            readouts=[[number(float(value), signed) for value in row] for row in values],
        ),
        foot="largest (100)",
    )
    return f'<div class="rl-root rl-in"><p>{escape(MEASURE_TEXTS[measure])}</p>{map_html}</div>'


def heat_html(heat: HeatMap, foot: str) -> str:
    """A table that scrolls in its own box; arrow keys, hover and tap read out a cell in the line below it."""
    columns = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in heat.columns)
    body = "".join(
        f'<tr><th scope="row" dir="auto">{escape(name)}</th>'
        + "".join(_cell_html(heat.colour, *cell) for cell in zip(shades, labels, readouts, strict=True))
        + "</tr>"
        for name, shades, labels, readouts in zip(heat.rows, heat.shades, heat.labels, heat.readouts, strict=True)
    )
    feet = "".join(f"<td>{escape(text)}</td>" for text in heat.feet)
    return (
        f'<div class="rl-in-map"><p class="rl-in-caption">{escape(heat.caption)}</p>'
        f'<div class="rl-in-box" tabindex="0" role="group" '
        f'aria-label="{escape(heat.caption)}; arrow keys go from cell to cell">'
        f'<table aria-label="{escape(heat.caption)}">'
        f"<thead><tr><td></td>{columns}</tr></thead><tbody>{body}</tbody>"
        f'<tfoot><tr><th scope="row">{escape(foot)}</th>{feet}</tr></tfoot></table></div>'
        '<p class="rl-in-readout" aria-live="polite">Point at a cell, or use the arrow keys, for its number.</p></div>'
    )


def probe_html(inside: Inside) -> str:
    """The head's logit from each layer's states, as a curve and as a table."""
    values = [float(value) for value in inside.probe]
    names = [_layer_name(layer) for layer in range(len(values))]
    rows = "".join(
        f"<tr><th scope='row'>{name}</th><td>{number(value, True)}</td></tr>"
        for name, value in zip(names, values, strict=True)
    )
    return (
        f'<div class="rl-root rl-in"><p><span class="rl-badge rl-badge-warn">probe</span> {PROBE_TEXT}</p>'
        f"{_curve_svg(names, values)}<details><summary>The same as numbers</summary><table><thead><tr>"
        f'<th scope="col">after layer</th><th scope="col">logit</th></tr></thead><tbody>{rows}</tbody></table>'
        "</details></div>"
    )


def _curve_svg(names: Sequence[str], values: Sequence[float]) -> str:
    ticks = nice_ticks(min(0.0, *values), max(0.0, *values))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(values) - 1)

    def y(value: float) -> float:
        return TOP + (ticks[-1] - value) / (ticks[-1] - ticks[0]) * (HEIGHT - TOP - BOTTOM)

    points = [(LEFT + i * step, y(value)) for i, value in enumerate(values)]
    every = -(-len(values) // 12)  # at most 12 names fit
    return (
        f'<svg class="rl-in-curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Logit of the head by layer, '
        f'from {number(values[0], True)} after the embeddings to {number(values[-1], True)} after the last layer">'
        + "".join(
            f'<path class="rl-in-grid" d="M{LEFT},{y(t):.1f}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 6}" y="{y(t) + 4:.1f}" text-anchor="end">{number(t)}</text>'
            for t in ticks
        )
        + f'<path class="rl-in-zero" d="M{LEFT},{y(0):.1f}H{WIDTH - RIGHT}"/>'
        + "".join(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{name}</text>'
            for i, ((x, _), name) in enumerate(zip(points, names, strict=True))
            if i % every == 0
        )
        + f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">states after layer</text>'
        + f'<path class="rl-in-line" d="M{"L".join(f"{x:.1f},{at:.1f}" for x, at in points)}"/>'
        + "".join(
            f'<circle cx="{x:.1f}" cy="{at:.1f}" r="4"><title>{name}: {number(value, True)}</title></circle>'
            for (x, at), name, value in zip(points, names, values, strict=True)
        )
        + "</svg>"
    )


def _cell_html(colour: str, shade: float, label: str, readout: str) -> str:
    kind = style = ""
    if abs(shade) >= PLAIN_BELOW:
        kind = "lowers" if shade < 0 else "raises" if colour == "signed" else colour
        kind = f' class="rl-in-{kind}"'
        style = f' style="--a:{MAX_ALPHA * abs(shade):.2f}"'
    return f'<td{kind}{style} data-v="{escape(readout)}">{escape(label)}</td>'


def _percent(shade: float, signed: bool) -> str:
    return "" if abs(shade) < 0.005 else number(round(100 * float(shade)), signed)


def _layer_name(layer: int) -> str:
    return "emb" if layer == 0 else str(layer)


def _read_name(inside: Inside) -> str:
    if len(inside.read_positions) > 1:
        return "the mean of all"
    return next(unit.text for unit in inside.units if inside.read_positions[0] in unit.positions)


def _unit_name(inside: Inside, unit: Unit) -> str:
    read = len(inside.read_positions) == 1 and inside.read_positions[0] in unit.positions
    return f"{unit.text} (read-out)" if read else unit.text
