"""A's and B's texts as buttons: a sentence, or a word of it, is dropped, put back, or something stands in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from attribution.types import Word
from attribution.views.compare import Which, inside
from attribution.views.templating import Markup, render
from attribution.views.text import Shown, scale_of, shown

if TYPE_CHECKING:
    from attribution.evidence.sentences import Sentences


class Cut(NamedTuple):
    """Characters [start, end) of a text gone, and `text` in their place, between the white space that was there."""

    start: int
    end: int
    text: str = ""


@dataclass(frozen=True)
class Panel:
    """One text. `sentences`: where it has so many that they are what is dropped, else None; `words`: all of it.

    `cuts`: what was done to it; `edited`: another text as a whole, None for this one.
    """

    which: Which
    place: int
    document: str
    logit: float
    truncated: bool
    words: Sequence[Word]
    sentences: Sentences | None = None
    cuts: Sequence[Cut] = ()
    edited: str | None = None


class Part(NamedTuple):
    """A button: what it shows, its span, whether it is gone, and what stands in its place."""

    word: Shown
    start: int
    end: int
    gone: bool
    put: str


class Stretch(NamedTuple):
    """A sentence and its words; `whole` is None where only words can be dropped. `zoomed`: its words are shown.

    `loss`: how the logit changes when it goes; None where the model read nothing of it.
    """

    n: int
    whole: Part | None
    words: list[Part]
    zoomed: bool
    loss: float | None = None


def apply(document: str, cuts: Sequence[Cut]) -> str:
    """The text after the cuts, which do not overlap."""
    parts, at = [], 0
    for cut in sorted(cuts):
        piece = document[cut.start : cut.end]
        parts.append(document[at : cut.start])
        if cut.text:
            before = len(piece) - len(piece.lstrip())
            parts += [piece[:before], cut.text, piece[max(before, len(piece.rstrip())) :]]
        at = max(at, cut.end)
    return "".join([*parts, document[at:]])


def words_html(panels: Sequence[Panel]) -> Markup:
    """Both texts; words coloured by their attributions, sentences by what their removal costs, each text for itself."""
    return render("compare_words.html", panels=[(panel, stretches(panel), _in_front(panel)) for panel in panels])


def stretches(panel: Panel) -> list[Stretch]:
    """The panel's text in order: its sentences, or all of its words."""
    if panel.sentences is None:
        return [Stretch(1, None, _parts(panel, panel.words), True)]
    losses = [Word(s.text, "document", s.start, s.end, s.without) for s in panel.sentences.sentences]
    found = []
    for n, (whole, loss) in enumerate(zip(_parts(panel, losses), losses, strict=True), start=1):
        parts = _parts(panel, inside(panel.words, whole.start, whole.end))
        zoomed = not whole.gone and any(part.gone for part in parts)
        found.append(Stretch(n, whole, parts, zoomed, None if loss.attribution is None else -loss.attribution))
    return found


def _parts(panel: Panel, words: Sequence[Word]) -> list[Part]:
    """Each with its colour, by a scale of their own, and with what was done to it."""
    done = {(cut.start, cut.end): cut.text for cut in panel.cuts}
    return [
        Part(of, word.start, word.end, (word.start, word.end) in done, done.get((word.start, word.end), ""))
        for word, of in zip(words, shown(words, scale_of(words)), strict=True)
    ]


def _in_front(panel: Panel) -> str:
    """What was put before the text."""
    return "".join(cut.text for cut in sorted(panel.cuts) if cut.end == 0)
