"""Lab rows -> escaped HTML. Each verdict comes from the row's own measurements."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from attribution.lab.autograd import EXPERIMENTS, TOP, LabRow, equal_gradients
from attribution.views.card import scale_of, text_html
from attribution.views.numbers import number

COLUMNS = ("is_leaf", "requires_grad", "retains_grad", "grad_fn", ".grad", "sum |grad|")
INTRO = """<div class="rl-root rl-lab"><p>A gradient stays in <code>.grad</code> only for a <b>leaf</b> tensor, or after
<code>retain_grad()</code>. The documents this program follows say that <code>.clone()</code> is enough to get the
gradient of the input embeddings. Run it on your own pair: each row takes the embeddings as its line of code says, feeds
them to the chosen model, calls <code>score.backward()</code> and reads <code>emb.grad</code>. The ✓ or ✗ is
worked out from what PyTorch did.</p><p><code>embed = model.get_input_embeddings()</code>. The true gradient, to compare
with: frozen parameters, a detached leaf, <code>torch.autograd.grad</code>. A row without a gradient shows the embedding
magnitude (grey) instead, which never sees the score.</p></div>"""


def status_html(text: str) -> str:
    """A tab's status line; `text` is trusted."""
    return f'<p class="rl-status" role="status">{text}</p>'


def lab_html(rows: Sequence[LabRow]) -> str:
    """The table of the rows so far, and below it what they show together."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in COLUMNS)
    equal = equal_gradients(rows)
    body = "".join(_row_html(row, equal) for row in rows)
    return (
        '<div class="rl-root rl-lab"><div class="rl-lab-box" tabindex="0" role="region" aria-label="Lab rows">'
        f"<table><thead><tr>{head}</tr></thead>{body}</table></div>{_summary_html(rows, equal)}</div>"
    )


def _row_html(row: LabRow, equal: tuple[list[int], float]) -> str:
    """One experiment: its code and verdict, its flags, and below what PyTorch said and the text it leads to."""
    parameters = "trainable" if row.experiment.trainable else "frozen"
    worked, sign = ("yes", "\u2713") if row.equal else ("no", "\u2717")
    total = "none" if row.total is None else f"{row.total:,.0f}" if row.total >= 1000 else number(row.total)
    grad_fn, filled = escape(row.grad_fn or "None"), "filled" if row.grad_filled else "None"
    flags = (f"{row.is_leaf}", f"{row.requires_grad}", f"{row.retains_grad}", grad_fn, filled, total)
    kind = "Saliency from this gradient" if row.grad is not None else "Fallback: embedding magnitude"
    text = text_html(row.words, scale_of(row.words), signed=False, control=row.grad is None)
    wide = f'colspan="{len(COLUMNS)}"><div class="rl-lab-wide">'
    return (
        f'<tbody data-row="{row.number}" data-worked="{worked}"><tr><th scope="rowgroup" {wide}'
        f"{row.number}. <code>{escape(row.experiment.code)}</code> <small>{parameters} parameters</small><br>"
        f'<span class="rl-lab-{worked}"><span aria-hidden="true">{sign}</span> {escape(row.verdict)}</span>'
        f"</div></th></tr><tr>{''.join(f'<td>{flag}</td>' for flag in flags)}</tr>"
        f"<tr><td {wide}{_said_html(row)}<p><b>{kind}.</b> {_against_html(row, equal)}</p>"
        f'<p class="rl-text" tabindex="0" role="group" aria-label="Document, row {row.number}">{text}</p>'
        "</div></td></tr></tbody>"
    )


def _said_html(row: LabRow) -> str:
    if row.said is None:
        return ""
    verb = "raised" if row.raised else "warned"
    return f"<details><summary>PyTorch {verb}</summary><blockquote>{escape(row.said)}</blockquote></details>"


def _against_html(row: LabRow, equal: tuple[list[int], float]) -> str:
    """How the row compares with the true gradient, and which other rows gave the same."""
    if row.difference is not None:
        others = [str(n) for n in equal[0] if n != row.number] if row.equal else []
        same = f"Equal to row{'s' * (len(others) > 1)} {', '.join(others)}. " if others else ""
        return f"{same}Largest difference from the true gradient: {number(row.difference)}."
    if row.rank_correlation is None or row.top_overlap is None:
        return "Too few words to rank."
    return (
        f"Against the true gradient's ranking of the document's words: Spearman {number(row.rank_correlation, True)}, "
        f"{100 * row.top_overlap:.0f} % of its top {TOP} found."
    )


def _summary_html(rows: Sequence[LabRow], equal: tuple[list[int], float]) -> str:
    if len(rows) < len(EXPERIMENTS):
        return ""
    clones = "; ".join(
        f"{'trainable' if row.experiment.trainable else 'frozen'} parameters: {row.verdict}"
        for row in rows
        if row.experiment.leaf == "clone"
    )
    return (
        f'<p class="rl-lab-summary"><b>{len(equal[0])} of {len(rows)} rows gave the gradient</b>; the largest '
        f"difference between any two of them is {number(equal[1])}. <code>.clone()</code> alone: {escape(clones)}.</p>"
    )
