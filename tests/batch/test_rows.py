"""Rows to work on, from JSON lines and from TREC files: which, in which order, and what is said of the others."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from attribution.batch.lines import split_lines
from attribution.batch.rows import BadLine, Row, read_json_lines, read_trec
from attribution.errors import InputError

PAIR = {"query": "q", "document": "d"}
LIST = {"query": "q", "documents": ["d", "e"]}


def lines(*values: Any, many: bool = False) -> list[Row | BadLine]:
    return list(read_json_lines([json.dumps(value) for value in values], many))


def test_a_row_is_called_by_its_id_or_by_its_line() -> None:
    assert lines(PAIR, {**PAIR, "id": "x"}, {**PAIR, "id": 0}) == [
        Row("1", 1, "q", ("d",)), Row("x", 2, "q", ("d",)), Row("0", 3, "q", ("d",))
    ]  # fmt: skip
    assert lines(LIST, many=True) == [Row("1", 1, "q", ("d", "e"))]
    assert list(read_json_lines(["\n", " ", json.dumps(PAIR)], False)) == [Row("3", 3, "q", ("d",))]


@pytest.mark.parametrize(
    ("value", "many", "says"),
    [
        ([], False, "it holds a list; it must be an object with query and document"),
        (3.5, False, "it holds 3.5; it must be an object"),
        (True, False, "it holds true or false"),
        (None, False, "it holds null; it must be an object"),
        ({"document": "d"}, False, "query is missing; it must be a string"),
        ({**PAIR, "query": 1}, False, "query is a number"),
        ({**PAIR, "document": {}}, False, "document is an object; it must be a string"),
        (LIST, False, "document is missing"),
        ({**LIST, "documents": [{"id": 2, "text": "x"}, "y"]}, True, "two documents have the id 2"),
        (PAIR, True, "documents is missing; it must be a list of strings, at least one"),
        ({**LIST, "documents": []}, True, "documents is a list"),
        ({**LIST, "documents": "de"}, True, "documents is a string"),
        (
            {**LIST, "documents": ["d", 1]},
            True,
            "documents is a list that holds a number; it must be a list of strings",
        ),
        ({**PAIR, "id": 1.5}, False, "id is 1.5; it must be a string or a whole number"),
        ({**PAIR, "id": float("nan")}, False, "id is NaN; it must be a string or a whole number"),
        ({**PAIR, "id": True}, False, "id is true or false; it must be a string or a whole number"),
        ({**PAIR, "id": None}, False, "id is null"),
        ({**PAIR, "query": None}, False, "query is null; it must be a string"),
        ({**PAIR, "id": []}, False, "id is a list"),
        ({**PAIR, "id": "d\ud800"}, False, "the id 'd\\ud800' holds half of a character"),
        ({**LIST, "id": "\udfff"}, True, "the id '\\udfff' holds half of a character"),
        ({**LIST, "documents": [{"id": "\udfff", "text": "x"}]}, True, "the id '\\udfff' holds half of a character"),
    ],
)
def test_what_is_no_row_says_what_it_holds(value: Any, many: bool, says: str) -> None:
    bad, good = lines(value, LIST if many else PAIR, many=many)
    assert isinstance(bad, BadLine)
    assert bad.line == 1
    assert bad.reason.startswith(says)
    assert isinstance(good, Row)


@pytest.mark.parametrize("line", ["nope", "[" * 99_999, '{"query": "q"', '{"id": ' + "9" * 5000 + "}"])
def test_a_line_that_is_no_json_says_why(line: str) -> None:
    bad, good = read_json_lines([line, json.dumps(PAIR)], False)
    assert isinstance(bad, BadLine)
    assert re.match(r"this is not JSON: .*(Expecting|recursion|[Ss]tack|digits)", bad.reason)
    assert good == Row("2", 2, "q", ("d",))


def test_a_line_that_is_no_utf8_names_the_byte() -> None:
    data = b'{"query": "q", "document": "caf\xe9"}\n' + json.dumps(PAIR).encode()
    bad, good = read_json_lines((line for _, line in split_lines(io.BytesIO(data), "stdin")), False)
    assert bad == BadLine(1, "holds the byte 0xe9, which is not UTF-8; convert it first")
    assert good == Row("2", 2, "q", ("d",))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """Two queries, three passages; a passage named twice with one score."""
    contents = {
        "run": "q2 Q0 c 1 1 t\n\nq1 Q0 b 2 0.5 t\nq1 Q0 a 1 2e1 t\nq1 Q0 c 3 -3 t\n",
        "topics": '{"qid": "q1", "query": "first"}\n\nq2\tsecond\twith a tab\n',
        "passages": '{"_id": "a", "text": "A"}\n{"docid": "b", "contents": "B"}\n{"id": "c", "passage": "C {"}\n',
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {name: tmp_path / name for name in contents}


def test_a_runs_best_passages_come_query_by_query(files: dict[str, Any]) -> None:
    assert list(read_trec(**files, top=2, many=False)) == [
        Row("q1 a", 4, "first", ("A",), ("a",)),
        Row("q1 b", 3, "first", ("B",), ("b",)),
        Row("q2 c", 1, "second\twith a tab", ("C {",), ("c",)),
    ]
    assert list(read_trec(**files, top=3, many=True)) == [
        Row("q1", 4, "first", ("A", "B", "C {"), ("a", "b", "c")),
        Row("q2", 1, "second\twith a tab", ("C {",), ("c",)),
    ]


def test_what_a_run_names_and_the_files_lack_is_said(files: dict[str, Any]) -> None:
    files["topics"].write_text("q1\tfirst\n")
    files["passages"].write_text("a\tA\nb\tB\n")
    bad = [row for row in read_trec(**files, top=9, many=True) if isinstance(row, BadLine)]
    assert [(one.line, one.reason.split(",")[0]) for one in bad] == [
        (5, "the run names passage c"), (1, "the run names topic q2 and passage c")
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["topics", "passages"])
@pytest.mark.parametrize(
    "line", ['{"text": "no id"}', '{"id": "x"}', '{"id": "x", "text": 7}', "it has no tab",
             "\tit has nothing before its first tab",
             '{"id": "x", "url": "u"}', '{"id": "x", "text"', "{" * 99_999, '{"a":' * 99_999]
)  # fmt: skip
def test_a_line_without_id_and_text_is_named(name: str, line: str, files: dict[str, Any]) -> None:
    files[name].write_text(f"q1\tfirst\n{line}\n")
    with pytest.raises(
        InputError, match=f"^Line 2 of {name} has no id and text. It must be id<TAB>text, or JSON"
    ) as no:
        list(read_trec(**files, top=2, many=False))
    assert ("with a title where there is one" in str(no.value)) == (name == "passages"), "a query has none"
    assert "{" in line or str(no.value).endswith(f"; {line.strip()}.")


@pytest.mark.parametrize("name", ["topics", "passages"])
def test_an_id_that_names_nothing_is_told(name: str, files: dict[str, Any]) -> None:
    files[name].write_text('q1\tfirst\n{"id": true, "text": "t"}\n')
    with pytest.raises(
        InputError, match=f"^Line 2 of {name} has no id and text.*; id is true or false; it must be a str"
    ):
        list(read_trec(**files, top=2, many=False))


@pytest.mark.parametrize("line", ["q1 Q0 a 1 t", "q1 Q0 a 1 2 t more", "q1 Q0 a 1 high t"])
def test_a_line_that_is_not_of_a_run_is_named(line: str, files: dict[str, Any]) -> None:
    files["run"].write_text(f"q1 Q0 a 1 2 t\n{line}\n")
    with pytest.raises(InputError, match=r"^Line 2 of run is not of a TREC run\."):
        list(read_trec(**files, top=2, many=False))


@pytest.mark.parametrize("name", ["run", "topics", "passages"])
def test_a_file_that_is_not_text_is_named(name: str, files: dict[str, Any]) -> None:
    files[name].write_bytes(b"q1\tcaf\xe9\n")
    with pytest.raises(InputError, match=f"^{name} is not UTF-8"):
        list(read_trec(**files, top=2, many=False))
