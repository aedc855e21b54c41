"""Rows of Parquet and Arrow files, as data sets of the Hub have them, as JSON lines. Needs the optional pyarrow."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any

from attribution.errors import InputError, OptionError

PARQUET, STREAM = b"PAR1", b"\xff\xff\xff\xff"  # how they begin; Arrow's file form is not read


def need_pyarrow() -> Any:
    """The package. Raises `OptionError` where it is missing, before anything runs."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise OptionError("Parquet needs pyarrow: pip install 'rerank-lens[batch]'.") from None
    return pyarrow


def json_rows(file: IO[bytes], name: str) -> Iterator[tuple[int, str]]:
    """Number and JSON of every row; what JSON has no form for, such as a date, as text. Raises `InputError`."""
    pa = need_pyarrow()
    packed = file.read()
    try:
        parquet, data = packed.startswith(PARQUET), pa.BufferReader(packed)
        groups = pa.parquet.ParquetFile(data).iter_batches(1000) if parquet else pa.ipc.open_stream(data)
        for number, row in enumerate(chain.from_iterable(group.to_pylist() for group in groups), start=1):
            yield number, json.dumps(row, ensure_ascii=False, default=str)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{name} is cut off or damaged: {error}. Download or copy it again.") from None
