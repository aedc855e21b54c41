"""JSON lines of answers as a Parquet file: a column a field, what is nested as JSON. Needs the optional pyarrow."""

import json
import os
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from attribution.batch.arrow import need_pyarrow
from attribution.batch.output import replacing
from attribution.errors import InputError
from attribution.export import dumps

ROWS = 1000  # a group: what is in memory at a time
OURS = {b"written_by": b"rerank-lens"}  # in the file's own metadata
EMPTY = ("format", "id")  # columns of a file without rows


def is_table(path: Path) -> bool:
    """Whether a file of this name is a Parquet file."""
    return path.suffix.lower() == ".parquet"


def journal_of(path: Path) -> Path:
    """Where the lines go: `path` itself, but beside a Parquet file, which cannot be written on."""
    return path.with_name(f"{path.name}.jsonl") if is_table(path) else path


def check_ours(path: Path) -> None:
    """Raises `InputError` when there is a file at `path` that this program did not write; an empty one is nobody's."""
    pa = need_pyarrow()
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    try:
        held = pa.parquet.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError):
        held = {}
    if not OURS.items() <= held.items():
        raise InputError(f"{path} was not written by this program. Give another --output.")


def has_rows(path: Path) -> bool:
    """Whether there is a table of ours at `path`, and something in it."""
    return path.is_file() and path.stat().st_size > 0 and need_pyarrow().parquet.read_metadata(path).num_rows > 0


def write_parquet(path: Path) -> None:
    """`path`, anew, from all lines of its journal; until it is whole the file that was there stays."""
    journal, path = journal_of(path), Path(os.path.realpath(path))  # a link stays one
    with replacing(path) as part:
        _write(journal, part)
        part.chmod((path if path.exists() else journal).stat().st_mode)


def _write(journal: Path, path: Path) -> None:
    pa = need_pyarrow()
    with journal.open(encoding="utf-8") as lines:
        held = [pa.table(_columns(rows)).schema for rows in _groups(lines)]
    # What is null in the first thousand rows may be a number in a later one.
    known = pa.unify_schemas(held, promote_options="permissive") if held else [pa.field(n, pa.string()) for n in EMPTY]
    schema = pa.schema([f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in known], OURS)
    with journal.open(encoding="utf-8") as lines, pa.parquet.ParquetWriter(path, schema) as writer:
        for rows in _groups(lines):
            writer.write_table(pa.Table.from_pylist(rows, schema))


def _groups(lines: Iterator[str]) -> Iterator[list[dict[str, Any]]]:
    while group := [json.loads(line) for line in islice(lines, ROWS)]:
        yield [{name: _cell(value) for name, value in row.items()} for row in group]


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row.get(name) for row in rows] for name in dict.fromkeys(chain.from_iterable(rows))}


def _cell(value: Any) -> Any:
    return dumps(value) if isinstance(value, (dict, list)) else value
