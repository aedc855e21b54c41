"""A pasted list of documents, in the forms that people have lists in: lines, JSON, bullets, cells of a table."""

import csv
import io
import re
from collections.abc import Sequence

from attribution.batch.bullets import items, unquoted
from attribution.batch.keys import DOCUMENT, Ignored, read_entry
from attribution.batch.lines import MARK, Tell, say
from attribution.batch.pasted_json import Piece, read_json
from attribution.batch.unfolded import DELIMITERS, SEPARATOR, check_head, columns, drawn, under
from attribution.errors import InputError

GAP = re.compile(r"\n[^\S\n]*\n\s*")
FENCED = re.compile(r"\s*```\w*\n(.*)\n\s*```\s*", re.DOTALL)  # as chats and Markdown mark a block
NAME = re.compile(r"\S{1,64}")
# Begins that no reading here fits, and what they are.
FOREIGN = {
    re.compile(r"\s*<(ul|ol|li|table|html|body|!doctype)\b", re.IGNORECASE): "HTML",
    re.compile(r"\{\\rtf"): "RTF",
    re.compile(r"-\[ RECORD 1 \]|\*{5,} 1\. row \*"): "a table whose rows a database wrote one below another",
    re.compile(r"\d{4}-\d\d-\d\d[T ][^\n{]*\{\".*\}"): "JSON with a time before it, as logs have it",
    re.compile(r"- (id|title|text): .*\n\s+(id|title|text): "): "YAML",
    re.compile(r"\[?(\w+\.)*Document\(\w+[=:]|page_content="): "Python objects as they are printed",
    re.compile(r".*\n *-{2,}(( +-{2,})+ *\n| *\n( .*\n)+\(\d+ rows?\))"): "a table whose cells only blanks part",
    re.compile(r"[ \t]{2,}\S.*(\n\d+[ \t]{2,}\S.*)+(\n\s*\[\d+ rows.*)?|\d+ .*\n(.*\n)*(Name: .*)?dtype: \w+"): (
        "a table as pandas prints it, which may cut texts; df.to_csv() gives all of it"
    ),
}


def read_pasted(pasted: str, tell: Tell = say) -> list[Piece]:
    """The documents of a pasted text, however many, with their ids where there are some.

    One a line, or separated by a blank line; a JSON array or JSON lines, of strings or of objects with the keys of
    `DOCUMENT`, or an answer that holds one; all that as Python writes it; a numbered or bulleted list; quoted cells, or
    cells under a head that names them, or a table that is drawn with bars, as in Markdown. `tell` hears of keys that
    are not read. Raises `InputError` for what is nearly JSON or a table, and cannot be read so, and for what is
    `FOREIGN`.
    """
    text = pasted.replace("\r\n", "\n").removeprefix(MARK).replace(f"\n{MARK}", "\n")
    text = _without_blank_ends(unquoted(_without_blank_ends(text)))
    if fenced := FENCED.fullmatch(text):
        text = fenced[1]
    first, _, rest = text.partition("\n")
    text = rest if SEPARATOR.fullmatch(first) else text
    if known := next((what for begin, what in FOREIGN.items() if begin.match(text)), None):
        raise InputError(f"The list is {known}. Give one document a line, JSON, or a table under a head (CSV).")
    if (found := read_json(text, tell)) is not None:
        return found
    if rows := drawn(text):
        return _from_drawn(rows, tell)
    lines = [line for line in text.split("\n") if line.strip()]
    listed = items(lines)
    if listed and "\t" not in "".join(listed):  # else it is a table with a column of numbers
        return [*listed]
    if (found := _from_table(text, tell)) is not None:
        return found
    parts = [part for part in GAP.split(text) if part.strip()]
    if len(parts) == 1:
        parts = lines
    elif len(parts) < len(lines):
        tell(f"Blank lines part the list into {len(parts)} documents; if each line is one, remove the blank lines")
    return [*(items(parts) or parts)]


def _without_blank_ends(text: str) -> str:
    lines = text.split("\n")
    whole = [i for i, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[whole[0] : whole[-1] + 1]) if whole else ""


def _from_drawn(rows: Sequence[list[str]], tell: Tell) -> list[Piece]:
    """The rows of a table with bars, whose first row is its head."""
    head = columns(rows[0])
    if {*DOCUMENT.texts} & {*head}:
        ids = [row[head.index(name)] for row in rows[1:] for name in DOCUMENT.ids if name in head[: len(row)]]
        if any(ids) and "" in ids:
            raise InputError(
                f"Row {ids.index('') + 2} of the table has no id, and others have one. If it goes on with the text "
                "above it, write both as one row."
            )
        return _under(head, rows[1:], tell)
    if len(head) > 1:
        raise InputError(_nameless(head))
    return [cell for row in rows[1:] for cell in row]


def _nameless(head: Sequence[str]) -> str:
    return (
        f"The list is a table of {len(head)} columns, and nothing says which one is the text. Put a header line before "
        f"it that names them: {DOCUMENT}."
    )


def _from_table(text: str, tell: Tell) -> list[Piece] | None:
    """The cells of a table that was copied or exported; None where the text is none. Raises `InputError`."""
    lines = [line for line in text.split("\n") if line.strip()]
    for delimiter in DELIMITERS:
        if not (rows := _rows(text, lines, delimiter)):
            continue
        quoted = [delimiter.join(row) for row in rows] != lines
        # without columns that are empty in every row, as a spreadsheet has them beside a table
        held = sorted({i for row in rows for i, cell in enumerate(row) if cell.strip()})
        rows = [[row[i] for i in held if i < len(row)] for row in rows]
        head, sure = columns(rows[0]), delimiter == "\t" or quoted
        if _names_text(head) and (len(head) > 1 or quoted):
            return _under(head, rows[1:], tell)
        if len({len(row) for row in rows}) != 1:
            continue
        cells = [row[0] for row in rows]
        if len(head) == 1 and (any("\n" in cell for cell in cells) or (quoted and all(of[0] == '"' for of in lines))):
            return [*cells]
        are_ids = len({*cells}) == len(cells) and all(map(NAME.fullmatch, cells))
        if len(head) == 2 and sure and head[0] not in DOCUMENT.ids and are_ids:
            return [(row[0], row[1]) for row in rows]
        if len(head) > 1 and (delimiter == "\t" or text.startswith('"') or (quoted and head[0] in DOCUMENT.ids)):
            raise InputError(_nameless(head))
    return None


def _rows(text: str, lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows that hold anything; none where the text has none. Raises `InputError` for one under a head of texts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        cells = [line.split(delimiter) for line in lines]
        if delimiter == "\t" and len({*map(len, cells)}) == 1:  # a spreadsheet quotes only cells with line breaks
            return cells
        if len(cells[0]) > 1 and _names_text(columns(cells[0])):
            raise InputError(
                f"Line {reader.line_num} cannot be read as a row of the table: {error}. Put its text in double quotes, "
                "and write a double quote in it twice."
            ) from None
        return []


def _names_text(head: Sequence[str]) -> bool:
    return bool({*DOCUMENT.texts} & {*head}) and all(map(NAME.fullmatch, head))


def _under(head: Sequence[str], rows: Sequence[Sequence[str]], tell: Tell) -> list[Piece]:
    """The rows of a table whose columns are named."""
    check_head(head)
    ignored, pieces = Ignored("the list", tell), list[Piece]()
    for place, row in enumerate(rows, start=1):
        try:
            value = under(head, row)
        except InputError as error:
            raise InputError(f"Row {place + 1} of the table {error}.") from None
        entry = read_entry(value, DOCUMENT)
        ignored.hear(place + 1, value, entry.read)
        pieces.append((entry.id or str(place), entry.text))
    return pieces
