"""Explain, rank, evaluate or probe many pairs: JSON lines in, JSON lines out; probe prints a table.

  rerank-lens explain --method occlusion < pairs.jsonl > out.jsonl
  rerank-lens rank --model cross-encoder/ms-marco-MiniLM-L6-v2 --output ranked.jsonl < lists.jsonl
  rerank-lens probe --model A --model B --output probes.json < pairs.jsonl
  rerank-lens explain --run run.trec --topics topics.tsv --passages passages.tsv --top 10 --output out.jsonl

Exit code: 0 all answered; 1 some lines were skipped, each named on stderr; 2 nothing could begin; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from attribution.batch.distributed import run_distributed
from attribution.batch.jobs import TASKS, Job
from attribution.batch.lines import split_lines
from attribution.batch.local import run_local
from attribution.batch.output import Output, reopen
from attribution.batch.parquet import journal_of, need_pyarrow, write_parquet
from attribution.batch.probing import probe_models, probes_json, probes_markdown
from attribution.batch.rows import BadLine, Row, read_json_lines, read_trec
from attribution.errors import AttributionError, InputError, OptionError
from attribution.methods import METHODS
from attribution.removal import OPERATORS
from attribution.rerankers.loading.load import load_reranker
from attribution.rerankers.prompts import TEMPLATES

OK, SKIPPED, USAGE, INTERRUPTED = 0, 1, 2, 130
SEED = 0  # of the probes' samples, stored with them


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; argparse itself leaves with 2 for what it cannot read."""
    parser = argparse.ArgumentParser(
        "rerank-lens", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=[*TASKS, "probe"])
    parser.add_argument(
        "--model", action="append", metavar="ID_OR_PATH", help="default: the bundled reranker; probe takes several"
    )
    parser.add_argument(
        "--method", action="append", metavar="KEY", help=f"evaluate takes several: {', '.join(METHODS)}"
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="of the method: n_samples=8"
    )
    loading = parser.add_argument_group("how a model is loaded, where its files do not say so")
    loading.add_argument("--label", help="which of several labels is the score")
    loading.add_argument("--template", choices=list(TEMPLATES), help="the prompt of a language model")
    loading.add_argument("--max-length", type=int, metavar="N", help="tokens of a pair (default: as the model says)")
    parser.add_argument("--operator", default="mask", choices=list(OPERATORS), help="how evaluate removes words")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="JSON lines or .parquet; goes on where an earlier run ended"
    )
    parser.add_argument(
        "--engine", default="local", choices=["local", "ray"], help="ray: many cores, or the cluster of RAY_ADDRESS"
    )
    parser.add_argument("--workers", type=int, default=2, help="of the engine ray, a model each (default: 2)")
    trec = parser.add_argument_group("from a TREC run instead of JSON lines on stdin")
    trec.add_argument("--run", type=Path, metavar="FILE")
    trec.add_argument("--topics", type=Path, metavar="FILE", help="id<TAB>text or JSON lines")
    trec.add_argument("--passages", type=Path, metavar="FILE", help="id<TAB>text or JSON lines")
    trec.add_argument("--top", type=int, default=10, help="passages a query (default: 10)")
    args = parser.parse_args(arguments)
    if any((args.run, args.topics, args.passages)) and not all((args.run, args.topics, args.passages)):
        parser.error("--run, --topics and --passages go together")
    if args.task != "probe" and len(args.model or ()) > 1:
        parser.error(f"{args.task} takes one --model; only probe compares several")
    if args.top < 1 or args.workers < 1:
        parser.error("--top and --workers must be at least 1")
    return args


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    args = parse_args(arguments)
    try:
        if args.task == "probe":
            return _probe(args)
        methods = tuple(args.method or ["integrated_gradients"])
        job = Job(args.task, methods, _options(args.option), args.operator, _loading(args))
        job.check()
        reranker = load_reranker(args.model[0] if args.model else None, **job.loading)
        parquet = args.output if args.output and args.output.suffix == ".parquet" else None
        if parquet:
            need_pyarrow()
        path = journal_of(parquet) if parquet else args.output
        output = reopen(path, job, reranker.model_id, reranker.revision) if path else Output(sys.stdout.buffer)
        if output.done:
            print(f"{path}: {len(output.done)} answers are there already; going on.", file=sys.stderr)
        with tqdm(unit="row", disable=None) as bar:
            hear = (lambda: bar.update(), _complain(bar))
            if args.engine == "ray":
                model = args.model[0] if args.model else None
                skipped = run_distributed(model, _rows(args), job, output, *hear, workers=args.workers)
            else:
                skipped = run_local(reranker, _rows(args), job, output, *hear)
        if parquet:
            write_parquet(journal_of(parquet), parquet)
    except BrokenPipeError:  # the reader has seen enough; Python would complain at exit once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SKIPPED
    except KeyboardInterrupt:
        print("interrupted; what is written is whole", file=sys.stderr)
        return INTERRUPTED
    except (AttributionError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    if skipped:
        print(f"{skipped} lines were skipped", file=sys.stderr)
    return SKIPPED if skipped else OK


def _probe(args: argparse.Namespace) -> int:
    """The table of all models on all pairs: Markdown to stdout, JSON to `--output`."""
    rows = list(_rows(args))
    skipped = [row for row in rows if isinstance(row, BadLine)]
    asked = [(row, document) for row in rows if isinstance(row, Row) for document in row.documents]
    models: list[str | None] = args.model or [None]
    with tqdm(total=len(models) * len(asked), unit="pair", disable=None) as bar:
        complain = _complain(bar)
        for bad in skipped:
            complain(bad)

        def on_pair(number: int, problem: InputError | None) -> None:
            bar.update()
            if problem:
                skipped.append(BadLine(asked[number][0].line, str(problem)))
                complain(skipped[-1])

        pairs = [(row.query, document) for row, document in asked]
        table, revisions = probe_models(models, pairs, SEED, on_pair=on_pair, loading=_loading(args))
    if args.output:
        found = probes_json(table, revisions, len(asked), SEED)
        args.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(probes_markdown(table))
    return SKIPPED if skipped else OK


def _rows(args: argparse.Namespace) -> Iterator[Row | BadLine]:
    many = args.task == "rank"
    if args.run:
        return read_trec(args.run, args.topics, args.passages, args.top, many)
    return read_json_lines((line for _, line in split_lines(sys.stdin.buffer, "stdin")), many)


def _loading(args: argparse.Namespace) -> dict[str, Any]:
    """What `load_reranker` is given beside the model."""
    return {"label": args.label, "template": args.template, "max_length": args.max_length}


def _options(given: list[str]) -> dict[str, Any]:
    """`name=value`, the value as JSON where it is some, else as text."""
    options: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise OptionError(f"--option {text} has no value. Write --option name=value, as in n_samples=8.")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options


def _complain(bar: Any) -> Any:
    def complain(bad: BadLine) -> None:
        bar.write(f"line {bad.line} skipped: {bad.reason}", file=sys.stderr)

    return complain


if __name__ == "__main__":
    sys.exit(main())
