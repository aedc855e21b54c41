"""Tables as people have them, row by row under a head: cells of a spreadsheet, or drawn with bars."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import pairwise

from attribution.batch.keys import DOCUMENT
from attribution.errors import InputError

SEPARATOR = re.compile("sep=.\\s*")  # Excel's, before a table
csv.field_size_limit(2**31 - 1)  # a cell may be a whole document, as a string of JSON may
DELIMITERS = ("\t", ",", ";")
BARS = "|\u2502\u2503\u2551"
BAR = re.compile(rf"(?<!\\)[{BARS}]")
# Under the head of a drawn table, as Markdown, databases and box drawing have it.
RULER = re.compile("(?=.*[|+\u2502-\u257f])(?=.*[-=\u2500\u2501\u2550])[-=|+:\\s\u2500-\u257f]+")


def columns(cells: Sequence[str]) -> list[str]:
    """The names of a head, in small letters; the numbers that pandas writes before each row are the `id`."""
    head = [cell.strip().lower() for cell in cells]
    return ["id", *head[1:]] if head and not head[0] and "id" not in head else head


def check_head(head: Sequence[str]) -> None:
    """Raises `InputError` where two columns have one name."""
    if twice := next((name for name in head if name and head.count(name) > 1), None):
        raise InputError(f"The first row of the table names the column {twice} twice. Keep one.")


def under(head: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """A row's cells by the names of its head, without an empty id; what it lacks is empty. Raises `InputError`."""
    if len(row) > len(head):
        raise InputError(
            f"has {len(row)} cells, and its first row names {len(head)}. Put texts that hold the separator in double "
            "quotes; a bar in a drawn table is written \\|"
        )
    cells = zip(head, [*row, *[""] * (len(head) - len(row))], strict=True)
    return {name: cell for name, cell in cells if cell or name not in DOCUMENT.ids}


def drawn(text: str) -> list[list[str]] | None:
    """The rows of a table that is drawn with bars, its head first; None where the text is none. Raises `InputError`.

    Known by a ruler under its head: `|---|---|` of Markdown, `----+----` of databases, or a line of box drawing; or by
    bars at both ends of every line. A head that stands there again is no row.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    kept = [line for line in lines if not RULER.fullmatch(line)]
    framed = bool(kept) and all(len(BAR.split(line)) > 3 and BAR.match(line) and line[-1] in BARS for line in kept)
    if not framed and not any(a in kept and BAR.search(a) and RULER.fullmatch(b) for a, b in pairwise(lines)):
        return None
    if other := next((line for line in kept if not BAR.search(line)), None):
        raise InputError(f'The list is a table drawn with bars, and "{other[:40]}" is no row of it. Remove that line.')
    head, *rows = [_cells(line) for line in kept]
    return [[cell.strip("*_`") for cell in head], *(row for row in rows if row != head)]


def _cells(line: str) -> list[str]:
    cells = [cell.strip().replace("\\|", "|") for cell in BAR.split(line)]
    first, last = int(not cells[0]), len(cells) - int(not cells[-1])
    return cells[first:last]
