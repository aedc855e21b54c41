"""Texts and rows that wait in a file without a name, so that a set of any size is read in the same memory."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Generic, TypeVar

Row = TypeVar("Row")


class KeptTexts(Mapping[str, str]):
    """Texts by id; in memory are only the ids and where each text stands."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when nobody has the texts any more
        self._places: dict[str, int] = {}

    def __del__(self) -> None:
        self._file.close()

    def keep(self, key: str, text: str) -> None:
        """From now on `key` has this text."""
        self._places[key] = self._file.seek(0, 2)
        self._file.write(f"{json.dumps(text)}\n".encode())

    def __getitem__(self, key: str) -> str:
        self._file.seek(self._places[key])
        text: str = json.loads(self._file.readline())
        return text

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class KeptRows(Generic[Row]):
    """Rows that can be gone through more than once, each read anew from a file in `folder`."""

    def __init__(self, rows: Iterable[Row], folder: Path) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - as above
        self._n = 0
        for row in rows:
            pickle.dump(row, self._file)
            self._n += 1

    def __del__(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Row]:
        at = 0
        for _ in range(self._n):
            self._file.seek(at)  # two may go through them at the same time
            row: Row = pickle.load(self._file)
            at = self._file.tell()
            yield row
