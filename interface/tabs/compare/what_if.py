"""What if, on the Compare tab: words dropped, a text edited, the order turned round; and which words met."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import gradio as gr

from attribution import METHODS, counterfactual, interaction, load_reranker, rank
from attribution.errors import InputError
from attribution.evidence.compare.counterfactual import logit_without
from attribution.evidence.compare.interaction import DIFFERENCE, interaction_passes
from attribution.rerankers.reranker import Meter
from attribution.views.compare import Which
from attribution.views.interaction import meet_html
from attribution.views.numbers import logit
from attribution.views.page import status_html
from attribution.views.what_if import flip_html, outcomes_html
from interface.runs.gpu import gpu
from interface.runs.handlers import answer_errors
from interface.runs.lanes import latest_run
from interface.runs.limits import check_texts
from interface.server.gradio_private import gone
from interface.tabs import lent
from interface.tabs.compare.runs import LANE, NO_LIST, Out, out, watch
from interface.tabs.compare.state import NOTHING, Compared, draw_rows, draw_words, outcomes


def run_drop(compared: Compared | None, event: gr.EventData, request: gr.Request) -> Iterator[Out]:
    """Words dropped or put back: one forward for the document that changed, none for what was scored before."""
    yield from _run_drop(compared, {"A": frozenset(event.dropped["A"]), "B": frozenset(event.dropped["B"])}, request)


@answer_errors
@gpu(seconds=lent.for_drop, lane=LANE)
def _run_drop(compared: Compared | None, dropped: dict[Which, frozenset[int]], request: gr.Request) -> Iterator[Out]:
    if compared is None or compared.contrast is None:
        raise InputError(NO_LIST)
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:
        yield _dropped(compared, dropped, current.check)


@answer_errors
@gpu(seconds=lent.for_edit, lane=LANE)
def run_edit(compared: Compared | None, which: Which, text: str, request: gr.Request) -> Iterator[Out]:
    """A's or B's text edited: one forward, and the list follows."""
    if compared is None or compared.contrast is None:
        raise InputError(NO_LIST)
    check_texts(compared.asked.query, text)
    place = compared.place(which)
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:
        (row,) = rank(load_reranker(compared.asked.model_id), compared.asked.query, [text], on_pass=current.check).rows
        edited = dataclasses.replace(
            compared,
            edited={**compared.edited, place: (text, row.logit)},
            dropped={**compared.dropped, which: NOTHING},
        )
        yield out(
            state=edited,
            rows=draw_rows(edited),
            words=draw_words(edited),
            what_if=outcomes_html(outcomes(edited)),
            status=status_html(f"{which} as edited scores {logit(row.logit)}. One forward pass."),
        )


@answer_errors
@gpu(seconds=lent.for_flip, lane=LANE)
def run_flip(
    compared: Compared | None,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Out]:
    """The fewest words, greedily, whose loss puts the higher of A and B below the other."""
    if compared is None or compared.contrast is None:
        raise InputError(NO_LIST)
    higher: Which = "A" if compared.contrast.difference >= 0 else "B"
    lower: Which = "B" if higher == "A" else "A"
    explanation, asked = compared.explanation(higher), compared.asked
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:
        found = counterfactual(
            load_reranker(asked.model_id),
            asked.query,
            explanation.document,
            compared.explanation(lower).document,
            operator=asked.operator,
            explanation=explanation,
            on_pass=watch(current.check, progress, "Dropping words"),
        )
        spans = {(word.start, word.end): i for i, word in enumerate(compared.words(higher))}
        lost = frozenset(spans[word.start, word.end] for word in found.dropped)
        place = compared.place(higher)
        flipped = dataclasses.replace(
            compared,
            edited={},
            dropped={higher: lost, lower: NOTHING},
            logits={**compared.logits, (place, lost): found.logits[-1]},
        )
        yield out(
            state=flipped,
            rows=draw_rows(flipped),
            words=draw_words(flipped),
            what_if=flip_html(found, outcomes(flipped), (higher, lower)),
            status=status_html(f"Done after {found.seconds:.1f} s, {found.n_forward} forward passes."),
        )


@answer_errors
@gpu(seconds=lent.for_meet, lane=LANE)
def run_meet(
    compared: Compared | None,
    which: Which,
    n_words: int,
    form: str,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Out]:
    """Which query word met which word of A or B."""
    if compared is None or compared.contrast is None:
        raise InputError(NO_LIST)
    asked, document = compared.asked, compared.explanation(which).document
    with latest_run(request.session_hash or "", LANE, is_gone=gone(request)) as current:
        yield out(status=status_html("Asking which words met …"))
        reranker = load_reranker(asked.model_id)
        of = interaction_passes(reranker, asked.query, document, n_words) if form == DIFFERENCE else 0
        on_pass = watch(current.check, progress, "Which words met", of)
        found = interaction(reranker, asked.query, document, n_words=n_words, form=form, on_pass=on_pass)
        label = None if form == DIFFERENCE else METHODS[form].label
        yield out(
            meet=meet_html(found, name=which, label=label), status=status_html(f"Done after {found.seconds:.1f} s.")
        )


def _dropped(compared: Compared, dropped: dict[Which, frozenset[int]], check: Callable[[Meter], None]) -> Out:
    """The list and the outcome with these words gone; only sets that were never scored cost a pass."""
    asked, logits, passes = compared.asked, dict(compared.logits), 0
    for which, lost in dropped.items():
        place = compared.place(which)
        if lost and (place, lost) not in logits:
            logits[place, lost] = logit_without(
                load_reranker(asked.model_id),
                asked.query,
                compared.explanation(which).document,
                lost,
                operator=asked.operator,
                on_pass=check,
            )
            passes += 1
    touched = {compared.place(which) for which, lost in dropped.items() if lost}  # their own text again, less words
    kept = {place: edit for place, edit in compared.edited.items() if place not in touched}
    now = dataclasses.replace(compared, dropped=dropped, logits=logits, edited=kept)
    return out(
        state=now,
        rows=draw_rows(now),
        what_if=outcomes_html(outcomes(now)),
        status=status_html(f"{passes} forward pass{'' if passes == 1 else 'es'}."),
    )
