"""A document's sentences, each with a bar for what it does to the score. No torch, no gradio."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from attribution.numbers import coordinate, logit
from attribution.views.templating import Markup, render

if TYPE_CHECKING:
    from attribution.evidence.sentences import Sentences

FEWEST = 3  # sentences from which they are shown; below, words say it all


def sentences_html(found: Sentences | None, *, fixed: bool = False) -> Markup:
    """Its sentences, if there are three or more; a bar is a share, a loss until the shares are known.

    `fixed`: for a page without a script, where nothing can be clicked.
    """
    if found is None or len(found.sentences) < FEWEST:
        return Markup()
    return render("sentence_bars.html", found=found, rows=_rows(found), shares=found.remainder is not None, fixed=fixed)


def _rows(found: Sentences) -> list[dict[str, object]]:
    """Each sentence with the numbers of its `words`, its `value` as printed, and its bar from `left`, in %.

    `value` is None where the model read nothing of it.
    """
    values = [s.without if s.share is None else s.share for s in found.sentences]
    ends = accumulate((s.n_words for s in found.sentences), initial=0)
    scale = max((abs(value) for value in values if value is not None), default=0.0) or 1.0
    rows = []
    for sentence, value, words in zip(found.sentences, values, pairwise(ends), strict=True):
        width = 50 * abs(value or 0.0) / scale
        lowers = value is not None and value < 0
        bar = {"left": coordinate(50 - width if lowers else 50), "width": coordinate(width), "lowers": lowers}
        shown = None if value is None else logit(value, True)
        rows.append({"words": words, "sentence": sentence, "value": shown, **bar})
    return rows
