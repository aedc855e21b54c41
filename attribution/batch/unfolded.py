"""What people have in place of JSON lines, as JSON lines: an array, objects over several lines, a table.

A table is cells under a head, as a spreadsheet has them, or drawn with bars.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise, zip_longest
from typing import Any

from attribution.batch.keys import DOCUMENT, PAIR, once
from attribution.batch.lines import Tell, check_utf8
from attribution.errors import InputError

Numbered = Iterator[tuple[int, str]]
OVER_LINES = re.compile(r"\s*(\{|\[\s*(\{.*)?)\s*", re.DOTALL)  # what the first line of such JSON is
BEGINS_AS_JSON = re.compile(r"\s*[\[{]")
VALUE = re.compile(r"[^\s,]")
SEPARATOR = re.compile("sep=.\\s*")  # Excel's, before a table
csv.field_size_limit(2_000_000_000)  # a cell may be a whole document, as a string of JSON may
DELIMITERS = ("\t", ",", ";")
BARS = "|\u2502\u2503\u2506\u2551"
# What DuckDB and Polars write under a column's name.
TYPE = re.compile(r"-{3,}|(u?(tiny|small|big)?int|[iuf]|float)\d*|double|varchar|str|bool(ean)?|date")
BAR = re.compile(rf"(?<!\\)[{BARS}]")
# Under the head of a drawn table, as Markdown, databases and box drawing have it.
RULER = re.compile("(?=.*[|+\u2502-\u257f])(?=.*[-=\u2500\u2501\u2550])[-=|+:\\s\u2500-\u257f]+")


def json_lines(lines: Iterable[str], many: bool, tell: Tell) -> Iterator[tuple[int, str | InputError]]:
    """The lines of `unfold`, or a table's rows as JSON; in place of a row that cannot be read, the error that says why.

    `many`: each row must hold a list, so a table is refused. Raises `InputError` at once for any other input.
    """
    numbered: Numbered = enumerate(lines, start=1)
    first = _next(numbered)
    if first and SEPARATOR.fullmatch(first[1]):
        first = _next(numbered)
    if first and not BEGINS_AS_JSON.match(first[1]):
        if head := _head(first[1], many):
            yield from _rows(*head, first[0] + 1, numbered)
            return
        second = _next(numbered)
        if second and not BEGINS_AS_JSON.match(second[1]):
            raise InputError(_neither(first[1], many))
        numbered = chain([second] if second else [], numbered)
    yield from unfold(chain([first] if first else [], numbered), "the input", tell)


def unfold(numbered: Numbered, name: str, tell: Tell) -> Numbered:
    """Every line that is not empty, with its number; of a JSON array, or of JSON over several lines, every element.

    Raises `InputError` for JSON that is not whole, before the first element.
    """
    first = _next(numbered)
    if first and OVER_LINES.fullmatch(first[1]):
        above = "\n" * (first[0] - 1)
        found = _whole(above + "\n".join(line for _, line in chain([first], numbered)), name)
        tell(f"{name} is JSON over several lines, or an array: line N means its N-th object")
        yield from enumerate(found, start=1)
    elif first:
        yield first
        yield from ((number, line) for number, line in numbered if line.strip())


def loads(text: str | InputError) -> Any:
    """The value of one of `json_lines`. Raises `InputError` for bytes that are no UTF-8, `ValueError` for no JSON."""
    if isinstance(text, InputError):
        raise text
    check_utf8(text)
    return json.loads(text.rstrip().removesuffix(","), object_pairs_hook=once)


def json_texts(text: str) -> Iterator[tuple[int, str]]:
    """The text of every value of JSON arrays, or of JSON values with or without commas, and the line it begins on.

    Raises `InputError`, a sentence's beginning, which says on what line it ends.
    """
    decoder, at, line, within = json.JSONDecoder(), 0, 1, False
    while found := VALUE.search(text, at):
        begin = found.start()
        line += text.count("\n", at, begin)
        at = begin + 1
        if text[begin] == ("]" if within else "["):
            within = not within
            continue
        try:
            _, at = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            raise InputError(f"Line {line} is not a JSON object") from None
        yield line, text[begin:at]
        line += text.count("\n", begin, at)
    if within:
        raise InputError(f"Line {line} is the last and there is no ]")


def _next(numbered: Numbered) -> tuple[int, str] | None:
    return next(((number, line) for number, line in numbered if line.strip()), None)


def _whole(text: str, name: str) -> list[str]:
    try:
        return [one for _, one in json_texts(text)]
    except InputError as error:
        raise InputError(
            f"{name}: {error}, but it begins as a JSON array, or as JSON over several lines. Give all of it, or JSON "
            "lines: an object a line."
        ) from None


def _head(line: str, many: bool) -> tuple[list[str], str] | None:
    """The columns that a table's first line names, and what parts them. Raises `InputError`."""
    for delimiter in DELIMITERS:
        try:
            head = columns(next(csv.reader([line], delimiter=delimiter), []))
        except csv.Error:
            continue
        if "query" in head and len(head) > 1:
            if many or not {*head} & {*PAIR.texts}:
                raise InputError(_neither(line, many))
            check_head(head)
            return head, delimiter
    return None


def _rows(head: list[str], delimiter: str, begins: int, numbered: Numbered) -> Iterator[tuple[int, str | InputError]]:
    reader = csv.reader((f"{line}\n" for _, line in numbered), delimiter=delimiter, strict=True)
    number = begins
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                try:
                    yield number, json.dumps(under(head, row), ensure_ascii=False)
                except InputError as error:
                    yield number, error
            number = begins + reader.line_num
    except csv.Error as error:
        raise InputError(
            f"Line {number} cannot be read as a row of the table: {error}. Put its text in double quotes, and write a "
            "double quote in it twice."
        ) from None


def _neither(line: str, many: bool) -> str:
    begins = f'The input is neither JSON lines nor a JSON array; it begins "{line.strip()[:60]}".'
    if many:
        return f'{begins} Give an object a line, {{"query": ..., "documents": [...]}}; a table (CSV) has no lists.'
    return (
        f'{begins} Give an object a line, {{"query": ..., "document": ...}}, or a table (CSV or TSV) whose first line '
        "names the columns query and document."
    )


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
    framed = bool(kept) and all(len(BAR.split(line)) > 3 and _framed(line) for line in kept)
    if not framed and not any(a in kept and BAR.search(a) and RULER.fullmatch(b) for a, b in pairwise(lines)):
        return None
    both = _framed(kept[0])
    if other := next((line for line in kept if not (_framed(line) if both else BAR.search(line))), None):
        raise InputError(
            f'The list is a table drawn with bars, and "{other[:40]}" is no row of it. Remove that line, or write the '
            "row that it is part of as one line."
        )
    ends = kept[0][0] in BARS, kept[0][-1] in BARS
    head, *rows = [_cells(line, *ends) for line in kept]
    while len(rows) > 1 and all(map(TYPE.fullmatch, rows[0])):
        rows = rows[1:]
    return [[cell.strip("*_`") for cell in head], *_wrapped(row for row in rows if row != head)]


def _wrapped(rows: Iterable[list[str]]) -> list[list[str]]:
    """Rows; those that psql broke at a line break of a cell, where it writes a +, are put together again."""
    whole: list[list[str]] = []
    for row in rows:
        broken = [cell.endswith("+") for cell in whole[-1]] if whole and len(row) > 1 else []
        if any(broken) and all(of or not cell for of, cell in zip_longest(broken, row)):
            cells = zip_longest(broken, whole[-1], row, fillvalue="")
            whole[-1] = [f"{above[:-1].rstrip(' ')}\n{cell}" if of else above for of, above, cell in cells]
        else:
            whole.append(row)
    return whole


def _framed(line: str) -> bool:
    return line[0] in BARS and line[-1] in BARS


def _cells(line: str, begins: bool, ends: bool) -> list[str]:
    """What stands between the bars; `begins` and `ends`: whether the head has one there, too."""
    cells = [cell.strip().replace("\\|", "|") for cell in BAR.split(line)]
    first, last = int(begins and not cells[0]), len(cells) - int(ends and not cells[-1])
    return cells[first:last]
