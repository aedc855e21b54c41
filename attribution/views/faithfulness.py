"""Faithfulness -> one picture, one table, the agreement matrix. No torch, no gradio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from attribution.evidence.faithfulness.agreement import agreement
from attribution.methods import METHODS
from attribution.numbers import fixed, logit, percent
from attribution.views.curves import (
    CONTROL_STYLE,
    LEVEL_STYLE,
    RANDOM_STYLE,
    Chart,
    Line,
    Style,
    chart_svg,
    style_of,
)
from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.faithfulness.scores import Control, Curves, Faithfulness, Scores, Spread
    from attribution.types import Explanation

Explanations = Mapping[str, "Explanation"]
NONE = "\u2013"
WIDE = 8  # methods from which the matrix is wider than a laptop's page
CURVES = (
    ("deletion", "Remove the top words: lower is better", "The logit as each method's top words go", "removed"),
    ("insertion", "Keep only the top words: higher is better", "The logit when only the top words stay", "kept"),
)
LOWERED = (
    "This document scores lower than no document at all. A method without a sign cannot tell words that lower the "
    "score from words that raise it, so its comprehensiveness can be negative although it found words that matter."
)
RAISED = (
    "Removing random words raises the score of this pair: the model scores it higher with words missing. "
    "Compare the methods with the random orders, not with zero, and look at the other way of removing words too."
)


class FaithfulnessRow(NamedTuple):
    """One line of the table: `key` and `cells` by the names of its columns; `band` for the random orders' sample."""

    key: str
    name: str
    style: Style
    band: bool
    control: bool
    good: bool
    cells: Mapping[str, str]


def faithfulness_html(faithfulness: Faithfulness, explanations: Explanations) -> Markup:
    """The whole section. Methods of `explanations` that are not measured yet are listed as such."""
    empty = faithfulness.random.orders[0].deletion[-1]  # every order ends without a word
    chance = faithfulness.random.comprehensiveness
    raised = chance.mean + chance.std < 0
    table = agreement(explanations)
    return render(
        "faithfulness.html",
        measured=faithfulness,
        empty=empty,
        warning=LOWERED if empty > faithfulness.logit else RAISED if raised else "",
        charts=_charts(faithfulness, explanations),
        keys=[(_label(key, explanations), style) for key, style in _styles(faithfulness, explanations).items()],
        random_style=RANDOM_STYLE,
        level_style=LEVEL_STYLE,
        rows=_rows(faithfulness, explanations),
        waiting=[_label(key, explanations) for key in explanations if key not in faithfulness.methods],
        agreement=[
            {
                "place": i + 1,
                "key": key,
                "name": _label(key, explanations),
                "cells": list(zip(table.spearman[i], table.overlap[i], strict=True)),
            }
            for i, key in enumerate(table.methods)
        ],
        wide=len(table.methods) > WIDE,
    )


def _spread(spread: Spread) -> str:
    return f"{logit(spread.mean)} \u00b1 {logit(spread.std)}"


def _label(key: str, explanations: Explanations) -> str:
    """The method's name, with what ran in its place if it fell back."""
    ran = explanations[key].method if key in explanations else key
    asked = METHODS[key].label if key in METHODS else key
    return asked if ran == key or key not in METHODS else f"{asked} (ran: {METHODS[ran].label})"


def _is_control(key: str, explanations: Explanations) -> bool:
    return METHODS[explanations[key].method if key in explanations else key].control


def _styles(faithfulness: Faithfulness, explanations: Explanations) -> dict[str, Style]:
    """A method that fell back to a control is drawn as one."""
    return {
        key: CONTROL_STYLE if _is_control(key, explanations) else style_of(key, list(explanations))
        for key in faithfulness.methods
    }


def _charts(faithfulness: Faithfulness, explanations: Explanations) -> list[tuple[str, Markup]]:
    """Caption and picture of the two curves."""
    styles = _styles(faithfulness, explanations)
    orders = faithfulness.random.orders
    charts = []
    for key, caption, title, verb in CURVES:
        chart = Chart(
            key=key,
            title=title,
            description=f"{caption}. The numbers are in the table below.",
            x_label=f"top words {verb}, % of the document",
            shares=(0.0, *faithfulness.fractions),
            lines=[Line(styles[name], _inner(key, scores)) for name, scores in faithfulness.methods.items()],
            band=[_inner(key, order) for order in orders],
            levels={"whole": faithfulness.logit, "none": orders[0].deletion[-1]},
        )
        charts.append((caption, chart_svg(chart)))
    return charts


def _inner(key: str, curves: Curves) -> tuple[float, ...]:
    """A curve without its last point, where every order is the same."""
    return (curves.deletion if key == "deletion" else curves.insertion)[:-1]


def _rows(faithfulness: Faithfulness, explanations: Explanations) -> list[FaithfulnessRow]:
    """Sorted by comprehensiveness, the random orders in their place among the methods."""
    rows = [
        (scores.comprehensiveness, _row(key, scores, faithfulness, explanations))
        for key, scores in faithfulness.methods.items()
    ]
    rows.append((faithfulness.random.comprehensiveness.mean, _random_row(faithfulness.random)))
    return [row for _, row in sorted(rows, key=lambda row: -row[0])]


def _row(key: str, scores: Scores, faithfulness: Faithfulness, explanations: Explanations) -> FaithfulnessRow:
    """`margin` is empty for a control and for a document too short to tell."""
    control = _is_control(key, explanations)
    told = faithfulness.enough_words and not control
    cells = dict.fromkeys(("relative-delta", "passes", "seconds"), NONE)
    if explanation := explanations.get(key):
        cells["passes"] = f"{explanation.n_forward} + {explanation.n_backward}"
        cells["seconds"] = fixed(explanation.seconds, 2)
        if explanation.paths:
            missed = max(max(path.relative_delta, path.relative_residual) for path in explanation.paths)
            cells["relative-delta"] = f"{percent(missed)} %"
    return FaithfulnessRow(
        key,
        _label(key, explanations),
        _styles(faithfulness, explanations)[key],
        False,
        control,
        told and scores.clear,
        {
            "comprehensiveness": logit(scores.comprehensiveness),
            "sufficiency": logit(scores.sufficiency),
            "margin": f"{logit(scores.over_random.value, True)} \u00b1 {logit(scores.over_random.reach)}"
            if told
            else NONE,
            **cells,
        },
    )


def _random_row(control: Control) -> FaithfulnessRow:
    cells = {
        "comprehensiveness": _spread(control.comprehensiveness),
        "sufficiency": _spread(control.sufficiency),
        **dict.fromkeys(("margin", "relative-delta", "passes", "seconds"), NONE),
    }
    return FaithfulnessRow("random", "Random order", RANDOM_STYLE, True, True, False, cells)
