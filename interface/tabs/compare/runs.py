"""What runs on the model for the Compare tab: the list, and why A is above B."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator

from attribution import contrast, explain, load_reranker, rank
from attribution.cost import forwards
from attribution.errors import OptionError
from attribution.evidence.compare.contrast import Contrast
from attribution.methods.passes import Sides
from attribution.rerankers.reranker import Meter
from attribution.views.page import status_html
from attribution.views.what_if import outcomes_html
from interface.page import models
from interface.runs.handlers import Update, handler
from interface.runs.lanes import Run
from interface.tabs.compare.state import Asked, Compared, More, draw_identity, draw_rows, draw_why, draw_words

LANE = "compare"  # of its own: a start here ends what runs here


def watch(run: Run, label: str, of: int = 0) -> Callable[[Meter], None]:
    """An `on_pass` that ends a stopped run and shows the passes so far, `of` how many if that is known."""

    def on_pass(meter: Meter) -> None:
        run.check(meter)
        share = min(1.0, meter.n_forward / of) if of else 0.5
        run.tell(share, desc=f"{label}: {meter.n_forward}{f' of {of}' if of else ''} passes")

    return on_pass


def passes_of_list(asked: Asked, sides: Sides) -> int:
    """Every document scored and coloured, two of them contrasted, of which each has its share."""
    contrasted = math.ceil(2 * forwards(asked.method, sides) / len(asked.texts))
    return 1 + forwards(asked.colour, sides) + contrasted


def is_whole(asked: Asked, page: Update) -> bool:
    """Every row is coloured."""
    return "state" in page and len(page["state"].coloured) == len(asked.documents)


@handler(lane=LANE, passes=passes_of_list, kept=is_whole)
def run_list(asked: Asked, run: Run) -> Iterator[Update]:
    """Rank the list, contrast its first two, then colour the rows; each as soon as it is there."""
    began = time.perf_counter()
    yield {"problem": status_html(asked.problem), "status": status_html("Scoring the list …")}
    reranker = models.load(asked.model_id, run)
    ranking = rank(reranker, asked.query, asked.texts, on_pass=watch(run, "Scoring", len(asked.texts)))
    a, b = asked.picked or (ranking.rows[0].place, ranking.rows[1].place)
    compared = Compared(asked, ranking, a=a, b=b)
    yield {
        "state": compared,
        "identity": draw_identity(compared),
        "rows": draw_rows(compared),
        **dict.fromkeys(("why", "words", "what_if", "meet"), ""),
        "status": status_html("Ranked. Asking why A is above B …"),
    }
    compared = dataclasses.replace(compared, contrast=_contrast(compared, run))
    yield _contrasted(compared, "Colouring the rows …")
    for step, row in enumerate(ranking.rows, start=1):
        on_pass = watch(run, f"Colouring {step} of {len(ranking.rows)}")
        try:
            said = explain(reranker, asked.query, row.document, asked.colour, on_pass=on_pass)
        except OptionError as error:  # the method does not know this family: the rows stay plain
            yield {"status": status_html(f"The rows stay plain: {error}")}
            return
        compared = dataclasses.replace(compared, coloured={**compared.coloured, row.place: said})
    done = status_html(f"Done after {time.perf_counter() - began:.1f} s.")
    yield {"state": compared, "rows": draw_rows(compared), "status": done}


def passes_of_pick(asked: More, sides: Sides) -> int:
    """The two explained anew."""
    return forwards(asked.compared.asked.method, sides)


@handler(lane=LANE, passes=passes_of_pick)
def run_pick(asked: More, run: Run) -> Iterator[Update]:
    """Another A or B: the list stays, the contrast is made anew."""
    began, chosen = time.perf_counter(), asked.compared
    status = status_html("Asking why A is above B …")
    yield {"state": chosen, "rows": draw_rows(chosen), "what_if": "", "meet": "", "status": status}
    done = dataclasses.replace(chosen, contrast=_contrast(chosen, run))
    yield _contrasted(done, f"Done after {time.perf_counter() - began:.1f} s.")


def _contrast(compared: Compared, run: Run) -> Contrast:
    asked = compared.asked
    first, second = (asked.texts[place - 1] for place in (compared.a, compared.b))
    on_pass = watch(run, "Why A over B")
    return contrast(load_reranker(asked.model_id), asked.query, first, second, asked.method, on_pass=on_pass)


def _contrasted(compared: Compared, status: str) -> Update:
    """Everything that a new contrast changes."""
    return {
        "state": compared,
        "rows": draw_rows(compared),
        "why": draw_why(compared),
        "words": draw_words(compared),
        "what_if": outcomes_html([]),
        "status": status_html(status),
    }
