"""`rerank-lens audit`: a judged set in; a folder with scores, failures, `audit.json` and a report out."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from attribution.audit.audit import Audit, check_options
from attribution.audit.causes import CAUSES
from attribution.audit.comparison import Comparison, check_comparable, compare, reversals
from attribution.audit.failures import Wanted
from attribution.audit.measures import ORDERS, check_grades, grades_of, parse
from attribution.audit.reading import max_passes
from attribution.batch import auditing
from attribution.batch.engines import run_rows
from attribution.batch.jobs import FORMAT, Job
from attribution.batch.judged import JudgedRow, read_beir, read_dataset, read_judged_lines, read_judged_trec
from attribution.batch.kept import kept_rows
from attribution.batch.lines import printable, stdin_lines
from attribution.batch.output import Output, set_aside
from attribution.batch.rows import BadLine, Row
from attribution.errors import InputError
from attribution.evidence.probes.wording import words_of
from attribution.numbers import exact, fixed, signed_fixed
from attribution.rerankers.loading.load import load_reranker
from attribution.rerankers.reranker import Reranker
from attribution.views.audit import report_html
from attribution.words import sentences_of

FELL = 3  # exit code: the measure is below what was asked, or fell since the audit it is compared with
SPLIT = "test"  # of a BEIR folder
UNITS = {"score": "query", "failure": "failure"}
SAMPLE = 4  # queries, and candidates of each, that are timed and whose sentences are counted
PART = 0.4  # of a pass over a whole text: what one takes that reads some of its sentences, most of a failure's passes
MINUTE = 60
Judged = Collection[JudgedRow | BadLine]


def run_audit(args: argparse.Namespace) -> int:
    """The audit of one model, or of two; returns how many lines were skipped.

    Raises `AttributionError` and `OSError`, and `SystemExit` with 3 where the measure is too low.
    """
    check_options(args.measure, args.failures, args.seed)
    _check_files(args)
    before = _stored(args.against) if args.against else None
    if before:
        check_comparable(before, {"measure": str(parse(args.measure)), "unjudged_as": args.unjudged})
    there = next(folder for folder in (args.output, *args.output.absolute().parents) if folder.is_dir())
    judged = kept_rows(_judged(args), there)  # on the disk of what is written, before anything is
    rows = (row.judged for row in judged if isinstance(row, JudgedRow))
    check_grades(args.measure, {grade for row in rows for grade in grades_of(row).values()})
    done, skipped = [], 0
    for number, loading in enumerate(args.models, start=1):
        folder = args.output if len(args.models) == 1 else args.output / str(number)
        audit, missed = _audit(args, folder, loading, judged)
        print(summary(audit), file=sys.stderr)
        done.append((folder, audit))
        skipped += missed
    first = before or (_stored(done[0][0] / auditing.AUDIT) if len(done) > 1 else None)
    compared = compare(first, _stored(folder / auditing.AUDIT), args.seed) if first else None
    if compared and len(done) > 1 and not before:
        rerankers = [load_reranker(**loading) for loading in args.models]
        compared = replace(compared, reversals=reversals([audit for _, audit in done], rerankers))
    for folder, audit in done:
        beside = compared if audit is done[-1][1] else None
        auditing.write_whole(folder / auditing.REPORT, [report_html(audit, CAUSES, comparison=beside, link=args.link)])
    if compared:
        auditing.write_json(args.output / auditing.COMPARISON, "comparison", compared)
        print(comparison_said(compared), file=sys.stderr)
    elif (earlier := args.output / auditing.COMPARISON).exists():
        _tell(f"{earlier} is of an earlier run; it is kept as {set_aside(earlier)}")
    if before and compared and compared.fell:
        raise SystemExit(FELL)
    if args.fail_under is not None and (value := audit.averages[0].value) < args.fail_under:
        print(f"{audit.measure} is {exact(value)}, below --fail-under {args.fail_under}", file=sys.stderr)
        raise SystemExit(FELL)
    return skipped


def _check_files(args: argparse.Namespace) -> None:
    """Raises `InputError` where something would be written over that an audit only reads, or did not write."""
    for name in ("run", "topics", "passages", "qrels"):
        path, folder = getattr(args, name), Path(os.path.realpath(args.output))
        if path and folder in Path(os.path.realpath(path)).parents and path.name in auditing.WRITTEN:
            raise InputError(f"--{name} {path} would be written over: an audit writes {path.name}. Move --output.")
    auditing.check_folder(args.output)


def _audit(args: argparse.Namespace, folder: Path, loading: dict[str, Any], judged: Judged) -> tuple[Audit, int]:
    reranker = load_reranker(**loading)
    wanted = Wanted(args.measure, args.failures, args.seed, args.unjudged)
    print(estimate(reranker, judged, args.failures, args.workers if args.engine == "ray" else 1), file=sys.stderr)

    def answer(rows: Iterable[Row | BadLine], job: Job, output: Output) -> int:
        total = len(judged) if job.task == "score" else len(list(rows))
        with tqdm(unit=UNITS[job.task], total=total, disable=None) as bar:
            return run_rows(args, reranker, rows, job, output, bar)

    return auditing.audit_in(folder, reranker, judged, wanted, loading, answer, _tell)


def estimate(reranker: Reranker, judged: Iterable[JudgedRow | BadLine], n_failures: int, workers: int = 1) -> str:
    """What an audit will take, in a sentence: by the pairs in the set, and the time of a few that are scored for it."""
    n_queries = n_pairs = 0
    sample: dict[str, list[str]] = {}
    for row in judged:
        if isinstance(row, JudgedRow):
            n_queries += 1
            n_pairs += len(row.judged.candidates)
            if len(sample) < SAMPLE and row.judged.candidates:
                sample[row.judged.query] = [one.text for one in row.judged.candidates[:SAMPLE]]
    timed = [_seconds(reranker, query, texts) for query, texts in sample.items()]
    a_pass = min((of for of in timed if of is not None), default=0.0)  # the first pass of a process is the slowest
    texts = [text for found in sample.values() for text in found]
    n_words, n_sentences = (max(map(len, map(of, texts)), default=1) for of in (words_of, sentences_of))
    passes, failures = max_passes(n_sentences, n_words), min(n_failures, n_queries)
    scoring, reading = n_pairs * a_pass / workers, failures * passes * PART * a_pass / workers
    return (
        f"{reranker.model_id}; queries: {n_queries}, candidates: {n_pairs:,}, a forward pass each, about "
        f"{_duration(scoring)}; then failures: at most {failures}, about {passes} passes each, {_duration(reading)}. "
        "What the folder already holds is not computed again."
    )


def _seconds(reranker: Reranker, query: str, texts: list[str]) -> float | None:
    """Of a pass over one of them; None where one cannot be scored, which is said when its turn comes."""
    began = time.perf_counter()
    with suppress(InputError):
        reranker.score(query, texts)
        return (time.perf_counter() - began) / len(texts)
    return None


def _duration(seconds: float) -> str:
    return f"{fixed(seconds, 0)} s" if seconds < 2 * MINUTE else f"{fixed(seconds / MINUTE, 0)} min"


def _judged(args: argparse.Namespace) -> Iterable[JudgedRow | BadLine]:
    if args.run:
        return read_judged_trec(args.run, args.topics, args.passages, args.qrels, args.top, _tell)
    if args.beir:
        return read_beir(args.beir, args.split or SPLIT, args.top, _tell)
    if args.dataset:
        return read_dataset(args.dataset, args.top)
    return read_judged_lines(stdin_lines(), _tell)


def _tell(said: str) -> None:
    tqdm.write(printable(said), file=sys.stderr)


def _stored(path: Path) -> dict[str, Any]:
    """An `audit.json`. Raises `InputError` for anything else."""
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != FORMAT.format(task="audit"):
            raise ValueError
        compare(stored, stored, 0)  # all that a comparison reads is there
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path} is not the audit.json of an audit. Give one that this command wrote.") from None
    return stored


def summary(audit: Audit) -> str:
    """The findings in a few lines."""
    own, *others = [one for one in audit.averages if one.measure == audit.measure]
    value = f"{fixed(own.value, 4)} {_interval(fixed, own.low, own.high, 4)}"
    lines = [f"{audit.measure} {value}, queries: {len(audit.queries)}"]
    lines += [
        f"  {ORDERS[one.order]}: {fixed(one.value, 4)}; the model's lead: {signed_fixed(one.ahead, 4)} "
        f"{_interval(signed_fixed, one.ahead_low, one.ahead_high, 4)}"
        for one in others
    ]
    lines.append(f"queries with a wrong text above a right one: {audit.n_inversions}, explained: {len(audit.failures)}")
    lines += [
        f"  {CAUSES[key].label}: {fixed(100 * one.failures, 0)} % of failures, "
        f"{fixed(100 * one.controls, 0)} % of pairs in order, "
        f"x{fixed(one.ratio)} {_interval(fixed, one.low, one.high, 1)}"
        for key, one in audit.causes.items()
        if one.claimed
    ]
    words = [f"\u201c{one.word}\u201d ({signed_fixed(one.lift, 2)})" for one in audit.words if one.claimed]
    lines += [f"  words that lift wrong candidates: {', '.join(words)}"] if words else []
    return "\n".join([*lines, *audit.notes])


def comparison_said(one: Comparison) -> str:
    """The comparison in a line, and what to know of it."""
    difference = f"{signed_fixed(one.difference, 4)} {_interval(signed_fixed, one.low, one.high, 4)}"
    said = (
        f"{one.measure} of {one.second} minus that of {one.first}: {difference}; "
        f"queries: {one.won} won, {one.lost} lost, {one.tied} tied, p = {fixed(one.p, 3)}"
    )
    return "\n".join([said, *one.notes])


def _interval(printed: Callable[[float, int], str], low: float, high: float, decimals: int) -> str:
    return f"[{printed(low, decimals)}, {printed(high, decimals)}]"
