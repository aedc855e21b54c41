"""Lab rows -> one table of what PyTorch did, and the two pictures its rows lead to. No torch, no gradio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attribution.evidence.correlation import TOP
from attribution.views.numbers import number
from attribution.views.templating import Markup, render
from attribution.views.text import Side, side_of

if TYPE_CHECKING:
    from attribution.lab.autograd import LabRow


def intro_html() -> Markup:
    """What the lab is about, before it ran."""
    return render("lab_intro.html")


def lab_html(rows: Sequence[LabRow], equal: tuple[Sequence[int], float], *, finished: bool) -> Markup:
    """The table of the rows so far, what they show together once `finished`, and the two pictures.

    `equal`: what `equal_gradients` says of the rows.
    """
    gradient = next((row for row in rows if row.equal), None)
    fallback = next((row for row in rows if row.grad is None), None)
    return render(
        "lab.html",
        rows=rows,
        totals=["none" if row.total is None else number(row.total) for row in rows],
        top=TOP,
        equal=equal[0],
        largest=equal[1],
        finished=finished,
        clones=[row for row in rows if row.experiment.leaf == "clone"],
        gradient=_picture(gradient),
        fallback=_picture(fallback),
        fallback_row=fallback,
        fallbacks=[row.number for row in rows if row.grad is None],
    )


def _picture(row: LabRow | None) -> Side | None:
    """The document in a row's colours: saliency, or the magnitude where there was no gradient."""
    return side_of(row.words, "document", signed=False, control=row.grad is None) if row else None
