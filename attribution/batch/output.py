"""Answers as lines: each is written whole, and a file of somebody else is never written over.

A file that ends in `.gz` has every line as a gzip member of its own, so that what was cut off ends with a whole line,
too. How a run goes on is in `resume`.
"""

import gzip
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from os.path import samestat
from pathlib import Path
from typing import IO, Any, Self

from attribution.batch.jobs import to_know
from attribution.batch.lines import naming
from attribution.batch.rows import Row
from attribution.errors import InputError
from attribution.export import dumps

BREAKS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}  # line ends to some readers: escaped in JSON
WHATS = ("another query", "another text", "other document ids")
Digests = tuple[str, str, str]  # of the query, of the documents, of their ids; "" where no ids are written


@dataclass
class Output:
    """An open stream of JSON lines, for a `with`; `done`: id -> digests of the texts answered under it.

    `packed`: by gzip. `used`: whether it holds an id of this run's rows, of those that have a text. `repeated`: rows
    that this run asked for before, by the ids it `asked` for. `path`: of a file. `said`: what to know of answers that
    this run wrote, and of how many.
    """

    stream: IO[bytes]
    done: dict[str, Digests] = field(default_factory=dict)
    packed: bool = False
    used: bool = False
    repeated: int = 0
    path: Path | None = None
    asked: set[str] = field(default_factory=set)
    said: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Another run may write the file now; what is none stays open."""
        if self.path:
            self.stream.close()

    def has(self, row: Row) -> bool:
        """Whether the row is answered already. Raises `InputError` when its id stands for another text."""
        wrote, wants = self.done.get(row.id), digests(row.query, row.documents, row.document_ids)
        self.used |= wrote is not None and row.has_text
        for what, old, new in zip(WHATS, wrote or (), wants, strict=False):
            if "" not in (old, new) and old != new:
                raise InputError(f"id {row.id} has already been written for {what}; give every line an id of its own")
        self.repeated += wrote is not None and row.id in self.asked
        self.asked.add(row.id)
        return wrote is not None

    def write(self, row: Row, answer: Mapping[str, Any]) -> None:
        """Write one line and flush it, so that it is on its way before the next row begins.

        Raises `OSError`, and `InputError` where the path is no longer that of the open file.
        """
        line = f"{dumps(answer).translate(BREAKS)}\n".encode()
        rest = memoryview(gzip.compress(line, mtime=0) if self.packed else line)
        with naming(getattr(self.stream, "name", "the output")):
            while rest:  # a disk that gets full takes a part, and says so at the next
                rest = rest[self.stream.write(rest) :]
            self.stream.flush()
        if self.path and not (self.path.exists() and samestat(self.path.stat(), os.fstat(self.stream.fileno()))):
            raise InputError(f"{self.path} was moved, removed or replaced while it was written. Run the command again.")
        self.claim(row)
        self.used = True
        self.said.update({*to_know(answer)})

    def claim(self, row: Row) -> None:
        """Record that the row's id is taken by its texts."""
        self.done[row.id] = digests(row.query, row.documents, row.document_ids)


def set_aside(path: Path) -> Path:
    """Moves a file to the first of `<name>.before`, `<name>.before2`, ... that is free, and returns that path."""
    path = Path(os.path.realpath(path))  # a link stays one
    names = (path.with_name(f"{path.name}.before{n if n > 1 else ''}") for n in count(1))
    return path.rename(next(name for name in names if not name.exists()))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file to write, which takes the place of `path` when it is whole; until then what was there stays."""
    with naming(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def digests(query: str, documents: Sequence[str], ids: Sequence[str] = ()) -> Digests:
    """SHA-256 of a row's query, of its documents, and of their ids."""
    return digest([query]), digest(documents), digest(ids)


def digest(texts: Sequence[str]) -> str:
    """SHA-256 of texts as a JSON list."""
    return hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()
