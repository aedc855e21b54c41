"""The command line: what each command does, the options it takes, and an example. Nothing here loads torch."""

import argparse
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attribution.methods import METHODS
from attribution.rerankers.prompts import TEMPLATES
from attribution.types import OPERATORS

DESCRIPTION = "Explain, rank, evaluate, probe or audit many pairs of a query and a document. COMMAND --help says how."
EXIT = "Exit code: 0 all answered; 1 some lines were skipped, each named on stderr; 2 the command was refused "
EXIT += "or had to stop, and stderr says why; 3 an audit's measure is too low or fell; 130 interrupted."
WORKERS, TOP, TOP_AUDITED = 2, 10, 100
DTYPES = ("float32", "bfloat16")  # as load_reranker has them
Parser = argparse.ArgumentParser


@dataclass(frozen=True)
class Command:
    """`options` add to its parser what it takes, and nothing else; `example` is a line for a shell."""

    says: str
    example: str
    options: tuple[Callable[[Parser], object], ...]


class Once(argparse.Action):
    """Stores what to read. Of two, argparse itself keeps the last, and the first would be left out unsaid."""

    given = False

    def __call__(self, parser: Parser, namespace: argparse.Namespace, value: Any, option: str | None = None) -> None:
        """Keep `value`."""
        if self.given:
            parser.error(f"{option} was given twice. Give it once.")
        self.given = True
        setattr(namespace, self.dest, value)


class OfModel(argparse.Action):
    """Goes to the --model before it, or to all where none is before it: `models` holds those for all, then each."""

    def __call__(self, parser: Parser, namespace: argparse.Namespace, value: Any, _option: str | None = None) -> None:
        """Put `value` where it belongs."""
        models: list[dict[str, Any]] = namespace.models or [{}]
        if self.dest == "model":
            models = [*models, _named(parser, value)]
        elif self.dest == "revision" and models[-1].get("revision", value) != value:
            parser.error(f"--revision {value}, but --model names the revision {models[-1]['revision']}. Give one.")
        else:
            models = [*models[:-1], {**models[-1], self.dest: value}]
        namespace.models = models


def _named(parser: Parser, text: str) -> dict[str, Any]:
    """`id`, `id@revision`, or a folder, whose name may hold an @."""
    model, at, revision = text.rpartition("@")
    if not at or Path(text).expanduser().exists():
        return {"model_id": text}
    if not model or not revision:
        parser.error(f"--model {text} must be ID, ID@REVISION or a folder.")
    return {"model_id": model, "revision": revision}


def _path(text: str) -> Path:
    if not text:  # as from a variable that is not set; for Path it is the folder one is in
        raise argparse.ArgumentTypeError("it is empty; give a path")
    return Path(text)


def _label(text: str) -> str | int:
    return int(text) if text.isascii() and text.isdecimal() else text


def _model(parser: Parser) -> None:
    of_each = parser.prog.endswith(" probe")
    default = "default: the bundled reranker" + ("; give it once for each" if of_each else "")
    says = "Options after a --model are for that model, options before the first are for all." if of_each else None
    add = parser.add_argument_group("model", says).add_argument
    add("--model", action=OfModel, metavar="ID_OR_PATH", help=f"{default}; ID@REVISION is read too")
    add("--revision", action=OfModel, metavar="NAME", help="branch, tag or commit on the Hub")
    add("--label", action=OfModel, type=_label, metavar="NAME_OR_NUMBER", help="which of several outputs is the score")
    add("--template", action=OfModel, choices=list(TEMPLATES), help="the prompt of a language model")
    says = "number type of the weights: bfloat16 takes half the memory (default: RERANKER_DTYPE, else float32)"
    add("--dtype", action=OfModel, choices=DTYPES, help=says)
    add("--max-length", action=OfModel, type=int, metavar="N", help="tokens read of a pair (default: the model's)")


def _method(parser: Parser) -> None:
    add = parser.add_argument
    says = "; evaluate measures several, each after its own --method" if parser.prog.endswith(" evaluate") else ""
    says = f"one of {', '.join(METHODS)} (default: integrated_gradients){says}"
    add("--method", metavar="KEY", action="append", help=says)
    add("--option", action="append", default=[], metavar="NAME=VALUE", help="method's option, such as n_samples=8")


def _operator(parser: Parser) -> None:
    says = "; ".join(f"{key}: {text}" for key, text in OPERATORS.items())
    default = "delete" if parser.prog.endswith(" sentences") else "mask"
    says = f"how words are removed (default: {default}); {says}"
    parser.add_argument("--operator", default=default, choices=list(OPERATORS), help=says)


def _output(parser: Parser) -> None:
    says = "JSON lines, gzipped if it ends in .gz; or a table if it ends in .parquet, with the lines beside it. "
    says += "Resumes where an earlier run ended; another command's file is refused (default: standard output)"
    parser.add_argument("--output", type=_path, metavar="FILE", help=says)


def _engine(parser: Parser) -> None:
    add = parser.add_argument
    add("--engine", default="local", choices=["local", "ray"], help="ray: many cores, or the cluster of RAY_ADDRESS")
    add("--workers", type=int, metavar="N", help=f"Ray workers, each with its own model (default: {WORKERS})")


def _trec(parser: Parser) -> None:
    trec = parser.add_argument_group("from files of a search engine instead of JSON lines on stdin (docs/files.md)")
    trec.add_argument("--run", action=Once, type=_path, metavar="FILE", help="a TREC run")
    trec.add_argument("--topics", action=Once, type=_path, metavar="FILE", help="id<TAB>text or JSON lines")
    trec.add_argument("--passages", action=Once, type=_path, metavar="FILE", help="id<TAB>text or JSON lines")
    trec.add_argument("--top", type=int, metavar="N", help=f"passages per query (default: {TOP})")


def _judged(parser: Parser) -> None:
    says = "Without any of these: JSON lines with graded documents on stdin."
    judged = parser.add_argument_group("a judged set (docs/audit.md)", says)
    judged.add_argument(
        "--run", action=Once, type=_path, metavar="FILE", help="a TREC run, with --topics, --passages and --qrels"
    )
    judged.add_argument("--topics", action=Once, type=_path, metavar="FILE", help="id<TAB>text or JSON lines")
    judged.add_argument("--passages", action=Once, type=_path, metavar="FILE", help="id<TAB>text or JSON lines")
    judged.add_argument("--qrels", action=Once, type=_path, metavar="FILE", help="judgements of TREC or BEIR")
    judged.add_argument(
        "--beir", action=Once, type=_path, metavar="FOLDER", help="corpus, queries and qrels; candidates by BM25"
    )
    judged.add_argument("--split", metavar="NAME", help="which of the BEIR folder's qrels (default: test)")
    judged.add_argument(
        "--dataset", action=Once, metavar="ID", help="a set of ir_datasets; its run, else BM25's candidates"
    )
    judged.add_argument("--top", type=int, metavar="N", help=f"candidates per query (default: {TOP_AUDITED})")
    judged.add_argument("--unjudged", type=int, choices=[0], help="0: no grade means irrelevant (default: not judged)")


def _audit(parser: Parser) -> None:
    says = "for the report; an interrupted audit in it is resumed"
    parser.add_argument("--output", type=_path, metavar="FOLDER", required=True, help=says)
    parser.add_argument("--measure", default="nDCG@10", metavar="NAME", help="any of ir-measures (default: nDCG@10)")
    parser.add_argument("--failures", type=int, default=50, metavar="N", help="how many to explain (default: 50)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the random draws (default: 0)")
    parser.add_argument("--link", metavar="URL", help="a running page, whose Compare the report links to")
    parser.add_argument("--against", type=_path, metavar="FILE", help="earlier audit.json; exit 3 if the measure fell")
    parser.add_argument("--fail-under", type=float, metavar="X", help="exit 3 if the measure is below X")


COMMANDS = {
    "explain": Command(
        "Which words made each pair's score, by one method: one JSON line per pair.",
        "rerank-lens explain --method occlusion < pairs.jsonl > out.jsonl",
        (_model, _method, _output, _engine, _trec),
    ),
    "rank": Command(
        "The documents of each query by their score, best first: one JSON line per query.",
        "rerank-lens rank --model cross-encoder/ms-marco-MiniLM-L6-v2 --output ranked.jsonl < lists.jsonl",
        (_model, _output, _engine, _trec),
    ),
    "evaluate": Command(
        "How far each pair's score falls when a method's top words are removed: one JSON line per pair.",
        "rerank-lens evaluate --method saliency --method occlusion --operator delete < pairs.jsonl > out.jsonl",
        (_model, _method, _operator, _output, _engine, _trec),
    ),
    "sentences": Command(
        "Each sentence: the score without it, alone, and its Shapley value: one JSON line per pair.",
        "rerank-lens sentences --output sentences.jsonl < pairs.jsonl",
        (_model, _operator, _output, _engine, _trec),
    ),
    "probe": Command(
        "What rerankers read (negation, numbers, word order): a table on stdout, a column per model, and a JSON line.",
        "rerank-lens probe --model A --model B@main --output probes.json < pairs.jsonl",
        (_model, _output, _trec),
    ),
    "audit": Command(
        "What a reranker gets wrong on a judged set, and which words cause it: a folder with a report.",
        "rerank-lens audit --run run.trec --topics topics.tsv --passages passages.tsv --qrels qrels.txt --output audit",
        (_model, _judged, _audit, _engine),
    ),
}


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; argparse itself leaves with 2 for what it cannot read.

    `models`: for each model what `load_reranker` is given, at least one.
    """
    parser = Parser("rerank-lens", description=DESCRIPTION, epilog=EXIT)
    tasks = parser.add_subparsers(dest="task", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        one = tasks.add_parser(
            name,
            help=command.says,
            description=command.says,
            epilog=f"example: {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        one.set_defaults(models=None, usage=one.error)
        for add in command.options:
            add(one)
    args = parser.parse_args(arguments)
    of_all, *each = args.models or [{}]
    if given := os.environ.get("RERANKER_DTYPE"):  # an answer's settings say it, and Ray's workers are given it
        of_all = {"dtype": given, **of_all}
    args.models = [{**of_all, **one} for one in each] or [{"model_id": None, **of_all}]
    _check(args)
    return args


def _check(args: argparse.Namespace) -> None:
    given = vars(args)
    trec = {name: given[name] for name in ("run", "topics", "passages", "qrels") if name in given}
    if given.get("output") == Path("-"):
        other = "give another folder" if args.task == "audit" else "for standard output leave --output out"
        args.usage(f"--output - would be a file or folder named -; {other}")
    if any(trec.values()) and not all(trec.values()):
        args.usage(f"{_listed(f'--{name}' for name in trec)} go together")
    sources = [name for name in ("run", "beir", "dataset") if given.get(name)]
    if len(sources) > 1:
        args.usage(f"{_listed(f'--{name}' for name in sources)} are different judged sets; give one")
    most = {"probe": None, "audit": 2}.get(args.task, 1)
    if most and len(args.models) > most:
        args.usage(f"{args.task} takes {'one' if most == 1 else 'at most two'} --model; probe compares any number")
    if args.top is not None and not sources:
        args.usage("--top needs --run, which is not given; of JSON lines every line is read")
    if not (given.get("link") or "https://").startswith(("http://", "https://")):
        args.usage(f"--link {args.link} is not the address of a page; it begins with http:// or https://")
    if given.get("split") is not None and not args.beir:
        args.usage("--split needs --beir, which is not given")
    if given.get("workers") is not None and args.engine != "ray":
        args.usage("--workers needs --engine ray, which is not given")
    args.top = {"audit": TOP_AUDITED}.get(args.task, TOP) if args.top is None else args.top
    args.workers = WORKERS if given.get("workers") is None else args.workers
    if math.isnan(given.get("fail_under") or 0.0):
        args.usage("--fail-under is nan; give a number, such as 0.5")
    if args.top < 1 or args.workers < 1:
        args.usage("--top and --workers must be at least 1")


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}"
