"""Faithfulness -> escaped HTML: one picture, one table, the agreement matrix. No torch, no gradio."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from attribution.evidence.agreement import Agreement, agreement
from attribution.methods import METHODS
from attribution.rerankers.removal import OPERATORS
from attribution.views.curves import (
    CONTROL_STYLE,
    LEVEL_STYLE,
    RANDOM_STYLE,
    Chart,
    Line,
    Style,
    chart_svg,
    line_style,
    swatch,
)

if TYPE_CHECKING:
    from attribution.evidence.faithfulness import Control, Curves, Faithfulness, Scores, Spread
    from attribution.types import Explanation

Explanations = Mapping[str, "Explanation"]
NONE = "\u2013"

HEADINGS = (
    ("method", "Method"),
    ("drop", "Comprehensiveness<br/><small>logits, higher is better</small>"),
    ("keep", "Sufficiency<br/><small>logits, lower is better</small>"),
    ("chance", "Beats random orders"),
    ("delta", "Relative delta"),
    ("passes", "Passes<br/><small>forward + backward</small>"),
    ("time", "Seconds"),
)
CURVES = (
    ("deletion", "Remove the top words: lower is better", "The logit as each method's top words go", "removed"),
    ("insertion", "Keep only the top words: higher is better", "The logit when only the top words stay", "kept"),
)
NOTE = (
    "Comprehensiveness: how far the logit falls when a method's top words go. Sufficiency: how far it falls when "
    "only they stay. Both are means over the top {shares} of the document's words; the query stays whole. "
    "Signed methods rank words by what raises the score, the others by size. "
    "Operator: {operator}. The logit's scale is each model's own: never compare these numbers across models."
)
LOWERED = (
    "This document scores lower than no document at all. A method without a sign cannot tell words that lower the "
    "score from words that raise it, so its comprehensiveness can be negative although it found words that matter."
)
RAISED = (
    "Removing random words raises the score of this pair: the model finds the text with holes better than the text. "
    "Compare the methods with the random orders, not with zero, and look at the other operator too."
)
AGREEMENT_NOTE = (
    "Agreement is not correctness: methods can be wrong together. Two signed methods are compared by value, "
    "otherwise by size."
)


def faithfulness_html(faithfulness: Faithfulness, explanations: Explanations) -> str:
    """The whole section. Methods of `explanations` that are not measured yet are listed as such."""
    empty = faithfulness.random.orders[0].deletion[-1]  # every order ends without a word
    shares = ", ".join(f"{100 * share:.0f}" for share in faithfulness.fractions)
    note = NOTE.format(shares=f"{shares} %", operator=OPERATORS[faithfulness.operator])
    chance = faithfulness.random.comprehensiveness
    raised = chance.mean + chance.std < 0
    warning = LOWERED if empty > faithfulness.logit else RAISED if raised else ""
    warning = f'<p class="rl-note">{warning}</p>' if warning else ""
    return (
        '<section class="rl-faith" aria-label="Faithfulness"><h4>Which explanation to trust on this pair</h4>'
        f'<p class="rl-says">The logit is {_logit(faithfulness.logit)}; without any document word, {_logit(empty)}. '
        "Take away the words a method calls important: the faster the logit falls, the better that method knows what "
        "this model reads. "
        f"The grey band is {len(faithfulness.random.orders)} random orders of the same words.</p>{warning}"
        f"{_charts(faithfulness, explanations)}{_legend(faithfulness, explanations)}"
        f"{_table(faithfulness, explanations)}"
        f'<p class="rl-says">{note}</p>'
        f"{_agreement(agreement(explanations), explanations)}"
        f'<p class="rl-says">{faithfulness.n_forward} forward passes, {faithfulness.seconds:.1f} s; '
        "what two orders share is scored once.</p></section>"
    )


def verdict_html(scores: Scores, control: Control) -> str:
    """One line for a method's card: its comprehensiveness against the random orders, and the verdict in words."""
    kind = "rl-verdict-good" if scores.beats_random else "rl-verdict-weak"
    return (
        f'<p class="rl-verdict {kind}"><strong>{escape(scores.verdict)}</strong> Comprehensiveness '
        f"{_logit(scores.comprehensiveness)} logits; random orders {_spread(control.comprehensiveness)}.</p>"
    )


def _logit(value: float) -> str:
    text = f"{value:.2f}"
    return ("0.00" if float(text) == 0 else text).replace("-", "\u2212")


def _spread(spread: Spread) -> str:
    return f"{_logit(spread.mean)} \u00b1 {spread.std:.2f}"


def _label(key: str, explanations: Explanations) -> str:
    """The method's name, with what ran in its place if it fell back; not escaped."""
    ran = explanations[key].method if key in explanations else key
    asked = METHODS[key].label if key in METHODS else key
    return asked if ran == key or key not in METHODS else f"{asked} (ran: {METHODS[ran].label})"


def _is_control(key: str, explanations: Explanations) -> bool:
    return METHODS[explanations[key].method if key in explanations else key].control


def _styles(faithfulness: Faithfulness, explanations: Explanations) -> dict[str, Style]:
    """A method keeps its style while results come in, since `explanations` is complete from the start."""
    styles = {key: line_style(i) for i, key in enumerate(explanations)}
    return {key: CONTROL_STYLE if _is_control(key, explanations) else styles[key] for key in faithfulness.methods}


def _charts(faithfulness: Faithfulness, explanations: Explanations) -> str:
    styles = _styles(faithfulness, explanations)
    orders = faithfulness.random.orders
    figures = []
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
        figures.append(f"<figure><figcaption>{caption}</figcaption>{chart_svg(chart)}</figure>")
    return f'<div class="rl-charts">{"".join(figures)}</div>'


def _inner(key: str, curves: Curves) -> tuple[float, ...]:
    """A curve without its last point, where every order is the same."""
    return (curves.deletion if key == "deletion" else curves.insertion)[:-1]


def _legend(faithfulness: Faithfulness, explanations: Explanations) -> str:
    items = [
        f"<li>{swatch(style)}{escape(_label(key, explanations))}</li>"
        for key, style in _styles(faithfulness, explanations).items()
    ]
    random = f"<li>{swatch(RANDOM_STYLE, band=True)}random orders: mean and range</li>"
    levels = f"<li>{swatch(LEVEL_STYLE)}whole, none: with all document words, without any</li>"
    return f'<ul class="rl-keys">{"".join(items)}{random}{levels}</ul>'


def _table(faithfulness: Faithfulness, explanations: Explanations) -> str:
    """Sorted by comprehensiveness, the random orders in their place among the methods."""
    rows = [
        (scores.comprehensiveness, _row(key, scores, faithfulness, explanations))
        for key, scores in faithfulness.methods.items()
    ]
    rows.append((faithfulness.random.comprehensiveness.mean, _random_row(faithfulness.random)))
    body = "".join(row for _, row in sorted(rows, key=lambda row: -row[0]))
    body += "".join(
        f'<tr><th scope="row">{escape(_label(key, explanations))}</th><td colspan="6">not measured yet</td></tr>'
        for key in explanations
        if key not in faithfulness.methods
    )
    head = "".join(f'<th scope="col" class="rl-col-{name}">{heading}</th>' for name, heading in HEADINGS)
    return _scroll("Faithfulness of every method", f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>")


def _row(key: str, scores: Scores, faithfulness: Faithfulness, explanations: Explanations) -> str:
    n = len(faithfulness.random.orders)
    worse = sum(order.comprehensiveness < scores.comprehensiveness for order in faithfulness.random.orders)
    beats = f"{'yes' if scores.beats_random else 'no'}, {worse} of {n}"
    delta = passes = seconds = NONE
    if explanation := explanations.get(key):
        passes = f"{explanation.n_forward} + {explanation.n_backward}"
        seconds = f"{explanation.seconds:.2f}"
        if explanation.paths:
            delta = f"{100 * max(path.relative_delta for path in explanation.paths):.2g} %"
    control = _is_control(key, explanations)
    style = _styles(faithfulness, explanations)[key]
    name = f"{swatch(style)}{escape(_label(key, explanations))}{' <small>control</small>' if control else ''}"
    cells = (_logit(scores.comprehensiveness), _logit(scores.sufficiency), beats, delta, passes, seconds)
    return _cells(name, cells, control)


def _random_row(control: Control) -> str:
    name = f"{swatch(RANDOM_STYLE, band=True)}Random order <small>control</small>"
    return _cells(name, (_spread(control.comprehensiveness), _spread(control.sufficiency), *[NONE] * 4), True)


def _cells(name: str, cells: tuple[str, ...], control: bool) -> str:
    kind = ' class="rl-row-control"' if control else ""
    return f'<tr{kind}><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _scroll(label: str, table: str) -> str:
    """A table in a box of its own that scrolls sideways, also by keyboard."""
    return (
        f'<div class="rl-scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table class="rl-numbers">'
        f"{table}</table></div>"
    )


def _agreement(table: Agreement, explanations: Explanations) -> str:
    labels = [escape(_label(key, explanations)) for key in table.methods]
    head = "".join(f'<th scope="col">{label}</th>' for label in labels)
    rows = []
    for i, label in enumerate(labels):
        pairs = zip(table.spearman[i], table.overlap[i], strict=True)
        cells = ["\u2014" if j == i else _pair(rank, overlap) for j, (rank, overlap) in enumerate(pairs)]
        rows.append(_cells(label, tuple(cells), False))
    return (
        "<h5>How far the methods agree</h5>"
        + _scroll(
            "Agreement between methods",
            f'<thead><tr><th scope="col">Spearman<br/><small>top-5 overlap</small></th>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody>",
        )
        + f'<p class="rl-says">{AGREEMENT_NOTE}</p>'
    )


def _pair(rank: float | None, overlap: float) -> str:
    value = NONE if rank is None else _logit(rank)
    return f"{value}<br/><small>{100 * overlap:.0f} %</small>"
