"""An audit into a folder. Each step leaves lines behind, so that a run that was cut off goes on to the same bytes."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attribution.audit.audit import Audit, conclude
from attribution.audit.comparison import Comparison
from attribution.audit.failures import Wanted, survey
from attribution.audit.judged import ScoredQuery
from attribution.audit.lifting import lifting_words
from attribution.audit.reading import ORDERS, Failure, reading_of
from attribution.batch.jobs import FORMAT, Job
from attribution.batch.judged import JudgedRow
from attribution.batch.lines import Tell, say
from attribution.batch.output import Output, replacing, set_aside
from attribution.batch.resume import START, reopen
from attribution.batch.rows import BadLine, Row
from attribution.errors import InputError
from attribution.export import dumps, plain
from attribution.rerankers.reranker import Reranker

SCORED, FAILURES, PAIRS, RUN, AUDIT = "scored.jsonl", "failures.jsonl", "pairs.jsonl", "run.trec", "audit.json"
_PARTING = re.compile("[\0 \t-\r\x1c-\x1f\x85\u2028\u2029]")  # what parts fields or lines in some reader
COMPARISON, REPORT = "comparison.json", "report.html"
WRITTEN = (PAIRS, RUN, AUDIT, REPORT, COMPARISON)  # anew by every run
LEFT_OUT = "Lines or documents of the input that could not be read or scored, and are left out: {n}."
Answer = Callable[[Iterable[Row | BadLine], Job, Output], int]  # the engine: rows into lines, how many were skipped


def audit_in(
    folder: Path,
    reranker: Reranker,
    judged: Collection[JudgedRow | BadLine],
    wanted: Wanted,
    loading: Mapping[str, Any],
    answer: Answer,
    tell: Tell = say,
) -> tuple[Audit, int]:
    """Score, find and read the failures, and write all files but the report: the audit, and how many were skipped.

    `judged` is gone through a query at a time; in memory stay ids and each query's measures. What `folder` holds
    already of the same run is not done again. Raises `InputError` where it holds something else.
    """
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = reranker.model_id, reranker.revision
    score = Job("score", (), {}, loading=loading)
    with reopen(folder / SCORED, score, *model) as scores:  # to the end: until then no other run may write here
        skipped = answer(_to_score(judged), score, scores)
        found = survey(scored_queries(folder / SCORED, judged), wanted)
        if not found.measured:  # no audit: an earlier one is of another set
            for path in [folder / name for name in WRITTEN if (folder / name).exists()]:
                tell(f"{path}: no query of the input has a grade; what an earlier run found is in {set_aside(path)}")
        read = Job("failure", (), {"measure": wanted.measure, "seed": wanted.seed, "orders": ORDERS}, loading=loading)
        rows = {one.id: Row(one.id, 0, one.case.query, (dumps(plain(one)),)) for one in found.inversions}
        with reopen(folder / FAILURES, read, *model) as read_now:
            skipped += answer(rows.values(), read, read_now)
        read_before = (entry for _, entry in _entries(folder / FAILURES))
        readings = {entry["id"]: reading_of(entry) for entry in read_before if entry["id"] in rows}
        failures = [Failure(one, readings[one.id]) for one in found.inversions if one.id in readings]
        words = lifting_words(reranker, found.inversions, wanted.seed)
        left_out = (LEFT_OUT.format(n=skipped),) * bool(skipped)
        audit = conclude(reranker, replace(found, notes=(*left_out, *found.notes)), failures, words)
        write_whole(folder / PAIRS, _pairs(scored_queries(folder / SCORED, judged)))
        write_whole(folder / RUN, _run(scored_queries(folder / SCORED, judged), reranker.model_id))
        write_json(folder / AUDIT, "audit", audit)
    return audit, skipped


def check_folder(folder: Path) -> None:
    """Raises `InputError` where an audit would write over a file in `folder` that no audit wrote."""
    if folder.is_symlink() and not folder.exists():
        raise InputError(f"{folder} is a link to nothing. Give --output a folder.")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file. Give --output a folder.")
    held = [name for name in WRITTEN if (folder / name).exists()]
    if held and not any(_is_ours(folder / name) for name in (SCORED, AUDIT, COMPARISON)):
        raise InputError(
            f"{folder} holds {', '.join(held)}, not written by an audit of this program. Give another --output."
        )


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(START) + 2).replace(b"{\n ", b"{").startswith(START)


def write_json(path: Path, task: str, found: Audit | Comparison) -> None:
    """Write an audit as `audit.schema.json` describes it, or a comparison."""
    write_whole(path, [dumps({"format": FORMAT.format(task=task), **plain(found)}, indent=1)])


def write_whole(path: Path, lines: Iterable[str]) -> None:
    """Write `path` anew; if that fails, the old file stays, as `replacing` says."""
    with replacing(path) as part:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
        part.chmod(0o644)


def scored_queries(path: Path, judged: Iterable[JudgedRow | BadLine]) -> Iterator[ScoredQuery]:
    """The scored queries with their judgements, in the order of the input; what could not be scored is left out."""
    places = {entry["id"]: at for at, entry in _entries(path)}
    with path.open("rb") as file:
        for one in _once(judged):
            if isinstance(one, BadLine):
                continue
            rows: list[dict[str, Any]] = []
            if one.judged.id in places:
                file.seek(places[one.judged.id])
                entry = json.loads(file.readline())
                rows = sorted(entry["rows"], key=lambda row: row["place"])
            texts = [candidate.text for candidate in one.judged.candidates]
            if [row["document"] for row in rows] == texts and (not rows or entry["query"] == one.judged.query):
                n_cut = sum(row["truncated"] for row in rows)
                yield ScoredQuery(one.judged, tuple(row["logit"] for row in rows), n_cut)


def _to_score(judged: Iterable[JudgedRow | BadLine]) -> Iterator[Row | BadLine]:
    """What is to be scored: a judged query without candidates has nothing."""
    for one in _once(judged):
        if isinstance(one, BadLine):
            yield one
        elif one.judged.candidates:
            yield one.row


def _once(judged: Iterable[JudgedRow | BadLine]) -> Iterator[JudgedRow | BadLine]:
    """Each query the first time; a bad line where its id comes again."""
    seen = set()
    for one in judged:
        if isinstance(one, JudgedRow) and one.judged.id in seen:
            yield BadLine(one.line, f"query {one.judged.id} is there already; its first line counts")
        else:
            seen |= {one.judged.id} if isinstance(one, JudgedRow) else set()
            yield one


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Where each line begins, and what it holds."""
    with path.open("rb") as file:
        at = 0
        for line in file:
            yield at, json.loads(line)
            at += len(line)


def _pairs(queries: Iterable[ScoredQuery]) -> Iterator[str]:
    """A line a pair, without its texts: they are in the lines of scores."""
    for scored in queries:
        places = {candidate.id: place for place, candidate in enumerate(scored.judged.candidates, start=1)}
        for one in scored.placed:
            about = {"format": FORMAT.format(task="pair"), "query_id": scored.judged.id, "document_id": one.id}
            found = {"grade": one.grade, "place": places[one.id], "rank": one.rank, "logit": one.logit}
            yield dumps({**about, **found})


def _run(queries: Iterable[ScoredQuery], model_id: str) -> Iterator[str]:
    """The model's order as a TREC run; white space in an id is written as in an address, `%20`."""
    tag = "".join(model_id.split()) or "model"
    for scored in queries:
        query_id = _unparted(scored.judged.id)
        for one in scored.placed:
            yield f"{query_id} Q0 {_unparted(one.id)} {one.rank} {one.logit!r} {tag}"


def _unparted(id: str) -> str:
    return _PARTING.sub(lambda found: quote(found[0]), id)
