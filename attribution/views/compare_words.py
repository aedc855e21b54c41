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
    fronts = ["".join(cut.text for cut in sorted(panel.cuts) if cut.end == 0) for panel in panels]  # what was put there
    every = zip(panels, map(stretches, panels), fronts, strict=True)
    return render("compare_words.html", panels=list(every))


def stretches(panel: Panel) -> list[dict[str, object]]:
    """The panel's text in order: each sentence as a `whole` and its `words`, which are shown where it is `zoomed`.

    `loss`: how the logit changes when the sentence goes; None where the model read nothing of it. Where only words can
    be dropped all of them are one stretch, and its `whole` is None.
    """
    if panel.sentences is None:
        return [{"whole": None, "words": _parts(panel, panel.words), "zoomed": True}]
    losses = [Word(s.text, "document", s.start, s.end, s.without) for s in panel.sentences.sentences]
    found = []
    for whole, of in zip(_parts(panel, losses), losses, strict=True):
        parts = _parts(panel, inside(panel.words, whole.start, whole.end))
        zoomed = not whole.gone and any(part.gone for part in parts)
        loss = None if of.attribution is None else -of.attribution
        found.append({"whole": whole, "words": parts, "zoomed": zoomed, "loss": loss})
    return found


def _parts(panel: Panel, words: Sequence[Word]) -> list[Part]:
    """Each with its colour, by a scale of their own, and with what was done to it."""
    done = {(cut.start, cut.end): cut.text for cut in panel.cuts}
    return [
        Part(of, word.start, word.end, (word.start, word.end) in done, done.get((word.start, word.end), ""))
        for word, of in zip(words, shown(words, scale_of(words)), strict=True)
    ]
