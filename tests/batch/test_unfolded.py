"""Rows as people have them in place of JSON lines: the same rows, or one sentence, before a file is made."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from attribution.batch.judged import JudgedRow, read_judged_lines
from attribution.batch.lines import split_lines
from attribution.batch.rows import BadLine, Row, read_json_lines
from attribution.batch.trec import read_passages, read_topics
from attribution.batch.unfolded import drawn, under
from attribution.errors import InputError

PAIRS = [
    {"id": "a", "query": "who, where", "title": "T", "text": 'He said "no",\n\nand left'},
    {"id": "b", "query": "w\u00e9r", "title": "", "text": "two\u2028lines"},
]
ROWS = [("a", "who, where", ('T He said "no",\n\nand left',)), ("b", "w\u00e9r", ("two\u2028lines",))]


def table(delimiter: str, **how: Any) -> str:
    """As spreadsheets and pandas write one."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(PAIRS[0]), delimiter=delimiter, lineterminator="\n", **how)
    writer.writeheader()
    writer.writerows(PAIRS)
    return file.getvalue()


def read(text: str, many: bool = False) -> tuple[list[Row | BadLine], list[str]]:
    said: list[str] = []
    lines = (line for _, line in split_lines(io.BytesIO(text.encode("utf-8", "surrogateescape")), "stdin"))
    return list(read_json_lines(lines, many, said.append)), said


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(json.dumps, PAIRS)),
        ",\n".join(map(json.dumps, PAIRS)) + ",",
        json.dumps(PAIRS),
        json.dumps(PAIRS, indent=2) + "\n",
        "[\n" + ",\n".join(map(json.dumps, PAIRS)) + "\n]\n",
        "\n".join(json.dumps(pair, indent=1) for pair in PAIRS),  # as jq prints
        "\n".join(json.dumps([pair]) for pair in PAIRS),  # two files put together
        "\ufeff" + json.dumps(PAIRS, ensure_ascii=False),
        table(","),
        table(";", quoting=csv.QUOTE_ALL),
        table("\t"),
        "sep=;\n" + table(";"),
        "\n" + table(",").replace("id,query", "ID, Query") + ",,,\n",
    ],
)
def test_whatever_they_come_in_they_are_the_same_rows(text: str) -> None:
    found, _ = read(text)
    assert [(row.id, row.query, row.documents) for row in found if isinstance(row, Row)] == ROWS


def test_a_drawn_row_has_the_cells_between_its_bars() -> None:
    framed = "| query | document |\n|---|---|\n| q | a \\| b |\n| q | |"
    assert drawn(framed) == [["query", "document"], ["q", "a | b"], ["q", ""]]
    assert drawn("query | document\n---|---\nq | d") == [["query", "document"], ["q", "d"]]
    assert drawn("| query | document\n|---|---\n| q | d") == [["query", "document"], ["q", "d"]]
    assert drawn("| text |\n|---|\n| date |") == [["text"], ["date"]]  # no type, where it is all there is
    assert drawn("| text |\n|---|\n| C+ |\n| two |") == [["text"], ["C+"], ["two"]]
    assert drawn("| one |\n| two |") is None  # a text between bars
    broken = "text | id | lang\n---+---+---\none +| 1 | en\ntwo | \nthree | 2 | en"  # by psql, and its end is lost
    assert drawn(broken) == [["text", "id", "lang"], ["one\ntwo", "1", "en"], ["three", "2", "en"]]


def test_cells_that_a_row_lacks_are_empty() -> None:
    head = ["query", "title", "text", "lang"]
    assert under(head, ["q", "t", "a text"]) == {"query": "q", "title": "t", "text": "a text", "lang": ""}


def test_lists_come_in_an_array_too() -> None:
    lists = [{"query": "q", "documents": ["a", {"text": "b", "grade": 1}]}, {"query": "r", "documents": []}]
    for text in (json.dumps(lists), json.dumps(lists, indent=4)):
        found, said = read(text, many=True)
        assert found[0] == Row("1", 1, "q", ("a", "b"))
        assert isinstance(found[1], BadLine)
        assert found[1].line == 2
        assert said == [
            "the input is JSON over several lines, or an array: line N means its N-th object",
            "the input: grade is not read (first on line 1)",
        ]
        judged = list(read_judged_lines(text.replace('"a"', '{"text": "a"}').split("\n")))
        assert [type(one).__name__ for one in judged] == ["JudgedRow", "BadLine"]


def test_texts_of_a_search_engine_come_in_an_array_too(tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    for indent in (None, 2):
        path.write_text(json.dumps([{"_id": "a", "text": "one"}, {"_id": "b", "text": "two"}], indent=indent))
        assert dict(read_passages(path)) == dict(read_topics(path)) == {"a": "one", "b": "two"}
    path.write_text('[{"_id": "a", "text": "one"},\n{"_id": "b", "te')
    with pytest.raises(InputError, match=r"^texts.json: Line 2 is not a JSON object, but it begins as a JSON array"):
        read_passages(path)
    path.write_text("\n\n" + path.read_text())
    with pytest.raises(InputError, match=r"^texts.json: Line 4 is not a JSON object"):
        read_passages(path)


def test_of_thousands_of_columns_twenty_are_named() -> None:
    for n, more in ((20, ""), (5000, " and 4,980 more")):
        names = [f"c{i}" for i in range(n)]
        _, said = read(f"query,document,{','.join(names)}\nq,d,{','.join(names)}\n")
        assert said == [f"the input: {', '.join(names[:20])}{more} is not read (first on line 2)"]


def test_a_row_that_cannot_be_read_is_named_and_the_others_are_answered() -> None:
    found, said = read('query,document,url\nq,d,u\nq,d, more,u\n\nq,\nq,"d\n\n2",\n')
    assert said == ["the input: url is not read (first on line 2)"]
    assert found == [
        Row("2", 2, "q", ("d",)),
        BadLine(
            3,
            "has 4 cells, and its first row names 3. Put texts that hold the separator in double quotes; a bar "
            r"in a drawn table is written \|",
        ),
        Row("5", 5, "q", ("",)),
        Row("6", 6, "q", ("d\n\n2",)),
    ]
    found, _ = read('[{"query": "q", "query": "r", "document": "d"}, 3, {"query": "q", "document": "d"}]')
    assert found[:2] == [
        BadLine(1, "the key query occurs twice in one object; keep one"),
        BadLine(2, "it holds a number; it must be an object with query and document"),
    ]
    assert found[2] == Row("3", 3, "q", ("d",))
    assert read("query,document\nq,caf\udce9")[0] == [
        BadLine(2, "holds the byte 0xe9, which is not UTF-8; convert it first")
    ]


@pytest.mark.parametrize(
    ("text", "many", "says"),
    [
        ('[{"query": "q", "document": "d"},\n{"query"', False, "Line 2 is not a JSON object, but it begins as a JSON"),
        ('[{"query": "q", "document": "d"}\n', False, "Line 1 is the last and there is no ]"),
        ('{\n"query": "q",\n}', False, "Line 1 is not a JSON object"),
        ("[\n{'query': 'q'}\n]", False, "Line 2 is not a JSON object"),
        (
            "q1,d1\nq2,d2",
            False,
            r'neither JSON lines nor a JSON array; it begins "q1,d1".*or a table .*query and document',
        ),
        ("query\tscore\nq\t1", False, "columns query and document"),
        ("one text\nanother text", False, "neither JSON lines"),
        ("| query | text |\n|---|---|\n| q | d |", False, "neither JSON lines"),
        ("query,document\nq,d", True, r'Give an object a line.*"documents".*a table \(CSV\) has no lists'),
        ("query,text,text\nq,d,e", False, "names the column text twice"),
        ('query,document\nq,"d\nq,d', False, "Line 2 cannot be read as a row of the table"),
        ('query\tdocument\nq\t"d" e', False, "Line 2 cannot be read as a row of the table"),
    ],
)
def test_what_is_no_form_of_them_is_refused_at_once(text: str, many: bool, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(text, many)


def test_a_first_line_that_is_bad_is_only_that() -> None:
    good = json.dumps(PAIRS[1])
    for bad in ("nope", "a,b", "[1]", '[["q", "d"]]', '{"query": ', "[" * 99_999):
        found, _ = read(f"{bad}\n\n{good}")
        assert [type(one) for one in found] == [BadLine, Row]
        assert found[1].line == 3
    assert read("") == read("\n \n") == ([], [])
    assert read("query,document\n") == ([], [])
    assert read("[\n]")[0] == []


def test_a_cell_is_as_long_as_a_string_may_be() -> None:
    text = "word " * 50_000
    assert read(f"query,document\nq,{text}")[0] == [Row("2", 2, "q", (text,))]


@pytest.mark.parametrize(
    ("documents", "grades"),
    [
        ([{"grade": 1, "score": 9.0}, {"score": 12.0}], [1, None]),
        ([{"score": 12.5}, {"label": 0}], [None, 0]),
        ([{"score": 2}, {"score": 0.0}], [2, 0]),
        ([{"grade": None, "relevance": 1}, {"label": 2, "relevance": None}], [1, 2]),
        ([{}, {"grade": None}], [None, None]),
    ],
)
def test_a_search_engines_score_is_no_grade(documents: list[dict[str, Any]], grades: list[int | None]) -> None:
    texts = [{"text": str(i), **document} for i, document in enumerate(documents)]
    (row,) = read_judged_lines([json.dumps({"query": "q", "documents": texts})], lambda line: None)
    assert isinstance(row, JudgedRow)
    assert [candidate.grade for candidate in row.judged.candidates] == grades


@pytest.mark.parametrize("id", ["d\ud800", "\udfffd"])
@pytest.mark.parametrize("of", ["query", "document"])
def test_an_id_that_no_file_can_hold_is_named_and_skipped(id: str, of: str) -> None:
    documents = [{"id": id if of == "document" else "d", "text": "a", "grade": 1}]
    line = json.dumps({"id": id if of == "query" else "q", "query": "q", "documents": documents})
    (bad,) = read_judged_lines([line], lambda line: None)
    assert isinstance(bad, BadLine)
    assert bad.reason == f"the id {id!r} holds half of a character; give ids of whole characters"


def test_of_a_judged_document_no_key_is_dropped_in_silence() -> None:
    said: list[str] = []
    documents = [{"text": "a", "grade": 1, "label": 0, "url": "u"}, {"text": "b", "relevance": 1_700_000_000}]
    lines = [json.dumps({"query": "q", "documents": documents[:n]}) for n in (1, 2)]
    bad = list(read_judged_lines(lines, said.append))[1]
    assert said == ["the input: label, url is not read (first on line 1)"]
    assert isinstance(bad, BadLine)
    assert bad.reason == "a grade must lie between -10,000 and 10,000; give small whole numbers"
    for grade, fits in ((10_000, True), (-10_000, True), (10_001, False), (-10_001, False)):
        line = json.dumps({"query": "q", "documents": [{"text": "a", "grade": grade}]})
        assert isinstance(next(iter(read_judged_lines([line]))), JudgedRow) == fits
