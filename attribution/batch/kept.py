"""Texts and rows that wait in a file without a name, so that a set of any size is read in the same memory."""

import pickle
import tempfile
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeVar

from attribution.batch.lines import naming

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Mapping[Key, Value]):
    """Values by key; in memory are only the keys and where each value stands in a file in `folder`."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or tempfile.gettempdir()
        self._places: dict[Key, int] = {}
        with naming(self._folder):  # closed when nobody has the values any more
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):  # of a full disk, or of no file, which was said when it happened
            self._file.close()

    def keep(self, key: Key, value: Value) -> None:
        """Store the value under `key`."""
        with naming(self._folder):
            self._places[key] = self._file.seek(0, 2)
            pickle.dump(value, self._file)

    def __getitem__(self, key: Key) -> Value:
        self._file.seek(self._places[key])
        return pickle.load(self._file)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def kept_rows(rows: Iterable[Value], folder: Path) -> Collection[Value]:
    """Rows that can be gone through more than once, also by several at once, each read anew from a file in `folder`."""
    kept = Kept[int, Value](folder)
    for number, row in enumerate(rows):
        kept.keep(number, row)
    return kept.values()
