"""How much of a text is outside what a model can have learnt: pieces its vocabulary lacks, letters of other scripts."""

from dataclasses import dataclass

import regex

from attribution.types import Explanation, Segment

UNKNOWN = frozenset({"[UNK]", "<unk>"})  # what the tokenizers of all families call a piece they do not have
MOSTLY = 0.5
# Of models of one language: the only script they learnt.
SCRIPTS = {"English": "Latin", "English, lower-cased": "Latin"}
_VISIBLE = regex.compile(r"[^\s\p{Cc}\p{Default_Ignorable_Code_Point}]", regex.VERSION1)


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
    read = {i for start, end in spans for i in range(start, end) if _VISIBLE.match(text[i])}
    foreign = {i for i in read - unknown if letter and letter.match(text[i])}
    total = max(1, len(read))
    return Outside(segment, len(unknown & read) / total, len(foreign) / total)
