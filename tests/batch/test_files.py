"""Files as search people have them: each is read as it was meant, or refused with what is wrong; no text is cut."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from attribution.batch.judged import JudgedRow, read_judged_lines
from attribution.batch.lines import read_lines, split_lines
from attribution.batch.pasted import read_pasted
from attribution.batch.rows import BadLine, Row, read_json_lines, read_trec
from attribution.batch.trec import read_passages, read_qrels, read_run, read_topics
from attribution.errors import InputError
from tests.batch.conftest import write

MARK = b"\xef\xbb\xbf"
WRAPPED: dict[str, Callable[[bytes], bytes]] = {  # how the same text comes
    "plain": lambda data: data,
    "mark": lambda data: MARK + data,
    "mark on each line": lambda data: b"\n".join(MARK + line for line in data.split(b"\n")),
    "crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "no last line feed": lambda data: data.rstrip(b"\n"),
    "gzip": gzip.compress,
    "gzip of mark and crlf": lambda data: gzip.compress(MARK + data.replace(b"\n", b"\r\n")),
    "gzip in two members": lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:]),
    "gzip of gzip": lambda data: gzip.compress(gzip.compress(data)),
    "utf-16 with its mark": lambda data: data.decode().encode("utf-16"),
    "big-endian utf-16": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    "utf-32": lambda data: data.decode().encode("utf-32"),
}
RUN = "q1 Q0 a -1 0.5 t\nq1\tQ0\tb\t2\t2e1\tt\nq2 Q0 a 1 1 t\n"
TOPICS = "q1\tfirst é\nq2\tsecond\n"
PASSAGES = "a\tone\u2028still\x0bone\x85end\nb\ttwo\rstill two\n"


@pytest.mark.parametrize("name", ["run", "topics", "passages"])
@pytest.mark.parametrize("wrap", WRAPPED)
def test_however_it_comes_the_same_rows_are_read(wrap: str, name: str, tmp_path: Path) -> None:
    files = write(tmp_path, run=RUN, topics=TOPICS, passages=PASSAGES)
    files[name].write_bytes(WRAPPED[wrap](files[name].read_bytes()))
    assert list(read_trec(**files, top=2, many=False)) == [
        Row("q1 b", 2, "first é", ("two\rstill two",), ("b",)),
        Row("q1 a", 1, "first é", ("one\u2028still\x0bone\x85end",), ("a",)),
        Row("q2 a", 3, "second", ("one\u2028still\x0bone\x85end",), ("a",)),
    ]


@pytest.mark.parametrize("wrap", WRAPPED)
def test_the_standard_input_is_read_however_it_comes(wrap: str) -> None:
    rows = [{"id": "x", "query": "q é", "document": "one\u2028still one"}, {"query": "q", "document": "d"}]
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    lines = (line for _, line in split_lines(io.BytesIO(WRAPPED[wrap](data)), "stdin"))
    assert list(read_json_lines(lines, False)) == [
        Row("x", 1, "q é", ("one\u2028still one",)), Row("2", 2, "q", ("d",))
    ]  # fmt: skip


def test_nothing_is_read_of_nothing(tmp_path: Path) -> None:
    for content in (b"", gzip.compress(b""), MARK, b"\n\r\n \n"):
        (path := tmp_path / "empty").write_bytes(content)
        assert (read_run(path), read_topics(path), read_passages(path), read_qrels(path)) == ([], {}, {}, {})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(TOPICS.encode() * 99)[:-9], "topics is cut off or damaged"),
        (gzip.compress(TOPICS.encode())[:-12] + b"x" * 12, "topics is cut off or damaged"),
        (b"\x28\xb5\x2f\xfd....", "topics is compressed by zstd. Give plain text or gzip"),
        (b"PK\x03\x04....", "topics is a zip archive"),
        (b"ARROW1..", "topics is an Arrow file"),
        (b"PAR1....", "topics is cut off or damaged: "),
        (b"\xff\xff\xff\xff8...", "topics is cut off or damaged: "),
        (TOPICS.encode("utf-16-le"), "topics looks like UTF-16 without a byte order mark"),
        (TOPICS.encode("utf-16")[:-1], "topics is cut off or not utf-16"),
        (TOPICS.encode("latin-1"), "topics is not UTF-8: line 1 holds the byte 0xe9, which is not UTF-8; convert"),
        (TOPICS.replace("\n", "\r").encode(), "topics ends its lines by carriage returns alone"),
        (b'[{"id": "q1", "text": "first"}', "topics: Line 1 is the last and there is no ]"),
        (b"q1 Q0 d1 1 2 t\rq1 Q0 d2 2 1 t", "topics ends its lines by carriage returns alone"),
        (b'{"id": "a"}\r{"id": "b"}', "topics ends its lines by carriage returns alone"),
        (b"<top>\n<num> 1\n", "Line 1 of topics has no id and text"),
    ],
)
def test_what_cannot_be_read_is_said(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "topics").write_bytes(content)
    with pytest.raises(InputError, match=f"^{says}"):
        read_topics(tmp_path / "topics")


def test_a_data_set_of_the_hub_is_read_as_its_json_lines(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    grades = [{"text": "one", "grade": 1, "day": date(2024, 1, 1)}, {"text": "two\u2028", "grade": None, "day": None}]
    table = pa.Table.from_pylist([{"id": "a", "query": "q", "documents": grades}])
    path = tmp_path / "train-00000-of-00001.parquet"
    pa.parquet.write_table(table, path)
    said: list[str] = []
    with path.open("rb") as file:
        (one,) = read_judged_lines((line for _, line in split_lines(file, "stdin")), said.append)
    assert isinstance(one, JudgedRow)
    assert [(c.text, c.grade) for c in one.judged.candidates] == [("one", 1), ("two\u2028", None)]
    assert said == ["the input: day is not read (first on line 1)"]
    texts = pa.Table.from_pylist([{"_id": str(n), "title": "T", "text": "one"} for n in range(3)])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, texts.schema) as writer:
        writer.write_table(texts, max_chunksize=2)
    assert read_passages(path) == {str(n): "T one" for n in range(3)}


def test_a_null_character_is_part_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "topics").write_bytes(b"1\tmuseums\0of berlin\n2\tparis\n")
    assert [*read_lines(tmp_path / "topics")] == [(1, "1\tmuseums\0of berlin"), (2, "2\tparis")]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder\. Give a file"):
        read_run(tmp_path)


def test_an_id_that_names_two_texts_is_said_and_the_first_counts(tmp_path: Path) -> None:
    files = write(
        tmp_path, passages='a\tA\na\tB\n{"id": "a", "text": "A"}\nz\tZ\nz\tZ\n', run="", topics="q\tx\nq\ty\nq\ta\n"
    )
    said: list[str] = []
    assert read_passages(files["passages"], {"a"}, said.append) == {"a": "A"}
    assert said == [
        "passages: the id a is on lines 1 and 2, with another text; the first counts",
        "passages: the id a is on lines 1 and 3, with the same text",
    ]
    assert read_topics(files["topics"], None, said.append) == {"q": "x"}
    assert said[2:] == [f"topics: the id q is on lines 1 and {n}, with another text; the first counts" for n in (2, 3)]


@pytest.mark.parametrize("read", [read_topics, read_passages])
def test_a_text_is_unquoted_where_only_a_table_writes_such_quotes(read: Any, tmp_path: Path) -> None:
    texts = [
        'who said "no" to him',
        '"',
        'a "b"',
        '"pro bono" meaning',
        '"Hamlet"',
        'says "" twice',
        '"to be" or "not to be"',
        '"',
    ]
    file = io.StringIO()
    csv.writer(file, delimiter="\t", lineterminator="\n").writerows(enumerate(texts[:3]))  # as pandas
    plain = "".join(f"{n}\t{text}\n" for n, text in enumerate(texts[3:], start=3))  # as MS MARCO
    (path := tmp_path / "texts.tsv").write_text(file.getvalue() + plain)
    said: list[str] = []
    assert [*read(path, None, said.append).values()] == texts
    assert said == ["texts.tsv: line 1 quotes its text as a table does; it is read without them"]


def test_an_empty_text_ends_no_run_and_is_named_where_it_is_asked_for(tmp_path: Path) -> None:
    passages = 'a\tA\nb\t\n{"id": "c", "text": null}\n{"id": "d", "text": " "}\n'
    files = write(tmp_path, run="q Q0 a 1 1 t\n", topics="q\tq\nr\t\n", passages=passages)
    assert [row.line for row in read_trec(**files, top=9, many=False) if isinstance(row, BadLine)] == []
    files["run"].write_text("q Q0 a 1 9 t\nq Q0 b 2 8 t\nq Q0 c 3 7 t\nq Q0 d 4 6 t\nr Q0 a 1 1 t\n")
    bad = [(row.line, row.reason) for row in read_trec(**files, top=9, many=True) if isinstance(row, BadLine)]
    assert bad == [
        (2, "passage b: its text is empty"),
        (3, "passage c: its text is empty"),
        (4, "passage d: its text is empty"),
        (5, "topic r: its text is empty"),
    ]


@pytest.mark.parametrize(
    ("value", "text", "not_read"),
    [
        ({"_id": "a", "title": "T", "text": "x", "metadata": {}}, "T x", []),
        ({"_id": "a", "title": "", "text": " x\n"}, "x", []),
        ({"_id": "a", "title": None, "text": "x"}, "x", []),
        ({"_id": "a", "title": "T", "text": ""}, "T", []),
        ({"id": "a", "contents": " x "}, " x ", []),
        ({"docno": "a", "text": None, "contents": "x"}, "x", []),
        ({"docid": "a", "title": "T", "headings": "H", "segment": "x", "end": 0}, "T x", ["headings", "end"]),
        ({"pid": "a", "docid": "whole", "passage": "x"}, "x", ["docid"]),
        ({"docid": "a", "url": "u", "body": "x"}, "x", ["url"]),
        ({"id": "a", "text": "x", "contents": "another"}, "x", ["contents"]),
        ({"id": "a", "text": "x", "contents": "x"}, "x", []),
        ({"id": None, "docid": "a", "content": "x"}, "x", []),
    ],
)
def test_every_key_of_a_passage_is_read_or_named(
    value: dict[str, Any], text: str, not_read: list[str], tmp_path: Path
) -> None:
    (path := tmp_path / "corpus").write_text(json.dumps(value) + "\n")
    said: list[str] = []
    assert read_passages(path, None, said.append) == {"a": text}
    assert said == ([f"corpus: {', '.join(not_read)} is not read (first on line 1)"] if not_read else [])
    pair = {**value, "query": "q", "title": value.get("title", ""), "id": "1"}
    (row,) = read_json_lines([json.dumps(pair)], False, said.append)
    assert isinstance(row, Row)
    assert row.documents == (text.strip(),)
    (row,) = read_json_lines([json.dumps({"query": "q", "documents": ["one", value]})], True, said.append)
    assert isinstance(row, Row)
    assert (row.documents, row.document_ids) == (("one", text), ("1", "a"))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"id": "a", "url": "u"}, "it has no text under text, contents.*Its keys: id, url"),
        ({"title": "T", "text": "x"}, "it has no id under id, _id, pid.*Its keys: title, text"),
        ({"id": "a", "title": 7, "text": "x"}, "title is a number; it must be a string"),
        ({"id": "a", "text": ["x"], "contents": "y"}, "text is a list; it must be a string"),
        ({"id": 1.5, "text": "x"}, "id is 1.5; it must be a string or a whole number"),
        ({"id": False, "text": "x"}, "id is true or false"),
        ({"id": "", "text": "x"}, "id is empty"),
    ],
)
def test_an_object_without_id_or_text_is_refused_with_the_keys_it_has(
    value: dict[str, Any], says: str, tmp_path: Path
) -> None:
    (path := tmp_path / "corpus").write_text(json.dumps(value) + "\n")
    with pytest.raises(InputError, match=f"^Line 1 of corpus has no id and text.*; {says}"):
        read_passages(path)


def test_a_key_that_is_there_twice_is_refused_and_more_columns_are_said(tmp_path: Path) -> None:
    twice, said = '{"id": "a", "text": "x", "text": "y"}', list[str]()
    files = write(tmp_path, passages=f"{twice}\n", topics="a\tone\tHead\nb\ttwo\tHead\n")
    with pytest.raises(InputError, match=r"^Line 1 of passages .*; the key text occurs twice in one object"):
        read_passages(files["passages"])
    pair = '{"query": "q", "document": "a", "document": "b"}'
    assert list(read_json_lines([pair], False)) == [BadLine(1, "the key document occurs twice in one object; keep one")]
    with pytest.raises(InputError, match=r"^Line 2: the key text occurs twice"):
        read_pasted('{"text": "x"}\n' + twice)
    assert read_topics(files["topics"], None, said.append) == {"a": "one\tHead", "b": "two\tHead"}
    assert said == ["topics: line 1 has 3 columns; everything after the first tab is the text"]
