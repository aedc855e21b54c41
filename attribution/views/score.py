"""The score in a searcher's words: what it says, how sure, and what to be careful about.

Such as a text outside what a model can have learnt: pieces its vocabulary lacks, letters of other scripts.
"""

import math
from dataclasses import dataclass

import regex

from attribution.numbers import fixed
from attribution.rerankers.loading.models import MODELS
from attribution.types import ONE_LOGIT, SIDES, Explanation, Segment
from attribution.views.templating import Markup, render
from attribution.words import VISIBLE

UNDECIDED = 0.5  # |logit| below which the model leans to neither side: 38 to 62 %
RAIL = 7.6  # |logit| at the ends of the rail: there the percentage rounds to 0 or 100
UNKNOWN = frozenset({"[UNK]", "<unk>"})  # what the tokenizers of all families call a piece they do not have
MOSTLY = 0.5
# Of models of one language: the only script they learnt.
SCRIPTS = {"English": "Latin", "English, lower-cased": "Latin"}


def score_html(explanation: Explanation) -> Markup:
    """The panel, from any explanation of the pair."""
    logit, known = explanation.logit, MODELS.get(explanation.model_id)
    percentage = fixed(50 + 50 * math.tanh(logit / 2))  # the sigmoid of the logit
    ends = [token.end or 0 for token in explanation.tokens if token.segment == "document"]
    return render(
        "score.html",
        of=explanation,
        verdict=verdict(logit),
        probability=percentage,
        saturated=percentage in ("0.0", "100.0"),
        place=50 + 50 * max(-1.0, min(1.0, logit / RAIL)),
        model_label=known.label if known else explanation.model_id,
        seen=max(ends) if explanation.truncated else None,
        warned=_warned(explanation),
        reads=None if explanation.reads == ONE_LOGIT else explanation.reads,
    )


def notes_of_pair(explanation: Explanation) -> list[str]:
    """What every file says of an explanation: of its model, and what the panel warns of in its texts."""
    return [*explanation.notes, *(warning.striptags() for warning in _warned(explanation))]


def _warned(explanation: Explanation) -> list[Markup]:
    """A paragraph for each thing in the texts that the model did not learn to read, or does not read as text."""
    known = MODELS.get(explanation.model_id)
    script = SCRIPTS.get(known.languages) if known else None
    sides = [outside(explanation, side, script) for side in SIDES]
    warned = [render("outside.html", side=side, script=script) for side in sides if side.mostly]
    return warned + [render("control.html", control=explanation.control)] * bool(explanation.control)


@dataclass(frozen=True)
class Outside:
    """Shares of the visible characters the model read of one side; `foreign`: letters of a script it never learnt."""

    segment: Segment
    unknown: float
    foreign: float

    @property
    def mostly(self) -> bool:
        """Whether most of the text is outside."""
        return self.unknown + self.foreign > MOSTLY


def outside(explanation: Explanation, segment: Segment, script: str | None = None) -> Outside:
    """`script`: the only one the model was trained on, as Unicode names it ("Latin"); None: not known, none is foreign.

    A character of an unknown piece counts as unknown only, whatever its script.
    """
    text = explanation.query if segment == "query" else explanation.document
    letter = regex.compile(rf"[\p{{L}}--\p{{Script={script}}}]", regex.VERSION1) if script else None
    spans = {
        (token.start or 0, token.end or 0): token.text in UNKNOWN
        for token in explanation.tokens
        if token.segment == segment
    }
    unknown = {i for (start, end), lacking in spans.items() if lacking for i in range(start, end)}
    read = {i for start, end in spans for i in range(start, end) if VISIBLE.match(text[i])}
    foreign = {i for i in read - unknown if letter and letter.match(text[i])}
    total = max(1, len(read))
    return Outside(segment, len(unknown & read) / total, len(foreign) / total)


def verdict(logit: float) -> str:
    """What the model says, in words that hold."""
    if abs(logit) <= UNDECIDED:
        return "Undecided"
    return "Answers the query" if logit > 0 else "Does not answer the query"
