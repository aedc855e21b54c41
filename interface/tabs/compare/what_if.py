"""What if, on the Compare tab: a text changed, the order reversed from above or below; and which words interact."""

import dataclasses
from collections.abc import Iterator

from attribution import METHODS, counterfactual, interaction, load_reranker, raise_above
from attribution.evidence.compare.counterfactual import sets_at_most
from attribution.evidence.compare.interaction import DIFFERENCE, pairs_of_words
from attribution.evidence.compare.raising import Raised, raising_passes
from attribution.explain import forwards
from attribution.methods import Sides
from attribution.numbers import counted
from attribution.views.compare import A, B, Cut, Which, apply, what_if_html
from attribution.views.interaction import meet_html
from attribution.views.page import status_html
from attribution.words import split_sentences
from interface.runs.handlers import Update, handler
from interface.runs.run import Run
from interface.tabs.compare.draw import outcomes
from interface.tabs.compare.runs import LANE, score, told, with_changes
from interface.tabs.compare.state import Change, Compared, Meet, More, Version


def passes_of_flip(asked: More, sides: Sides) -> int:
    """A forward a word, at most, or one for each set of sentences that is tried."""
    by_sentences = asked.compared.unit == "sentence"
    return 3 + (sets_at_most(max(asked.compared.asked.n_sentences)) if by_sentences else sides[1])


def passes_of_meet(asked: Meet, sides: Sides) -> int:
    """Each word or sentence alone and every two of them; or an explanation for each query word."""
    if asked.form in METHODS:
        return (2 + sides[0]) * forwards(asked.form, sides)
    return pairs_of_words(across(asked, sides), asked.n_words) if asked.form == DIFFERENCE else 0  # the run says more


def across(asked: Meet, sides: Sides) -> Sides:
    """The words of the query, and the words or sentences of the document."""
    if asked.compared.unit == "word":
        return sides
    return sides[0], asked.compared.asked.n_sentences[asked.compared.place(asked.which) - 1]


@handler(lane=LANE, passes=lambda _asked, _sides: 1)
def run_change(asked: Change, run: Run) -> Iterator[Update]:
    """Something dropped, put back, replaced or edited: one forward for a text that was never scored before."""
    now = with_changes(asked.compared, asked.changed, run, asked.as_given)
    n = len(now.scored) - len(asked.compared.scored)
    said = f"{counted(n, 'forward pass')}."
    whole = any(not cuts for _, cuts in asked.changed.values())  # else the browser has done it, and keeps the focus
    yield told(now, said, panels=whole)


@handler(lane=LANE, passes=passes_of_flip)
def run_flip(asked: More, run: Run) -> Iterator[Update]:
    """The fewest words or sentences found whose removal puts the higher of A and B below the other."""
    compared = asked.compared
    higher, lower = by_logit(compared)
    text = compared.text(higher)
    found = counterfactual(
        load_reranker(compared.asked.model_id),
        asked.query,
        text,
        compared.text(lower),
        operator="delete",
        unit=compared.unit,
        explanation=compared.explanation(higher) if compared.unit == "word" else None,
        on_pass=run.watch(f"Dropping {compared.unit}s"),
    )
    spans = split_sentences(text) if found.unit == "sentence" else [(w.start, w.end) for w in compared.words(higher)]
    gone = [next(span for span in spans if span[0] <= word.start < span[1]) for word in found.dropped]
    cuts = tuple(Cut(*span) for span in sorted(gone))
    edited = apply(text, cuts)
    now = dataclasses.replace(compared, versions={})
    if cuts and edited.strip():
        scored = score(compared, [edited], run)  # as typed: where the limit had cut it, more is read now
        version = Version(edited, scored[edited], cuts, found.predicted[-1] - found.logits[0])
        now = dataclasses.replace(now, versions={higher: version}, scored=scored)
        flipped = version.logit < found.rival_logit
        found = dataclasses.replace(found, logits=(*found.logits[:-1], version.logit), flipped=flipped)
    said = f"Done after {found.seconds:.1f} s, {counted(found.n_forward, 'forward pass')}."
    yield told(now, said, what_if_html(outcomes(now), flip=found, names=(higher, lower)))


@handler(lane=LANE, passes=lambda asked, sides: raising_passes(max(asked.compared.asked.n_sentences), sides[0]))
def run_raise(asked: More, run: Run) -> Iterator[Update]:
    """The smallest edit found that lifts the lower of A and B above the other."""
    compared = asked.compared
    higher, lower = by_logit(compared)
    text, on_pass = compared.text(lower), run.watch(f"Raising {lower}")
    found = raise_above(
        load_reranker(compared.asked.model_id), asked.query, text, compared.text(higher), on_pass=on_pass
    )
    versions: dict[Which, Version] = {}
    if found.steps:
        versions[lower] = Version(found.edited, found.steps[-1].logit, cuts_of(text, found), gain_of(found))
    now = dataclasses.replace(compared, versions=versions)
    said = f"Done after {found.seconds:.1f} s, {counted(found.n_forward, 'forward pass')}."
    yield told(now, said, what_if_html(outcomes(now), raised=found, names=(lower, higher)))


@handler(lane=LANE, passes=passes_of_meet)
def run_meet(asked: Meet, run: Run) -> Iterator[Update]:
    """How query words interact with words or sentences of A or B."""
    compared, form = asked.compared, asked.form
    yield {"status": status_html("Measuring the interactions …")}
    found = interaction(
        load_reranker(compared.asked.model_id),
        asked.query,
        compared.text(asked.which),
        n_words=asked.n_words,
        form=form,
        unit=compared.unit,
        on_pass=run.watch("Interactions"),
    )
    label = None if form == DIFFERENCE else METHODS[form].label
    status = status_html(f"Done after {found.seconds:.1f} s.")
    yield {"meet": meet_html(found, name=asked.which, label=label), "status": status}


def by_logit(compared: Compared) -> tuple[Which, Which]:
    """The higher and the lower of A and B, as given."""
    logits = {row.place: row.logit for row in compared.ranking.rows}
    return (A, B) if logits[compared.a] >= logits[compared.b] else (B, A)


def cuts_of(text: str, found: Raised) -> tuple[Cut, ...]:
    """What was done to the text as given: sentences gone, and what was put in front of it."""
    spans, gone = split_sentences(text), list[Cut]()
    for step in found.steps:
        if step.kind == "drop":
            span = next(span for span in spans if text[slice(*span)] == step.text)
            spans.remove(span)
            gone.append(Cut(*span))
    front = found.edited.removesuffix(apply(text, gone))
    return (*([Cut(0, 0, front)] if front else []), *sorted(gone))


def gain_of(found: Raised) -> float | None:
    """By how much the steps were to raise the logit together; None if of one of them nothing was known before."""
    before = [found.logit, *(step.logit for step in found.steps)]
    gains = [step.predicted - was for step, was in zip(found.steps, before, strict=False) if step.predicted is not None]
    return sum(gains) if len(gains) == len(found.steps) else None
