"""What runs on the model for the Compare tab: the list, and why A is above B."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

from attribution import contrast, contrast_sentences, explain, load_reranker, rank
from attribution.errors import OptionError
from attribution.evidence.compare.contrast import encode_all
from attribution.evidence.sentences import Sentences, max_passes, sentences_stream
from attribution.explain import forwards, sides_of
from attribution.methods import Sides
from attribution.rerankers.loading.load import in_memory
from attribution.rerankers.reranker import Reranker
from attribution.views.compare import A, B, Which, what_if_html
from attribution.views.page import status_html
from interface.page import models
from interface.runs import cost
from interface.runs.handlers import Update, handler
from interface.runs.run import Run
from interface.tabs.compare.draw import draw_identity, draw_rows, draw_why, draw_words, outcomes, predicted
from interface.tabs.compare.state import PASSAGE, Asked, Changes, Compared, More, Picked, Version

LANE = "compare"  # of its own: a start here ends what runs here
AFTER_PICK = ("why", "words", "what_if", "meet")  # what is of A and B


def passes_of_list(asked: Asked, sides: Sides) -> int:
    """Forwards for one document: its score, its colours, and its share of telling A from B."""
    return 1 + forwards(asked.colour, sides) + _share_of_why(asked, sides)


def _share_of_why(asked: Asked, sides: Sides) -> int:
    return math.ceil(2 * _of_why(asked, sides) / len(asked.texts))


def _of_why(asked: Asked, sides: Sides) -> int:
    """At most so many forwards of A, or of B, to tell them apart: by words, or by sentences."""
    n = max(asked.n_sentences)
    by_sentences = n + 2 + max_passes(n) if n > 1 else 0  # `_without`, then `_why`
    return max(by_sentences, forwards(asked.method, sides) if min(asked.n_sentences) < PASSAGE else 0)


def work_of_list(reranker: Reranker, asked: Asked) -> list[tuple[int, int]]:
    """`(forwards at most, tokens of each)`; texts that lack some of their sentences are half as long."""
    work, part = [], 2 if max(asked.n_sentences) >= PASSAGE else 1
    for pair in encode_all(reranker, asked.query, asked.texts):
        sides, n_tokens = sides_of(pair), len(pair.tokens)
        why = _share_of_why(asked, sides)
        work += [(passes_of_list(asked, sides) - why, n_tokens), (why, n_tokens // part)]
    return work


def at_most(asked: Asked | None) -> tuple[int, float]:
    """`(forwards at most, about how many seconds)` for a list, known before anything runs."""
    reranker = in_memory(asked.model_id) if asked else None
    if asked is None or reranker is None or run_list.answer(asked):
        return 0, 0.0
    work = work_of_list(reranker, asked)
    return sum(n for n, _ in work), sum(cost.seconds(reranker, n_tokens, {LANE: n}) for n, n_tokens in work)


def is_whole(asked: Asked, page: Update) -> bool:
    """Whether every row is coloured, and A and B are told apart."""
    return "state" in page and page["state"].why and len(page["state"].coloured) == len(asked.documents)


@handler(lane=LANE, passes=passes_of_list, kept=is_whole)
def run_list(asked: Asked, run: Run) -> Iterator[Update]:
    """Rank the list, then each sentence's cost, colours, and why A is above B; each as soon as it is there."""
    yield {"problem": status_html(asked.problem), "status": status_html("Scoring the list …")}
    reranker = models.load(asked.model_id, run)
    ranking = rank(reranker, asked.query, asked.texts, on_pass=run.watch("Scoring", len(asked.texts)))
    picked = asked.picked or Picked(ranking.rows[0].place, ranking.rows[1].place)
    compared = Compared(asked, ranking, a=picked.a, b=picked.b)
    yield {
        "state": compared,
        "identity": draw_identity(compared),
        "rows": draw_rows(compared),
        **dict.fromkeys(AFTER_PICK, ""),
        "status": status_html("Ranked. Explaining why A is above B …"),
    }
    compared = _without(compared, run)
    if compared.without:
        yield told(compared, "Colouring the rows …")
    plain = ""
    for step, row in enumerate(ranking.rows, start=1):
        on_pass = run.watch(f"Colouring {step} of {len(ranking.rows)}")
        try:
            said = explain(reranker, asked.query, row.document, asked.colour, on_pass=on_pass)
        except OptionError as error:  # the method does not know this family: the rows stay plain
            plain = f" The rows stay plain: {error}"
            break
        compared = dataclasses.replace(compared, coloured={**compared.coloured, row.place: said})
    yield {"state": compared, "rows": draw_rows(compared), "status": status_html("Asking why A is above B …")}
    compared = _why(compared, run)
    compared = with_changes(compared, picked.changed, run)
    took = run.seconds
    cost.learn(reranker.model_id, LANE, 1, sum(n * n_tokens for n, n_tokens in work_of_list(reranker, asked)), took)
    yield told(compared, f"Done after {took:.1f} s.{plain}")


@handler(lane=LANE, passes=lambda asked, sides: _of_why(asked.compared.asked, sides))
def run_pick(asked: More, run: Run) -> Iterator[Update]:
    """Another A or B: the list stays, why the one is above the other is asked anew."""
    chosen = asked.compared
    status = status_html("Asking why A is above B …")
    yield {"state": chosen, "rows": draw_rows(chosen), "what_if": "", "meet": "", "status": status}
    chosen = _without(chosen, run)
    if chosen.without:
        yield told(chosen, "Asking why A is above B …")
    yield told(_why(chosen, run), f"Done after {run.seconds:.1f} s.")


def _without(compared: Compared, run: Run) -> Compared:
    """`compared`, with what the removal of each sentence costs where its documents are passages."""
    if compared.unit == "word":
        return compared
    reranker, query = load_reranker(compared.asked.model_id), compared.asked.query
    found: dict[Which, Sentences] = {}
    for which in (A, B):
        on_pass = run.watch(f"Without each sentence of {which}")
        found[which] = next(sentences_stream(reranker, query, compared.text(which), on_pass=on_pass))
    return dataclasses.replace(compared, without=found)


def _why(compared: Compared, run: Run) -> Compared:
    """`compared`, with A and B told apart, by words or by sentences."""
    asked, texts = compared.asked, (compared.text(A), compared.text(B))
    reranker, on_pass = load_reranker(asked.model_id), run.watch("Why A over B")
    if compared.unit == "sentence":
        return dataclasses.replace(compared, why=contrast_sentences(reranker, asked.query, *texts, on_pass=on_pass))
    return dataclasses.replace(compared, why=contrast(reranker, asked.query, *texts, asked.method, on_pass=on_pass))


def told(compared: Compared, status: str, what_if: str = "", *, panels: bool = True) -> Update:
    """Everything that follows from why A is above B, as far as that is known, and from every what-if.

    `what_if`: what to say of that, if not what became of each changed text. `panels`: the texts' buttons too, unless
    the browser has changed them.
    """
    update: Update = {"state": compared, "rows": draw_rows(compared), "why": draw_why(compared)}
    what_if = what_if or what_if_html(outcomes(compared), unit=compared.unit)
    update |= {"what_if": what_if, "status": status_html(status)}
    update |= {"picked": compared.picked.written()} if compared.why else {}
    return update | ({"words": draw_words(compared)} if panels else {})


def with_changes(compared: Compared, changed: Changes, run: Run, as_given: frozenset[Which] = frozenset()) -> Compared:
    """`compared` with these texts in place of A's or B's, or as given again; one forward for each new text."""
    kept = {which: version for which, version in compared.versions.items() if which not in as_given}
    scored = score(compared, [text for text, _ in changed.values()], run)
    for which, (text, cuts) in changed.items():
        kept[which] = Version(text, scored[text], cuts, predicted(compared, which, cuts))
    return dataclasses.replace(compared, versions=kept, scored=scored)


def score(compared: Compared, texts: Sequence[str], run: Run) -> dict[str, float]:
    """The logit of every text tried so far, and of these."""
    new = [text for text in texts if text not in compared.scored]
    if not new:
        return dict(compared.scored)
    rows = rank(load_reranker(compared.asked.model_id), compared.asked.query, new, on_pass=run.check).rows
    return {**compared.scored, **{row.document: row.logit for row in rows}}
