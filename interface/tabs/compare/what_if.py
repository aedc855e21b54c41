"""What if, on the Compare tab: words dropped, a text edited, the order turned round; and which words met."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from attribution import METHODS, counterfactual, interaction, load_reranker, rank
from attribution.cost import forwards
from attribution.evidence.compare.counterfactual import logit_without
from attribution.evidence.compare.interaction import DIFFERENCE, interaction_passes, pairs_of_words
from attribution.methods.passes import Sides
from attribution.views.compare import Which
from attribution.views.interaction import meet_html
from attribution.views.numbers import logit
from attribution.views.page import status_html
from attribution.views.what_if import flip_html, outcomes_html
from interface.runs.handlers import Update, handler
from interface.runs.lanes import Run
from interface.tabs.compare.runs import LANE, watch
from interface.tabs.compare.state import (
    NOTHING,
    Compared,
    Drop,
    Edit,
    Meet,
    More,
    draw_rows,
    draw_words,
    outcomes,
)


def one_pass(_asked: More, _sides: Sides) -> int:
    """A forward for each text."""
    return 1


def passes_of_flip(_asked: More, sides: Sides) -> int:
    """A forward a word, at most."""
    return 2 + sides[1]


def passes_of_meet(asked: Meet, sides: Sides) -> int:
    """Each word alone and every two of them; or an explanation for each query word."""
    if asked.form in METHODS:
        return (2 + sides[0]) * forwards(asked.form, sides)
    return pairs_of_words(sides, asked.n_words) if asked.form == DIFFERENCE else 0  # the run says what is valid


@handler(lane=LANE, passes=one_pass)
def run_drop(asked: Drop, run: Run) -> Iterator[Update]:
    """Words dropped or put back: one forward for a document that changed, none for what was scored before."""
    compared, logits, passes = asked.compared, dict(asked.compared.logits), 0
    dropped: dict[Which, frozenset[int]] = {"A": frozenset(asked.dropped["A"]), "B": frozenset(asked.dropped["B"])}
    for which, gone in dropped.items():
        place, document = compared.place(which), compared.explanation(which).document
        if gone and (place, gone) not in logits:
            reranker, operator = load_reranker(compared.asked.model_id), compared.asked.operator
            logits[place, gone] = logit_without(
                reranker, asked.query, document, gone, operator=operator, on_pass=run.check
            )
            passes += 1
    touched = {compared.place(which) for which, gone in dropped.items() if gone}  # their own text again, less words
    kept = {place: edit for place, edit in compared.edited.items() if place not in touched}
    now = dataclasses.replace(compared, dropped=dropped, logits=logits, edited=kept)
    yield _changed(now, outcomes_html(outcomes(now)), f"{passes} forward pass{'' if passes == 1 else 'es'}.")


@handler(lane=LANE, passes=one_pass)
def run_edit(asked: Edit, run: Run) -> Iterator[Update]:
    """A's or B's text edited: one forward, and the list follows."""
    compared, place = asked.compared, asked.compared.place(asked.which)
    (row,) = rank(load_reranker(compared.asked.model_id), asked.query, [asked.text], on_pass=run.check).rows
    edited = {**compared.edited, place: (asked.text, row.logit)}
    now = dataclasses.replace(compared, edited=edited, dropped={**compared.dropped, asked.which: NOTHING})
    said = f"{asked.which} as edited scores {logit(row.logit)}. One forward pass."
    yield _changed(now, outcomes_html(outcomes(now)), said) | {"words": draw_words(now)}


@handler(lane=LANE, passes=passes_of_flip)
def run_flip(asked: More, run: Run) -> Iterator[Update]:
    """The fewest words, greedily, whose loss puts the higher of A and B below the other."""
    compared = asked.compared
    higher: Which = "A" if compared.explanation("A").logit >= compared.explanation("B").logit else "B"
    lower: Which = "B" if higher == "A" else "A"
    explanation = compared.explanation(higher)
    found = counterfactual(
        load_reranker(compared.asked.model_id),
        asked.query,
        explanation.document,
        compared.explanation(lower).document,
        operator=compared.asked.operator,
        explanation=explanation,
        on_pass=watch(run, "Dropping words"),
    )
    spans = {(word.start, word.end): i for i, word in enumerate(compared.words(higher))}
    gone = frozenset(spans[word.start, word.end] for word in found.dropped)
    now = dataclasses.replace(
        compared,
        edited={},
        dropped={higher: gone, lower: NOTHING},
        logits={**compared.logits, (compared.place(higher), gone): found.logits[-1]},
    )
    said = f"Done after {found.seconds:.1f} s, {found.n_forward} forward passes."
    yield _changed(now, flip_html(found, outcomes(now), (higher, lower)), said) | {"words": draw_words(now)}


@handler(lane=LANE, passes=passes_of_meet)
def run_meet(asked: Meet, run: Run) -> Iterator[Update]:
    """Which query word met which word of A or B."""
    document, form = asked.compared.explanation(asked.which).document, asked.form
    yield {"status": status_html("Asking which words met …")}
    reranker = load_reranker(asked.compared.asked.model_id)
    of = interaction_passes(reranker, asked.query, document, asked.n_words) if form == DIFFERENCE else 0
    on_pass = watch(run, "Which words met", of)
    found = interaction(reranker, asked.query, document, n_words=asked.n_words, form=form, on_pass=on_pass)
    label = None if form == DIFFERENCE else METHODS[form].label
    status = status_html(f"Done after {found.seconds:.1f} s.")
    yield {"meet": meet_html(found, name=asked.which, label=label), "status": status}


def _changed(now: Compared, what_if: str, status: str) -> Update:
    """Everything that a what-if changes."""
    return {"state": now, "rows": draw_rows(now), "what_if": what_if, "status": status_html(status)}
