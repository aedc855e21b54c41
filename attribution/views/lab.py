"""Lab rows -> a table and what the rows show together. Each verdict comes from the row's own measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attribution.evidence.rank import TOP
from attribution.views.numbers import number
from attribution.views.templating import Markup, render
from attribution.views.text import scale_of, shown

if TYPE_CHECKING:
    from attribution.lab.autograd import LabRow

COLUMNS = ("is_leaf", "requires_grad", "retains_grad", "grad_fn", ".grad", "sum |grad|")


def intro_html() -> Markup:
    """What the lab is about, before it ran."""
    return render("lab_intro.html")


def status_html(text: str) -> Markup:
    """A tab's status line."""
    return render("status.html", text=text)


def lab_html(rows: Sequence[LabRow], equal: tuple[Sequence[int], float], *, finished: bool) -> Markup:
    """The table of the rows so far, and below it what they show together once `finished`.

    `equal`: what `equal_gradients` says of the rows.
    """
    return render(
        "lab.html",
        columns=COLUMNS,
        rows=rows,
        totals=[_total(row.total) for row in rows],
        texts=[shown(row.words, scale_of(row.words), signed=False, control=row.grad is None) for row in rows],
        top=TOP,
        equal=equal[0],
        largest=equal[1],
        finished=finished,
        clones=[row for row in rows if row.experiment.leaf == "clone"],
    )


def _total(total: float | None) -> str:
    return "none" if total is None else f"{total:,.0f}" if total >= 1000 else number(total)
