"""An audit -> `report.html`: one file without a script, which opens offline, prints, and is light or dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from attribution.numbers import counted, fixed, logit, percent
from attribution.types import Word
from attribution.views.compare_why import FLAT, Piece, Step, named, steps
from attribution.views.page import compare_link
from attribution.views.standalone import styles
from attribution.views.templating import render, write
from attribution.views.text import Shown, shown

if TYPE_CHECKING:
    from attribution.audit.audit import Audit
    from attribution.audit.causes import Cause
    from attribution.audit.comparison import Comparison
    from attribution.audit.failures import Inversion
    from attribution.audit.measures import Average
    from attribution.audit.reading import Failure, Part, Why
    from attribution.audit.statistics import Excess

BARS = 400  # of the strip of queries; beyond, a bar stands for several


def report_html(
    audit: Audit, causes: Mapping[str, Cause], *, comparison: Comparison | None = None, link: str | None = None
) -> str:
    """A whole document. `causes`: the table's rows; `link`: the address of a page whose Compare opens a failure."""
    own, *others = [one for one in audit.averages if one.measure == audit.measure]
    held = [(key, excess) for key, excess in audit.causes.items() if excess.failures or excess.controls]
    held.sort(key=lambda one: (not one[1].claimed, -one[1].ratio))
    return write(
        "audit.html",
        styles=styles(),
        own_styles=render("audit.css"),
        audit=audit,
        own=own,
        others=others,
        beside=[one for one in audit.averages if one.order == "model" and one.measure != audit.measure],
        finding=finding(others),
        strip=strip([query.values["model"][audit.measure] for query in audit.queries]),
        n_a_bar=a_bar(len(audit.queries)),
        causes=[(causes[key], excess, verdict(excess)) for key, excess in held],
        never=[cause.label for key, cause in causes.items() if key not in dict(held)],
        names={key: cause.label for key, cause in causes.items()},
        asked=sorted({key for failure in audit.failures for key in failure.reading.causes}, key=list(causes).index),
        words=[word for word in audit.words if word.claimed],
        cards=[card(number, failure, link, audit.model_id) for number, failure in enumerate(audit.failures, start=1)],
        comparison=comparison,
    )


def finding(others: Sequence[Average]) -> str:
    """Whether the model is ahead of the other orders of its own candidates, in a sentence."""
    said = []
    for one in others:
        name = {"given": "the order the candidates came in", "lexical": "BM25 over the same candidates"}[one.order]
        if one.ahead_low > 0:
            said.append(f"ahead of {name} by {fixed(one.ahead, 3)}")
        elif one.ahead_high < 0:
            said.append(f"behind {name} by {fixed(-one.ahead, 3)}")
        else:
            said.append(f"not told apart from {name} ({logit(one.ahead)})")
    return f"The reranker is {' and '.join(said)}."


def verdict(excess: Excess) -> str:
    """What is claimed of a cause."""
    if excess.claimed:
        return "more frequent among failures"
    if excess.low > 1:
        return "not clearly more frequent"
    return "no more than elsewhere"


def a_bar(n_queries: int) -> int:
    """How many queries a bar of the strip stands for."""
    return -(-n_queries // BARS) or 1


def strip(values: Sequence[float]) -> list[tuple[float, float, float]]:
    """`(x, width, height)` of a bar a query, the lowest first; in per cent."""
    ordered, step = sorted(values), a_bar(len(values))
    bars = [ordered[at : at + step] for at in range(0, len(ordered), step)]
    width = 100 / max(1, len(bars))
    return [(round(i * width, 3), round(width, 3), round(100 * sum(b) / len(b), 2)) for i, b in enumerate(bars)]


def card(number: int, failure: Failure, link: str | None, model_id: str) -> dict[str, object]:
    """What the template prints of a failure."""
    inversion, reading = failure.inversion, failure.reading
    case, why = inversion.case, reading.why
    by_words = bool(why.wrong_words and why.right_words)
    wrong = why.wrong_words if by_words else why.wrong
    right = why.right_words if by_words else [replace(part, value=-part.value) for part in why.right]
    scale = max((abs(part.value) for part in (*wrong, *right)), default=0.0) or 1.0
    return {
        "number": number,
        "inversion": inversion,
        "causes": reading.causes,
        "wrong": passage(case.wrong.text, wrong, scale),
        "right": passage(case.right.text, right, scale),
        "unit": "word" if by_words else "sentence",
        "steps": waterfall(inversion, why) if len(why.wrong) + len(why.right) + len(why.common) > 2 else [],
        "n_common": len(why.common),
        "error": why.error,
        "turned": reading.turned,
        "link": compare_link(link, case.query, [case.wrong.text, case.right.text], model_id) if link else None,
        "cost": percent(inversion.cost),
    }


def passage(text: str, parts: Sequence[Part], scale: float) -> list[Shown]:
    """The text for the `words` macro, each part coloured by what it does to the score; what is no part is plain."""
    words, at = [], 0
    for part in parts:
        start = text.find(part.text.strip(), at)
        if start < 0:
            continue
        end = start + len(part.text.strip())
        if start > at:
            words.append(Word(text[at:start], "document", at, start, 0.0))
        words.append(Word(text[start:end], "document", start, end, part.value))
        at = end
    if at < len(text):
        words.append(Word(text[at:], "document", at, len(text), 0.0))
    return shown(words, scale)


def waterfall(inversion: Inversion, why: Why) -> list[Step]:
    """From the right one's logit, sentence by sentence, to the wrong one's; with the words that were looked at."""
    right, wrong = (inversion.case.right.logit, inversion.case.wrong.logit)
    pieces = [*_pieces(why.right, "right"), *_pieces(why.wrong, "wrong")]
    if why.common:
        pieces.insert(0, Piece(f"{counted(len(why.common), 'sentence')} in both", "", why.common_value))
    rest = wrong - right - sum(piece.value for piece in pieces)
    if abs(rest) >= FLAT:
        pieces.append(Piece("what is left over", "", rest))
    return steps(pieces, Piece("right one", "", right), Piece("wrong one", "", wrong))


def _pieces(parts: Sequence[Part], of: str) -> list[Piece]:
    pieces = []
    for part in parts:
        scale = max((word.size for word in part.words), default=0.0) or 1.0
        inside = passage(part.text.strip(), part.words, scale) if part.words else ()
        pieces.append(Piece(part.text.strip(), of, part.value, inside))
    return named(pieces, "sentence", of)
