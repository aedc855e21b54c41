"""A document with words dropped or replaced by hand, and what an explanation had said that it would do to the score."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from math import fsum

from attribution.errors import InputError, OptionError
from attribution.methods import METHODS
from attribution.types import Explanation
from attribution.words import to_words


@dataclass(frozen=True)
class Edit:
    """`text`: the document as edited. `dropped`: what went, neighbours together; `replaced`: `(old, new)` words.

    `predicted`: the change of the logit that the attributions said, minus the sum of what was dropped. None where they
    say nothing: the method has no sign (`signed`), or a word was replaced.
    """

    text: str
    dropped: tuple[str, ...]
    replaced: tuple[tuple[str, str], ...]
    signed: bool
    predicted: float | None


def edit(explanation: Explanation, words: Mapping[int, str]) -> Edit:
    """The explained document with some `words` changed: their number as `to_words` lists them -> what stands there now.

    White space alone drops the word, and the space before it. A word that the model never read counts 0. Raises
    `OptionError` for a number that no word has, `InputError` where nothing of the document is left.
    """
    every = to_words(explanation, "document")
    unknown = sorted(set(words) - set(range(len(every))))
    if unknown:
        raise OptionError(f"There is no word {unknown[0]} in this document; its words are 0 to {len(every) - 1}.")
    dropped = [i for i in sorted(words) if not words[i].strip()]
    replaced = [i for i in sorted(words) if words[i].strip()]
    texts = [word.text for word in every]
    for i, now in words.items():
        texts[i] = texts[i].replace(texts[i].strip(), now.strip(), 1) if now.strip() else ""
    text = "".join(texts).strip()
    if not text:
        raise InputError("Nothing of the document is left. Put a word back: Esc puts all of them back.")
    runs = groupby(enumerate(dropped), key=lambda at: at[1] - at[0])  # neighbours have one difference
    signed = METHODS[explanation.method].signed
    change = -fsum(every[i].attribution or 0.0 for i in dropped)
    return Edit(
        text=text,
        dropped=tuple("".join(every[i].text for _, i in run).strip() for _, run in runs),
        replaced=tuple((every[i].text.strip(), words[i].strip()) for i in replaced),
        signed=signed,
        predicted=change if signed and not replaced else None,
    )
