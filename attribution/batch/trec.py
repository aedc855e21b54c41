"""Files of search people: runs, judgements, topics and passages, of TREC and of BEIR."""

import json
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from attribution.batch.kept import Kept
from attribution.batch.keys import DOCUMENT, QUERY, Ignored, Keys, check_grade, once, read_entry
from attribution.batch.lines import Tell, read_lines, say
from attribution.batch.unfolded import unfold
from attribution.errors import InputError
from attribution.numbers import counted, exact

# A text as a table quotes it: in double quotes, and those in it twice. One without any in it may have typed its own.
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)+"')
BEIR_HEAD = ["query-id", "corpus-id", "score"]


@dataclass(frozen=True)
class RunLine:
    """One passage of a run; `line` counts from 1."""

    line: int
    query_id: str
    passage_id: str
    score: float


def read_run(path: Path, tell: Tell = say) -> list[RunLine]:
    """A TREC run, lines `query-id Q0 passage-id rank score tag`: query by query, the best score first.

    A passage that a query has twice counts once, with its best score. A score may be nan or inf; such lines come last.
    Raises `InputError` for a line that is not of a run.
    """
    entries = [_run_line(number, line, path) for number, line in read_lines(path) if line.strip()]
    entries.sort(key=lambda entry: (entry.query_id, -entry.score if math.isfinite(entry.score) else math.inf))
    once: dict[tuple[str, str], RunLine] = {}
    for entry in entries:
        kept = once.setdefault((entry.query_id, entry.passage_id), entry)
        if kept is not entry:
            tell(
                f"{path.name}: query {entry.query_id} has passage {entry.passage_id} on lines {kept.line} and "
                f"{entry.line}; it counts once, with the score {exact(kept.score)}"
            )
    return list(once.values())


def _run_line(number: int, line: str, path: Path) -> RunLine:
    fields = _fields(line)
    try:
        query_id, _, passage_id, _, score, _ = fields
        return RunLine(number, query_id, passage_id, _number(score))
    except ValueError:
        raise InputError(
            f"Line {number} of {path.name} is not of a TREC run. It must be: query-id Q0 passage-id rank score tag, "
            f"the score a number; it has {counted(len(fields), 'field')}: {' '.join(fields)[:80]}."
        ) from None


def read_qrels(path: Path, tell: Tell = say) -> dict[str, dict[str, int]]:
    """Judgements: query id -> passage id -> grade, above 0 where it is relevant.

    Lines `query-id 0 passage-id grade` of TREC, or BEIR's three columns under their head. Raises `InputError`.
    """
    judged: dict[str, dict[str, int]] = {}
    columns, part = 0, _fields
    for number, line in read_lines(path):
        if not line.strip():
            continue
        fields = part(line)
        if fields == BEIR_HEAD:
            columns, part = 3, _by_tabs if "\t" in line else _fields  # then ids may hold spaces
            continue
        columns = columns or len(fields)
        try:
            query_id, passage_id, grade = fields[0], fields[-2], int(_number(fields[-1]))
            check_grade(grade)
            whole = columns in (3, 4) and len(fields) == columns and query_id and passage_id
            if not whole or grade != _number(fields[-1]):
                raise ValueError
        except (ValueError, IndexError, OverflowError) as error:
            because = f"; {error}" if isinstance(error, InputError) else ""
            raise InputError(
                f"Line {number} of {path.name} is not of judgements. It must be: query-id 0 passage-id grade, or "
                f"query-id, corpus-id and score, the grade a whole number; it has: {' '.join(fields)[:80]}{because}."
            ) from None
        kept = judged.setdefault(query_id, {}).setdefault(passage_id, grade)
        if kept != grade:
            tell(f"{path.name}: line {number} judges {passage_id} for {query_id} once more, {grade}; {kept} counts")
    return judged


def beir_files(folder: Path, split: str) -> tuple[Path, Path, Path]:
    """`corpus.jsonl`, `queries.jsonl` and `qrels/<split>.tsv` of a folder, or with `.gz`. Raises `InputError`."""
    found = []
    for name in ("corpus.jsonl", "queries.jsonl", f"qrels/{split}.tsv"):
        there = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
        if not there:
            others = sorted({path.name.split(".tsv")[0] for path in folder.glob("qrels/*.tsv*")} - {split})
            valid = (
                f"--split with one of {', '.join(others)}" if "qrels" in name and others else "a folder of BEIR's form"
            )
            raise InputError(f"{folder} has no {name} (or {name}.gz). Give {valid}.")
        found.append(there[0])
    return found[0], found[1], found[2]


def read_texts(keys: Keys, path: Path, wanted: Collection[str] | None = None, tell: Tell = say) -> Kept[str, str]:
    """Texts by id: lines `id<TAB>text`, or JSON lines (BEIR's too) with these `keys`.

    Only those `wanted` are kept (None: all), in a file; in memory are their ids. An empty text is kept as "". Of an id
    that is there twice, the first counts, which `tell` hears. Raises `InputError` for a line that has no id or no key
    for a text.
    """
    found, lines = Kept[str, str](), dict[str, int]()
    for number, key, text in _texts(path, keys, tell):
        if wanted is None or key in wanted:
            first = lines.setdefault(key, number)
            if first == number:
                found.keep(key, text)
            else:
                other = "the same text" if found[key] == text else "another text; the first counts"
                tell(f"{path.name}: the id {key} is on lines {first} and {number}, with {other}")
    return found


read_topics, read_passages = partial(read_texts, QUERY), partial(read_texts, DOCUMENT)


def _texts(path: Path, keys: Keys, tell: Tell) -> Iterator[tuple[int, str, str]]:
    ignored, told, unquoted = Ignored(path.name, tell), False, False
    for number, line in unfold(read_lines(path), path.name, tell):
        try:
            if line.lstrip().startswith("{"):
                value = json.loads(line, object_pairs_hook=once)
                entry = read_entry(value, keys)
                if entry.id is None:
                    raise InputError(f"it has no id under {', '.join(keys.ids)}. Its keys: {', '.join(value)}")
                ignored.hear(number, value, entry.read)
                yield number, entry.id, entry.text
            else:
                key, tab, text = line.partition("\t")
                if not tab or not key.strip():
                    raise InputError("it has no tab" if not tab else "it has nothing before its first tab")
                if "\t" in text and not told:
                    told, n = True, 1 + line.count("\t")
                    tell(f"{path.name}: line {number} has {n} columns; everything after the first tab is the text")
                if QUOTED.fullmatch(text):
                    text = text[1:-1].replace('""', '"')
                    if not unquoted:
                        tell(f"{path.name}: line {number} quotes its text as a table does; it is read without them")
                    unquoted = True
                yield number, key.strip(), text
        except (ValueError, RecursionError) as error:
            wrong = f"Line {number} of {path.name} has no id and text. It must be id<TAB>text, or JSON with {keys}"
            because = error if isinstance(error, InputError) else f"it is not JSON: {error}"
            raise InputError(f"{wrong}; {because}.") from None


def _fields(line: str) -> list[str]:
    """What spaces and tabs part, and nothing else: an id may hold a no-break space."""
    return re.split("[ \t]+", line.strip(" \t\r"))


def _by_tabs(line: str) -> list[str]:
    return [field.strip(" \r") for field in line.strip().split("\t")]


def _number(text: str) -> float:
    if "_" in text:  # Python reads 1_000
        raise ValueError(text)
    return float(text)
