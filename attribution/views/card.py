"""Explanation -> escaped HTML. No torch, no gradio; every user string passes `html.escape`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from attribution.types import Explanation, Path, Word
from attribution.views.numbers import number
from attribution.views.templating import Markup, render
from attribution.words import template_sum, to_words

if TYPE_CHECKING:
    from attribution.methods import Method

MAX_ALPHA = 0.62  # text on a full-strength word keeps a contrast of 4.5 in light and dark
PLAIN_BELOW = 0.04  # of full strength: no colour
UNDERLINE_ABOVE = 0.25
SATURATED = 8.0  # |logit| beyond which the sigmoid is flat


def scale_of(words: Sequence[Word]) -> float:
    """Full strength: the largest |attribution| among `words`, in the method's own unit; 1 when all are 0."""
    return max((abs(word.attribution) for word in words if word.attribution is not None), default=0.0) or 1.0


def text_html(words: Sequence[Word], scale: float, *, signed: bool, control: bool = False) -> str:
    """One segment as spans in flow; the text between the tags is exactly what the user typed."""
    return "".join(_word_html(i, word, scale, signed, control) for i, word in enumerate(words))


def _word_html(i: int, word: Word, scale: float, signed: bool, control: bool) -> str:
    core = word.text.strip()
    before, _, after = word.text.partition(core)
    if word.attribution is None:
        return f'{escape(before)}<span class="rl-unseen">{escape(core)}</span>{escape(after)}'
    strength = min(1.0, abs(word.attribution) / scale)
    kinds = ["rl-w"]
    style = ""
    if strength >= PLAIN_BELOW:
        direction = "lowers" if word.attribution < 0 else "raises"
        kinds.append("rl-control" if control else f"rl-{direction}" if signed else "rl-strength")
        style = f' style="--a:{MAX_ALPHA * strength:.2f}"'
        if strength >= UNDERLINE_ABOVE:
            kinds.append("rl-strong")
    value = number(word.attribution, signed)
    share = f"{100 * strength:.0f}"
    return (
        f'{escape(before)}<span class="{" ".join(kinds)}"{style} data-w="{word.segment[0]}{i}" data-v="{value}" '
        f'data-p="{share}">{escape(core)}</span>{escape(after)}'
    )


def strongest(words: Sequence[Word], n: int = 8) -> list[Word]:
    """The `n` words with the largest |attribution|, strongest first; zeros left out."""
    seen = [word for word in words if word.attribution]
    return sorted(seen, key=lambda word: -abs(word.attribution or 0.0))[:n]


def card_html(explanation: Explanation, method: Method, *, label: str, extra: str = "") -> str:
    """One method's card. `method` is the row of what ran, `label` of what was asked for; `extra` is trusted HTML."""
    query, document = to_words(explanation, "query"), to_words(explanation, "document")
    scale = scale_of([*query, *document])
    fallback = explanation.method != explanation.requested_method
    badges = [("fallback used", "rl-badge-warn")] if fallback else []
    badges.append(("signed", "") if method.signed else ("unsigned", ""))
    if method.complete:
        badges.append(("adds up", ""))
    if method.control:
        badges.append(("control: never sees the score", "rl-badge-warn"))
    if method.attention:
        badges.append(("not an attribution of the score", "rl-badge-warn"))
    if any(path.capped for path in explanation.paths):
        badges.append(("step cap hit", "rl-badge-warn"))
    chips = "".join(f'<span class="rl-badge {kind}">{escape(text)}</span>' for text, kind in badges)
    note = f'<p class="rl-note" role="alert">{escape(explanation.note)}</p>' if explanation.note else ""
    texts = "".join(
        f'<div class="rl-segment"><h5>{name}</h5><p class="rl-text" tabindex="0" role="group" '
        f'aria-label="{name} by {escape(label)}; arrow keys go from word to word">'
        f"{text_html(words, scale, signed=method.signed, control=method.control)}</p></div>"
        for name, words in (("Query", query), ("Document", document))
    )
    return (
        f'<article class="rl-card" data-method="{escape(explanation.requested_method)}"><header>'
        f"<h4>{escape(label)}</h4>"
        f'<p class="rl-badges">{chips}</p></header><p class="rl-says">{escape(method.says)}</p>{note}{texts}'
        f"{_legend(scale, method)}"
        f'<p class="rl-readout" aria-live="polite">Point at a word, or tap it, for its number.</p>{extra}'
        f"{_strongest_table([*query, *document], method.signed)}{_measured(explanation)}</article>"
    )


def _legend(scale: float, method: Method) -> str:
    top = number(scale)
    if method.signed:
        bar, left, right = "rl-bar-signed", f"\u2212{top} lowers", f"+{top} raises"
    else:
        bar, left, right = "rl-bar-control" if method.control else "rl-bar-strength", "0", f"{top} strongest"
    return (
        f'<div class="rl-legend"><span>{left}</span><span class="rl-bar {bar}" aria-hidden="true"></span>'
        f"<span>{right}</span></div>"
    )


def _strongest_table(words: Sequence[Word], signed: bool) -> str:
    rows = "".join(
        f'<tr><td dir="auto">{escape(word.text.strip())}</td><td>{word.segment}</td>'
        f"<td>{number(word.attribution or 0.0, signed)}</td></tr>"
        for word in strongest(words)
    )
    return (
        '<details class="rl-strongest"><summary>Strongest words</summary><table><thead><tr><th>word</th><th>in</th>'
        f"<th>attribution</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _measured(explanation: Explanation) -> str:
    lines = [_path_line(path) for path in explanation.paths]
    lines.append(
        f"{explanation.n_forward} forward and {explanation.n_backward} backward passes, {explanation.seconds:.2f} s; "
        f"template tokens hold {number(template_sum(explanation), signed=True)}"
    )
    return '<ul class="rl-measured">' + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"


def _path_line(path: Path) -> str:
    names = " and ".join(path.segments)
    baseline = "[MASK]" if path.baseline == "mask" else path.baseline
    capped = " The step cap was hit before the tolerance." if path.capped else ""
    if path.baseline == "zero":
        capped += " Zero vectors are unlike any text: do not trust this baseline alone."
    evaluations = f", {path.n_steps} gradient evaluations" if path.n_steps else ""
    return (
        f"{escape(names)} against no {escape(names)} ({escape(baseline)} scores {number(path.baseline_logit, True)}): "
        f"convergence delta {number(path.convergence_delta, True)} ({100 * path.relative_delta:.2g} %)"
        f"{evaluations}.{capped}"
    )


def score_html(logit: float, model_label: str, revision: str, *, seen: int | None, length: int) -> str:
    """The score in a searcher's words. `seen`: characters of the document the model read, None for all of `length`."""
    probability = 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
    sign, lean = ("Above", "answers") if logit > 0 else ("Below", "does not answer")
    notes = []
    if abs(logit) > SATURATED:
        notes.append("The probability is saturated: it hardly moves any more, so compare logits.")
    if seen is not None:
        notes.append(
            f"Truncated: the model read {seen:,} of the document's {length:,} characters. "
            "The greyed rest was never seen."
        )
    extra = "".join(f'<p class="rl-note">{note}</p>' for note in notes)
    return (
        f'<section class="rl-score" aria-label="Score"><div><span class="rl-logit">{number(logit, True)}</span>'
        "<span>logit</span></div>"
        f"<div><span>{100 * probability:.1f} %</span><span>as a probability (sigmoid)</span></div>"
        f"<p>{sign} zero: the model leans towards \u201cthe document {lean} the query\u201d. Documents are ranked by "
        "the order of their logits; zero is even odds only for models trained with a binary loss, like the bundled one."
        f"<br><small>{escape(model_label)}, {escape(revision)}</small></p>{extra}</section>"
    )


def pending_html(label: str, status: str) -> str:
    """A card's place before its result is there."""
    header = f"<header><h4>{escape(label)}</h4></header>"
    return f'<article class="rl-card rl-pending">{header}<p>{escape(status)}</p></article>'


def error_html(method: str, label: str, error: str) -> Markup:
    """A method that could not explain this pair with this model, in the place of its card."""
    return render("error.html", method=method, label=label, error=error)
