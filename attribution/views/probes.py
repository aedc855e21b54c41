"""Probes -> escaped HTML: one row a probe, the change as a bar over its control's band, the edits on demand."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import takewhile
from operator import eq
from typing import TYPE_CHECKING

import regex
from markupsafe import Markup

from attribution.evidence.probes.table import CLEAR, FLOOR, NEITHER, SHOULD
from attribution.numbers import fixed
from attribution.views.templating import render

if TYPE_CHECKING:
    from attribution.evidence.probes.probe import ProbeResult, Variant
    from attribution.evidence.probes.table import Probe

PIECE = regex.compile(r"\s+|[\p{L}\p{M}\p{N}]+|.", regex.DOTALL)
MOST_EQUAL = 20_000  # pairs of equal pieces; else frequent pieces count only beside rare ones, or it would take hours
# verdict -> (mark, what it means): never by colour alone
VERDICTS = {
    "held": ("\u2713", "the score did what it should"),
    "did not hold": ("\u2717", "the score left the band in the wrong direction"),
    "moved": ("\u2195", "the score left the band; which direction is right depends on what the text claims"),
    "no clear effect": ("\u25cb", "a small change inside the band: neither for nor against the model"),
    "too noisy to tell": ("\u2248", f"more than {CLEAR} logits, but inside a wide band: neither for nor against"),
    "does not apply": ("\u2013", "these texts have nothing that this edit could change"),
}
OF = {"fall": "where the text answers the query", "not rise": "for an unrelated document"}  # else for any text


def changed_parts(before: str, after: str) -> list[tuple[str, str]]:
    """`(kind, piece)` of `after`, the "same", "new" or "gone"; "same" and "new" joined are `after`, to the letter."""
    a, b = PIECE.findall(before), PIECE.findall(after)
    head = _alike(a, b)
    tail = _alike(a[head:][::-1], b[head:][::-1])
    first, a, b, last = a[:head], a[head : len(a) - tail], b[head : len(b) - tail], a[len(a) - tail :]
    counts, often = Counter(b), MOST_EQUAL // max(1, len(a))
    parts = [("same", "".join(first))] if first else []
    for tag, i, j, k, m in difflib.SequenceMatcher(lambda of: counts[of] > often, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            parts.append(("same", "".join(b[k:m])))
            continue
        parts += [("gone", "".join(a[i:j]))] if j > i else []
        parts += [("new", "".join(b[k:m]))] if m > k else []
    return parts + ([("same", "".join(last))] if last else [])


def _alike(a: Sequence[str], b: Sequence[str]) -> int:
    """How many pieces both begin with."""
    return sum(takewhile(bool, map(eq, a, b)))


def probes_html(
    results: Sequence[ProbeResult], probes: Mapping[str, Probe], *, n_forward: int, seconds: float
) -> Markup:
    """The whole table; `probes` is the table of probes, `n_forward` and `seconds` what they cost."""
    spans = [abs(x) for r in results for v in r.variants for x in (v.change, v.control.low, v.control.high)]
    reach = max(spans, default=0.0) or 1.0
    return render(
        "probes.html",
        rows=[_row(result, probes[result.probe], reach) for result in results],
        verdicts=VERDICTS,
        counts=Counter(result.verdict for result in results),
        neither=NEITHER,
        n_neither=sum(result.verdict in NEITHER for result in results),
        reach=reach,
        floor=FLOOR,
        n_forward=n_forward,
        seconds=seconds,
    )


def place(value: float, reach: float) -> float:
    """Where `value` stands on a bar from -reach to reach, in per cent of its width."""
    return round(50 + 48 * max(-1.0, min(1.0, value / reach)), 2)


def outcome(verdict: str, change: float | None, expects: str) -> str:
    """The verdict in words; of a score that moved, which way, and where it should not have."""
    if change is None or verdict not in ("did not hold", "moved"):
        return verdict
    how = f"{'rose' if change > 0 else 'fell'} by {fixed(abs(change), 2)}"
    return how if verdict == "moved" else f"{how} where it should {expects}"


def _row(result: ProbeResult, probe: Probe, reach: float) -> dict[str, object]:
    return {
        "result": result,
        "probe": probe,
        "should": SHOULD[probe.expects],
        "of": OF.get(probe.expects),
        "outcome": outcome(result.verdict, result.change, probe.expects),
        "variants": [_variant(result, variant, probe.expects, reach) for variant in result.variants],
    }


def _variant(result: ProbeResult, variant: Variant, expects: str, reach: float) -> dict[str, object]:
    of_query = variant.query != result.query
    texts = (result.query, variant.query) if of_query else (result.document, variant.document)
    return {
        "of": variant,
        "outcome": outcome(variant.outcome, variant.change, expects),
        "inside": variant.control.holds(variant.change),
        "edited": "query" if of_query else "document",
        "parts": changed_parts(*texts),
        "low": place(variant.control.low, reach),
        "high": place(variant.control.high, reach),
        "at": place(variant.change, reach),
    }
