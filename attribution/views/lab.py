"""Lab rows -> the two pictures that they lead to, and one table of what PyTorch did. No torch, no gradio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attribution.evidence.agreement import TOP
from attribution.numbers import number
from attribution.views.templating import Markup, render
from attribution.views.text import side_of

if TYPE_CHECKING:
    from attribution.lab.autograd import LabRow


LINES = ("clone", "detach")  # the two lines that the switch is between


def pictures_html(rows: Sequence[LabRow]) -> Markup:
    """The document by `.clone()` and by `.detach().requires_grad_()`, with a switch between the two.

    In the colours of the saliency, or of the magnitude where there was no gradient.
    """
    lines = [next(row for row in rows if row.experiment.leaf == leaf) for leaf in LINES]
    colours = ["control" if row.grad is None else "strength" for row in lines]
    pictures = [(row, side_of(row.words, "document", of)) for row, of in zip(lines, colours, strict=True)]
    return render("lab_pictures.html", pictures=pictures, top=TOP)


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
