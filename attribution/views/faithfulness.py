"""Faithfulness -> one picture, one table, the agreement matrix. No torch, no gradio."""

from collections.abc import Mapping
from typing import NamedTuple

from attribution.evidence.agreement import agreement
from attribution.evidence.faithfulness.scores import Curves, Faithfulness, Scores
from attribution.methods import METHODS
from attribution.numbers import fixed, logit, percent
from attribution.types import Explanation
from attribution.views.curves import CONTROL_STYLE, LEVEL_STYLE, RANDOM_STYLE, Style, chart_svg, style_of
from attribution.views.templating import Markup, render

Explanations = Mapping[str, Explanation]
WIDE = 8  # methods from which the matrix is wider than a laptop's page
CURVES = (
    ("deletion", "Remove the top words: lower is better", "The logit as each method's top words go", "removed"),
    ("insertion", "Keep only the top words: higher is better", "The logit when only the top words stay", "kept"),
)
REMOVING = {"mask": "Masking", "delete": "Deleting"}  # by operator
LOWERED = (
    "{} all its words raises this document's score. A method without a sign cannot tell words that lower the score "
    "from words that raise it, so its comprehensiveness can be negative although it found words that matter."
)
RAISED = (
    "{} random words raises the score of this pair: the model scores it higher with words missing. "
    "Compare the methods with the random orders, not with zero, and look at the other way of removing words too."
)
EMPTY = dict.fromkeys(("comprehensiveness", "sufficiency", "margin", "relative-delta", "passes", "seconds"), "\u2013")


class Drawn(NamedTuple):
    """A method as this section shows it: its name, with what ran in its place if it fell back, and its line's style.

    `control`: whether what ran never sees the score.
    """

    name: str
    style: Style
    control: bool


RANDOM = Drawn("Random order", RANDOM_STYLE, True)


def faithfulness_html(measured: Faithfulness, explanations: Explanations) -> Markup:
    """The whole section. Methods of `explanations` that are not measured yet are listed as such."""
    empty = measured.random.orders[0].deletion[-1]  # every order ends without a word
    chance = measured.random.comprehensiveness
    warning = LOWERED if empty > measured.logit else RAISED if chance.mean + chance.std < 0 else ""
    methods = {key: _drawn(key, explanations) for key in (*measured.methods, *explanations)}
    table = agreement(explanations)
    return render(
        "faithfulness.html",
        measured=measured,
        empty=empty,
        warning=warning.format(REMOVING[measured.operator]),
        charts=[(curve[1], _chart(*curve, measured, methods)) for curve in CURVES],
        keys=[methods[key] for key in measured.methods],
        random_style=RANDOM_STYLE,
        level_style=LEVEL_STYLE,
        rows=_rows(measured, explanations, methods),
        waiting=[methods[key].name for key in explanations if key not in measured.methods],
        agreement=[
            {"place": i + 1, "key": key, "name": methods[key].name, "cells": list(zip(ranks, overlaps, strict=True))}
            for i, (key, ranks, overlaps) in enumerate(zip(table.methods, table.spearman, table.overlap, strict=True))
        ],
        wide=len(table.methods) > WIDE,
    )


def _drawn(key: str, explanations: Explanations) -> Drawn:
    """A method that fell back to a control is drawn as one."""
    ran = explanations[key].method if key in explanations else key
    name = METHODS[key].label if key in METHODS else key
    if key in METHODS and ran != key:
        name = f"{name} (ran: {METHODS[ran].label})"
    control = METHODS[ran].control
    return Drawn(name, CONTROL_STYLE if control else style_of(key, list(explanations)), control)


def _chart(
    key: str, caption: str, title: str, verb: str, measured: Faithfulness, methods: Mapping[str, Drawn]
) -> Markup:
    """One of `CURVES`, without its last point, where every order is the same."""

    def inner(curves: Curves) -> tuple[float, ...]:
        return (curves.deletion if key == "deletion" else curves.insertion)[:-1]

    return chart_svg(
        key=key,
        title=title,
        description=f"{caption}. The numbers are in the table below.",
        x_label=f"top words {verb}, % of the document",
        shares=(0.0, *measured.fractions),
        lines=[(methods[name].style, inner(scores)) for name, scores in measured.methods.items()],
        band=[inner(order) for order in measured.random.orders],
        levels={"whole": measured.logit, "none": measured.random.orders[0].deletion[-1]},
    )


def _rows(measured: Faithfulness, explanations: Explanations, methods: Mapping[str, Drawn]) -> list[dict[str, object]]:
    """The table by comprehensiveness, the random orders among the methods; `cells` by the names of its columns."""
    rows = []
    for key, scores in measured.methods.items():
        told = measured.enough_words and not methods[key].control
        cells = EMPTY | _measured_cells(scores, told) | _cost_cells(explanations.get(key))
        row = {"key": key, "method": methods[key], "good": told and scores.clear, "cells": cells}
        rows.append((scores.comprehensiveness, row))
    spreads = {name: getattr(measured.random, name) for name in ("comprehensiveness", "sufficiency")}
    cells = EMPTY | {name: f"{fixed(of.mean, 2)} \u00b1 {fixed(of.std, 2)}" for name, of in spreads.items()}
    rows.append((spreads["comprehensiveness"].mean, {"key": "random", "method": RANDOM, "good": False, "cells": cells}))
    return [row for _, row in sorted(rows, key=lambda row: -row[0])]


def _measured_cells(scores: Scores, told: bool) -> dict[str, str]:
    """Without the margin for a control and for a document too short to tell."""
    cells = {name: fixed(getattr(scores, name), 2) for name in ("comprehensiveness", "sufficiency")}
    margin = scores.over_random
    return cells | ({"margin": f"{logit(margin.value)} \u00b1 {fixed(margin.reach, 2)}"} if told else {})


def _cost_cells(explanation: Explanation | None) -> dict[str, str]:
    if explanation is None:
        return {}
    cells = {"passes": f"{explanation.n_forward} + {explanation.n_backward}", "seconds": fixed(explanation.seconds, 2)}
    missed = [max(path.relative_delta, path.relative_residual) for path in explanation.paths]
    return cells | ({"relative-delta": f"{percent(max(missed))} %"} if missed else {})
