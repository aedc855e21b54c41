"""A compared list as JSON or CSV: its ranking, why A is above B, and every what-if. No torch, no gradio."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from attribution.evidence.compare.contrast import Contrast, Ranking
from attribution.evidence.compare.passages import SentenceContrast
from attribution.export import EXCEL, Format, csv_of, dumps, plain
from attribution.types import step_cap
from attribution.views.compare import Names, Outcome

COLUMNS = ("rank", "name", "text", "logit", "truncated", "compared_as", "what_if_logit", "notes")
TERM_COLUMNS = ("by", "of", "text", "start", "end", "value", "error", "notes")


@dataclass(frozen=True)
class ComparedList:
    """What the page shows of a list. `ranking`: as given, without what-ifs. `contrast`: None while it is not known.

    `outcomes`: of the changed documents, by their "A" or "B"; `texts`: what each of them reads now.
    """

    ranking: Ranking
    names: Names
    contrast: Contrast | SentenceContrast | None
    outcomes: Mapping[str, Outcome]
    texts: Mapping[str, str]


def compared_to_dict(compared: ComparedList) -> dict[str, Any]:
    """Every number at full precision; places count from 1, logits are raw.

    `contrast_by`: "word" or "sentence", what the bars of `contrast` stand for; both null while it is not known.
    """
    names, why = compared.names, compared.contrast
    rows = [
        {**plain(row), "name": names.by_place[row.place], "compared_as": names.role(row.place) or None}
        for row in compared.ranking.rows
    ]
    return {
        "format": "rerank-lens compare 1",
        "ranking": {**plain(compared.ranking), "rows": rows},
        "contrast_by": ("word" if isinstance(why, Contrast) else "sentence") if why else None,
        "contrast": sentence_contrast_to_dict(why) if isinstance(why, SentenceContrast) else plain(why),
        "what_ifs": [{**plain(one), "text": compared.texts[which]} for which, one in compared.outcomes.items()],
    }


def sentence_contrast_to_dict(found: SentenceContrast) -> dict[str, Any]:
    """Every field, the difference that the bars add up to, and how much of the two is the same."""
    return {**plain(found), "difference": found.difference, "says": found.says}


def compared_to_csv(compared: ComparedList) -> str:
    """A row a document, by rank."""
    after = {which: one.after for which, one in compared.outcomes.items()}
    rows = compared_to_dict(compared)["ranking"]["rows"]
    more = [{"text": row["document"], "what_if_logit": after.get(row["compared_as"])} for row in rows]
    notes = {"notes": compared.ranking.notes}
    return csv_of(COLUMNS, [{**row, **of, **notes} for row, of in zip(rows, more, strict=True)])


def why_to_csv(compared: ComparedList) -> str:
    """A row a term of A's logit minus B's; only a head while it is not known. Each `by` adds up to the difference."""
    why, notes = compared.contrast, [*compared.ranking.notes]
    notes += step_cap(why.first, why.second) if isinstance(why, Contrast) else []
    return csv_of(TERM_COLUMNS, ({**term, "notes": notes} for term in _terms(why)))


def _terms(why: Contrast | SentenceContrast | None) -> Iterator[dict[str, Any]]:
    if isinstance(why, SentenceContrast):
        yield from ({"by": "sentence", **plain(bar)} for bar in why.bars)
        yield {"by": "sentence", "of": "both", "value": why.common_value}
        yield {"by": "sentence", "of": "remainder", "value": why.remainder}
    for side in why.sides if isinstance(why, Contrast) else ():
        by = f"word of the {' and '.join(side.segments)}"
        yield from ({"by": by, **plain(bar)} for bar in side.bars)
        yield {"by": by, "of": "baseline", "value": side.baseline}
        yield {"by": by, "of": "remainder", "value": side.remainder}


COMPARE_FORMATS: dict[str, Format] = {  # of a compared list
    "JSON": Format("compared.json", "application/json", lambda compared: dumps(compared_to_dict(compared), indent=1)),
    "CSV": Format("compared.csv", "text/csv", lambda compared: EXCEL + compared_to_csv(compared)),
    "Why, CSV": Format("why.csv", "text/csv", lambda compared: EXCEL + why_to_csv(compared)),
}
