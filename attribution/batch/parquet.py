"""JSON lines of answers as a Parquet file: a column a field, what is nested as JSON. Needs the optional pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from attribution.errors import OptionError
from attribution.export import dumps

ROWS = 1000  # a group: what is in memory at a time


def need_pyarrow() -> Any:
    """The package. Raises `OptionError` where it is missing, before anything runs."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise OptionError("Parquet needs pyarrow: pip install 'rerank-lens[batch]'.") from None
    return pyarrow


def journal_of(path: Path) -> Path:
    """The JSON lines that a Parquet file is made of: they can be written on, it cannot."""
    return path.with_name(f"{path.name}.jsonl")


def write_parquet(journal: Path, path: Path) -> None:
    """`path`, anew, from all lines of `journal`."""
    pa = need_pyarrow()
    writer = None
    with journal.open(encoding="utf-8") as lines:
        for rows in _groups(lines):
            table = pa.Table.from_pylist(rows, None if writer is None else writer.schema)
            if writer is None:
                known = [f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]
                writer = pa.parquet.ParquetWriter(path, pa.schema(known))
                table = table.cast(writer.schema)
            writer.write_table(table)
    if writer is not None:
        writer.close()


def _groups(lines: Iterator[str]) -> Iterator[list[dict[str, Any]]]:
    while group := [json.loads(line) for line in islice(lines, ROWS)]:
        yield [{name: _cell(value) for name, value in row.items()} for row in group]


def _cell(value: Any) -> Any:
    return dumps(value) if isinstance(value, (dict, list)) else value
