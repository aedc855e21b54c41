"""Explanations as JSON, CSV, one HTML file, or a card as SVG; answers for programs. No torch, no gradio.

Offsets count code points of the segment's own text, as Python does; beside them, with `_utf16`, the code units that
JavaScript, Java and C# count.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attribution.errors import HALF, AttributionError
from attribution.evidence.faithfulness.summary import believed
from attribution.numbers import exact
from attribution.types import SIDES, Explanation, Segment, step_cap
from attribution.views.picture import card_svg as to_svg
from attribution.views.picture import share_svg as to_share_svg
from attribution.views.score import notes_of_pair
from attribution.views.standalone import page_html as to_html
from attribution.words import template_sum, to_words

if TYPE_CHECKING:
    from attribution.evidence.faithfulness.scores import Faithfulness
    from attribution.evidence.probes.probe import ProbeResult
    from attribution.evidence.sentences import Sentences

NO_NUMBER = (
    "{field}, so this answer cannot be written: the model has no score for these texts. Choose another checkpoint."
)
FORMAT = "rerank-lens/1"
SCHEMA = Path(__file__).parent / "explanation.schema.json"
AUDIT_SCHEMA = Path(__file__).parent / "audit.schema.json"
CSV_COLUMNS = (
    *("method", "requested_method", "segment", "word", "text", "start", "end", "start_utf16", "end_utf16"),
    *("attribution", "sentence", "without", "alone", "share", "truncated", "notes"),
)
PROBE_COLUMNS = (
    *("probe", "verdict", "change", "base_logit", "logit"),
    *("control_low", "control_high", "outcome", "edit", "truncated", "notes"),
)
EXCEL = "\ufeff"  # a byte order mark: Excel reads a CSV file without one as an old code page
SENTENCES_SCHEMA = Path(__file__).parent / "sentences.schema.json"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run such a cell


def to_dict(explanation: Explanation) -> dict[str, Any]:
    """Every field of the explanation, with `words` beside the tokens; ready for JSON, see `explanation.schema.json`.

    `highlighted`: `[text, value]` pairs for each side, as `gr.HighlightedText` takes them; joined they are the text.
    """
    utf16: dict[Segment, list[int]] = {side: _utf16(getattr(explanation, side)) for side in SIDES}
    words = [word for side in SIDES for word in to_words(explanation, side)]
    fields = {f.name: plain(getattr(explanation, f.name)) for f in dataclasses.fields(explanation)}
    fields["tokens"] = [_placed(token, utf16) for token in explanation.tokens]
    return {
        **fields,
        "words": [_placed(word, utf16) for word in words],
        "highlighted": {side: [[w.text, w.attribution] for w in words if w.segment == side] for side in SIDES},
        "template_attribution": template_sum(explanation),
        "notes": notes_of_pair(explanation),
    }


def plain(value: Any) -> Any:
    """A result, of whatever dataclasses, as plain data for JSON; explanations in it by `to_dict`."""
    if isinstance(value, Explanation):
        return to_dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def answer_of(said: Mapping[str, Any], notes: Sequence[str]) -> dict[str, Any]:
    """A program's answer: plain data, and `notes`, of the model and its own. Raises `AttributionError`: `dumps`."""
    answer = {**said, "notes": list(dict.fromkeys([*notes, *said.get("notes", [])]))}
    if no_numbers := list(_no_numbers(answer)):
        raise AttributionError(NO_NUMBER.format(field=no_numbers[0]))
    return answer


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON that is always valid UTF-8: text as it is, but escaped when it holds half a surrogate pair.

    Raises `AttributionError`, which names the field, where a number is nan or infinite, which JSON cannot write.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        raise AttributionError(NO_NUMBER.format(field=next(_no_numbers(value)))) from None
    return json.dumps(value, indent=indent) if HALF.search(text) else text


def _no_numbers(value: Any, name: str = "") -> Iterator[str]:
    """Where a number is nan or infinite, for example "rows.0.logit is nan"."""
    if isinstance(value, float) and not isfinite(value):
        yield f"{name} is {value}"
    inside = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    )
    for key, item in inside:
        yield from _no_numbers(item, f"{name}.{key}" if name else str(key))


def to_json(
    explanations: Sequence[Explanation],
    measured: Faithfulness | None = None,
    found: Sentences | None = None,
    failed: Mapping[str, str] | None = None,
) -> str:
    """One JSON document of explanations of a pair; `faithfulness`: what was measured of them, or null.

    `sentences`: what was `found` of the document's sentences, or null. `failed`: each method's error that gave none.
    """
    document = {
        "format": FORMAT,
        "offsets": "code points; those named _utf16 in UTF-16 code units",
        "explanations": [to_dict(explanation) for explanation in explanations],
        "faithfulness": plain(measured),
        "sentences": sentences_to_dict(found) if found else None,
        "failed": dict(failed or {}),
    }
    return dumps(document, indent=1)


def to_csv(
    explanations: Sequence[Explanation], found: Sentences | None = None, failed: Mapping[str, str] | None = None
) -> str:
    """The words of every explanation, one a row, each of the document beside its sentence's numbers where `found`.

    A method that `failed` has one row, with its error as the note.
    """
    errors = ({"requested_method": key, "notes": [error]} for key, error in (failed or {}).items())
    return csv_of(CSV_COLUMNS, chain(_word_rows(explanations, found), errors))


def _word_rows(explanations: Sequence[Explanation], found: Sentences | None) -> Iterator[dict[str, Any]]:
    listed = sentences_to_dict(found)["sentences"] if found else []
    sentences: list[dict[str, Any]] = [{**row, "sentence": i} for i, row in enumerate(listed, start=1)]
    for explanation in explanations:
        content = to_dict(explanation)
        content["notes"] += [explanation.note] * bool(explanation.note)
        content["notes"] += step_cap(explanation)
        counted = dict.fromkeys(SIDES, 0)
        for word in content["words"]:
            own = next((one for one in sentences if word["segment"] == "document" and word["end"] <= one["end"]), {})
            yield {**content, **own, **word, "word": counted[word["segment"]]}
            counted[word["segment"]] += 1


def csv_of(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The `columns` of `rows`, under a head; notes are joined. An apostrophe is before what a spreadsheet would run."""
    out = io.StringIO()
    table = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\r\n")
    table.writeheader()
    for row in rows:
        safe = {name: cell(row[name]) for name in ("name", "text") if name in row}
        table.writerow({**row, **safe, "notes": " ".join(row["notes"])})
    return out.getvalue()


def sentences_to_dict(found: Sentences) -> dict[str, Any]:
    """Every field, each sentence with its offsets in both counts, and the finding in words: `sentences.schema.json`."""
    units = _utf16(found.document)
    rows = [
        {**plain(s), "read": s.read, "start_utf16": units[s.start], "end_utf16": units[s.end]} for s in found.sentences
    ]
    said = {"unread": list(found.unread), "costliest": found.costliest, "says": found.says}
    return {"format": "rerank-lens sentences 1", **plain(found), "sentences": rows, **said}


def probes_to_json(results: Sequence[ProbeResult], notes: Sequence[str] = ()) -> str:
    """What the probes of a pair found: edited texts, logits, controls and verdicts; `notes`: of the model."""
    return dumps({"format": "rerank-lens probes 1", "results": plain(list(results)), "notes": list(notes)}, indent=1)


def probes_to_csv(results: Sequence[ProbeResult], notes: Sequence[str] = ()) -> str:
    """A row for each edit; a probe that does not apply has one without numbers. `notes`: of the model."""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(PROBE_COLUMNS)
    for r in results:
        for v in r.variants:
            numbers = (v.change, r.logit, v.logit, v.control.low, v.control.high)
            said = (v.outcome, v.says, v.truncated, " ".join(notes))
            writer.writerow([r.probe, r.verdict, *map(exact, numbers), *said])
        if not r.variants:
            writer.writerow([r.probe, r.verdict, "", exact(r.logit), "", "", "", "", r.note, "", " ".join(notes)])
    return rows.getvalue()


@dataclass(frozen=True)
class Format:
    """`file`: the name it is saved under. `kind`: its media type. `write`: results -> what is in the file."""

    file: str
    kind: str
    write: Callable[..., str]


# Of a pair's explanations by method, of what was measured of them, or None, of the document's sentences, or None, and
# of the errors of methods that gave no explanation.
FORMATS: dict[str, Format] = {
    "JSON": Format("explanations.json", "application/json", lambda done, *more: to_json([*done.values()], *more)),
    "CSV": Format("words.csv", "text/csv", lambda done, _, *more: EXCEL + to_csv([*done.values()], *more)),
    "HTML": Format("explanations.html", "text/html", to_html),
    "SVG": Format("card.svg", "image/svg+xml", lambda done, measured, *_: to_svg(believed(done, measured))),
    "Post, SVG": Format("share.svg", "image/svg+xml", lambda done, measured, *_: to_share_svg(done, measured)),
    # Drawn by the browser, from the SVG.
    "Post, PNG": Format("share.png", "image/png", lambda done, measured, *_: to_share_svg(done, measured)),
}
PROBE_FORMATS: dict[str, Format] = {  # of a pair's probes
    "JSON": Format("probes.json", "application/json", probes_to_json),
    "CSV": Format("probes.csv", "text/csv", lambda *given: EXCEL + probes_to_csv(*given)),
}


def cell(text: str) -> str:
    """Text for a spreadsheet, which must not run it."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return f"'{text}" if text.lstrip(" \n").startswith(FORMULA_STARTS) else text


def _placed(part: Any, utf16: Mapping[Segment, Sequence[int]]) -> dict[str, Any]:
    """A token or word as a dict, with `start_utf16` and `end_utf16` beside its offsets; None where it has none."""
    units = utf16.get(part.segment)
    start, end = (None if place is None or units is None else units[place] for place in (part.start, part.end))
    return {**dataclasses.asdict(part), "start_utf16": start, "end_utf16": end}


def _utf16(text: str) -> list[int]:
    """For every code point offset, and the end, its offset in UTF-16 code units."""
    return [0, *accumulate(2 if ord(character) > 0xFFFF else 1 for character in text)]
