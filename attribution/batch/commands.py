"""What the command line runs, from its parsed arguments: rows in, answers out."""

import argparse
import gzip
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from attribution.batch.audit_command import run_audit
from attribution.batch.engines import Deaths, Watched, complaining, run_rows
from attribution.batch.jobs import FORMAT, Job
from attribution.batch.lines import printable, read_lines, stdin_lines
from attribution.batch.output import Output, digests, set_aside
from attribution.batch.parquet import check_ours, has_rows, is_table, journal_of, write_parquet
from attribution.batch.probing import from_json, probe_models, probes_json, probes_markdown
from attribution.batch.resume import reopen
from attribution.batch.rows import BadLine, OnBad, Row, read_json_lines, read_trec
from attribution.errors import InputError, OptionError
from attribution.explain import try_options
from attribution.numbers import counted
from attribution.rerankers.loading.load import load_reranker

# Formats that would be expected of a name.
OTHERS = [
    ".csv", ".tsv", ".xls", ".xlsx", ".ods", ".html", ".xml", ".yaml", ".md", ".pdf", ".npy", ".npz", ".arrow",
    ".feather", ".avro", ".db", ".sqlite", ".zip", ".tar", ".tgz", ".zst", ".bz2", ".xz",
]  # fmt: skip
SAID = 9  # notes that are counted on stderr, the most frequent
SEED = 0  # of the probes' samples, stored with them


def run(args: argparse.Namespace) -> int:
    """The command that `parse_args` read; returns how many lines were skipped. Raises `AttributionError`, `OSError`."""
    return {"probe": _probe, "audit": run_audit}.get(args.task, _answer)(args)


def _answer(args: argparse.Namespace) -> int:
    """One line an answer, by the engine asked for."""
    given = vars(args)
    (loading,) = args.models
    methods = tuple(given.get("method") or ["integrated_gradients"])
    options = _options(given.get("option") or [])
    job = Job(args.task, methods, options, given.get("operator") or "mask", loading, args.top if args.run else None)
    job.check()
    _check_output(args.output)
    reranker = load_reranker(**loading)
    for method in methods if "method" in given else ():  # ranks and sentences are by none
        try_options(reranker, method, options)  # before any row is read
    with tqdm(unit="row", disable=None) as bar:
        rows = _rows(args, bar)
        with _open(args.output, job, reranker.model_id, reranker.revision) as output:
            skipped = run_rows(args, reranker, rows, job, output, bar)
    if output.repeated:
        print(f"rows with the id and the texts of an earlier one, answered once: {output.repeated}", file=sys.stderr)
    for said, n in output.said.most_common(SAID):
        print(printable(f"{said} Answers of this run with that: {n}."), file=sys.stderr)
    if args.output and output.done and not output.used:
        _set_aside(args.output).touch()
    _finish(args.output)
    return skipped


def _probe(args: argparse.Namespace) -> int:
    """The table of all models on all pairs: Markdown to stdout, one line of JSON to `--output`."""
    _check_output(args.output)
    models = [loading["model_id"] for loading in args.models]
    others = [{name: value for name, value in loading.items() if name != "model_id"} for loading in args.models]
    job = Job("probe", (), {"seed": SEED, "loading": others})
    names, revisions, notes = _named(args.models)
    with tqdm(unit="pair", disable=None) as bar, ExitStack() as opened:
        complain, rows = complaining(bar), _rows(args, bar)
        output = opened.enter_context(_open(args.output, job, names, revisions))
        deaths = Deaths(output.path)
        asked, skipped = _split(rows, deaths, complain)
        texts = tuple(text for row in asked for text in (row.query, *row.documents))
        bar.total = len(models) * len(asked)
        unread: dict[int, str] = {}  # by the pair's number; of several models' reasons the first

        def on_pair(number: int, problem: InputError | str | None) -> None:
            bar.update()
            if problem and number not in unread:
                unread[number] = str(problem)
                complain(BadLine(asked[number].line, unread[number]))

        if output.done and not any(row.has_text for row in asked):
            _set_aside(args.output)
            output = opened.enter_context(_open(args.output, job, names, revisions))
        whole, sha256 = Row("probes", 0, "", texts), digests("", texts)[1]
        if output.done:
            stored = _stored(args.output, sha256)
            for number, reason in stored.get("unread", {}).items():
                on_pair(int(number), reason)
        else:
            table, commits = probe_models(models, Watched(asked, deaths), SEED, on_pair=on_pair, loading=others)
            stored = probes_json(table, commits, len(asked), SEED)
            about = {"format": FORMAT.format(task="probe"), "id": whole.id, "model_id": names, "revision": revisions}
            last = {"unread": unread, "notes": notes, "texts_sha256": sha256, "settings": job.settings}
            if args.output:
                output.write(whole, {**about, **stored, **last})
    _finish(args.output)
    print(probes_markdown(from_json(stored)), *(f"\n{note}" for note in notes), sep="\n")
    return len(skipped) + len(unread)


def _named(given: Iterable[Mapping[str, Any]]) -> tuple[str, str, list[str]]:
    """The models' names, their revisions, and what to know of each. Raises `ModelError`."""
    loaded = [(one.model_id, one.revision, one.notes) for one in (load_reranker(**one) for one in given)]
    names, revisions = (" and ".join(said) for said in list(zip(*loaded, strict=True))[:2])
    return names, revisions, [f"{name}: {note}" for name, _, of_model in loaded for note in of_model]


def _stored(output: Path, sha256: str) -> dict[str, Any]:
    """What an earlier run found. Raises `InputError` where that was on other texts."""
    ((_, line),) = read_lines(journal_of(output))
    stored: dict[str, Any] = json.loads(line)
    if stored["texts_sha256"] != sha256:
        raise InputError(f"{output} was written for other pairs. Give another --output.")
    return stored


def _split(rows: Iterable[Row | BadLine], deaths: Deaths, complain: OnBad) -> tuple[list[Row], list[BadLine]]:
    """The rows to work on, and what is skipped, which `complain` hears."""
    found = [(deaths.skip(row) if isinstance(row, Row) else row) or row for row in rows]
    skipped = [row for row in found if isinstance(row, BadLine)]
    for bad in skipped:
        complain(bad)
    return [row for row in found if isinstance(row, Row)], skipped


def _rows(args: argparse.Namespace, bar: Any) -> Iterator[Row | BadLine]:
    """With the first of them read: what cannot be read at all is refused before there is an output."""
    many = args.task == "rank"

    def tell(said: str) -> None:
        bar.write(printable(said), file=sys.stderr)

    if args.run:
        rows = read_trec(args.run, args.topics, args.passages, args.top, many, tell)
    else:
        rows = read_json_lines(stdin_lines(), many, tell)
    return chain([*islice(rows, 1)], rows)


def _check_output(path: Path | None) -> None:
    """Raises `InputError` before anything runs: a name of another format, somebody else's table, no place."""
    if path is None and sys.stdout is None:
        raise InputError("The standard output is closed, so there is no place for the answers. Give --output FILE.")
    name = path.name.lower() if path else ""
    inner = Path(name.removesuffix(".gz")).suffix
    if inner in OTHERS or (inner == ".parquet" and name.endswith(".gz")):
        raise InputError(
            f"--output {path}: answers are JSON lines, packed in a file that ends in .gz, and a table in one that ends "
            f"in .parquet; {inner} is not written. Give another name."
        )
    if path and is_table(path):
        check_ours(path)


def _open(path: Path | None, job: Job, model_id: str, revision: str) -> Output:
    if path is None:
        return Output(sys.stdout.buffer)
    journal = journal_of(path)
    lost = journal != path and not journal.exists() and has_rows(path)
    output = reopen(journal, job, model_id, revision)
    if lost:
        print(f"{path}: {journal.name}, its lines, is gone; the table is kept as {set_aside(path)}.", file=sys.stderr)
    if output.done:
        print(f"{journal}: {counted(len(output.done), 'answer')} found there; going on.", file=sys.stderr)
    return output


def _set_aside(output: Path) -> Path:
    """Earlier answers out of the way of a run that has none; returns where they were."""
    path = journal_of(output)
    kept = set_aside(path)
    said = f"{path}: no line of the input was answered, so it is empty now. What earlier runs answered is in {kept}; "
    print(f"{said}to resume from it, rename it to {path.name}.", file=sys.stderr)
    return path


def _finish(path: Path | None) -> None:
    if path and is_table(path):
        write_parquet(path)
    elif path and path.suffix.lower() == ".gz" and path.is_file() and path.stat().st_size == 0:
        path.write_bytes(gzip.compress(b"", mtime=0))  # no bytes at all are no gzip


def _options(given: list[str]) -> dict[str, Any]:
    """`name=value`, the value as JSON where it is some, else as text."""
    options: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            lacks = "value" if name else "name"
            raise OptionError(f"--option {text} has no {lacks}. Write --option name=value, as in n_samples=8.")
        if name in options:
            raise OptionError(f"--option {name} was given twice. Give it once.")
        try:
            options[name] = json.loads(value)
        except (ValueError, RecursionError):
            options[name] = value
    return options
