"""Files as search people have them: each is read as it was meant, or refused with what is wrong; no text is cut."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attribution.batch.lines import read_lines, split_lines
from attribution.batch.pasted import read_pasted
from attribution.batch.rows import BadLine, Row, read_json_lines, read_trec
from attribution.batch.trec import beir_files, read_passages, read_qrels, read_run, read_topics
from attribution.errors import InputError

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


def write(folder: Path, **contents: str | bytes) -> dict[str, Any]:
    for name, content in contents.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return {name: folder / name for name in contents}


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
        (b"PAR1....", "topics is a Parquet file"),
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


def test_a_null_character_is_part_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "topics").write_bytes(b"1\tmuseums\0of berlin\n2\tparis\n")
    assert [*read_lines(tmp_path / "topics")] == [(1, "1\tmuseums\0of berlin"), (2, "2\tparis")]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder\. Give a file"):
        read_run(tmp_path)


@pytest.mark.parametrize("score", ["nan", "NaN", "inf", "-inf", "1e400"])
def test_a_score_that_is_no_number_is_named_and_never_sorted(score: str, tmp_path: Path) -> None:
    run = f"q Q0 a 1 {score} t\nq Q0 b 2 -7 t\nq Q0 c 3 -5 t\n"
    files = write(tmp_path, run=run, topics="q\tq\n", passages="a\tA\nb\tB\nc\tC\n")
    bad, *good = read_trec(**files, top=2, many=False)
    assert isinstance(bad, BadLine)
    assert (bad.line, bad.reason[:19]) == (1, "the score of q a is")
    assert [row.id for row in good if isinstance(row, Row)] == ["q c", "q b"]


@pytest.mark.parametrize(
    "line", ["q Q0 a 1 0.5", "q Q0 a 1 1_000 t", "q Q0 a 1 high t", "q Q0 a 1 0.5 t\rq Q0 b 2 0 t"]
)
def test_what_is_not_of_a_run_is_shown(line: str, tmp_path: Path) -> None:
    (tmp_path / "run").write_text(f"{line}\n")
    with pytest.raises(InputError, match=r"^Line 1 of run is not of a TREC run.*; it has \d+ fields: q Q0 a 1"):
        read_run(tmp_path / "run")


def test_a_passage_that_a_query_has_twice_counts_once_with_its_best_score_before_the_top(tmp_path: Path) -> None:
    run = "q Q0 a 1 1 t\nq Q0 b 2 3 t\nq Q0 a 3 9 t\nq Q0 a 4 nan t\nr Q0 a 1 1 t\nq Q0 c 5 2 t\n"
    files = write(tmp_path, run=run, topics="q\tq\nr\tr\n", passages="a\tA\nb\tB\nc\tC\n")
    said: list[str] = []
    rows = list(read_trec(**files, top=2, many=True, tell=said.append))
    assert [(row.id, row.document_ids) for row in rows if isinstance(row, Row)] == [("q", ("a", "b")), ("r", ("a",))]
    assert said == [
        "run: query q has passage a on lines 3 and 1; it counts once, with the score 9",
        "run: query q has passage a on lines 3 and 4; it counts once, with the score 9",
    ]


def test_an_id_that_names_two_texts_is_said_and_the_first_counts(tmp_path: Path) -> None:
    files = write(
        tmp_path, passages='a\tA\na\tB\n{"id": "a", "text": "A"}\nz\tZ\nz\tZ\n', run="", topics="q\tx\nq\ty\n"
    )
    said: list[str] = []
    assert read_passages(files["passages"], {"a"}, said.append) == {"a": "A"}
    assert said == [
        "passages: the id a is on lines 1 and 2, with another text; the first counts",
        "passages: the id a is on lines 1 and 3, with the same text",
    ]
    assert read_topics(files["topics"], None, said.append) == {"q": "x"}
    assert said[2] == "topics: the id q is on lines 1 and 2, with another text; the first counts"


@pytest.mark.parametrize("read", [read_topics, read_passages])
def test_a_text_is_unquoted_where_only_a_table_writes_such_quotes(read: Any, tmp_path: Path) -> None:
    texts = [
        'who said "no"',
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
        (2, "the text of passage b is empty"),
        (3, "the text of passage c is empty"),
        (4, "the text of passage d is empty"),
        (5, "the text of topic r is empty"),
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


def test_judgements_of_trec_and_of_beir_are_one_thing(tmp_path: Path) -> None:
    said: list[str] = []
    expected = {"q": {"a": 1, "b": 0}, "r": {"c": -2}}
    for name, content in (
        ("trec", "q 0 a 1\nq 0 b 0\n\nr\t0\tc\t-2\nq 0 a 1\n"),
        ("beir", "query-id\tcorpus-id\tscore\r\nq\ta\t1\r\nq\tb\t0\r\nr\tc\t-2.0\r\n"),
    ):
        (path := tmp_path / name).write_text(content)
        assert read_qrels(path, said.append) == expected
    assert said == []
    (tmp_path / "spaces").write_text("query-id\tcorpus-id\tscore\nq 1\tsp ace\t1\n\nq 1\t a  b \t0\r\n")
    assert read_qrels(tmp_path / "spaces") == {"q 1": {"sp ace": 1, "a  b": 0}}
    (tmp_path / "qrels").write_text("q 0 a 1\nq 0 a 2\n")
    assert read_qrels(tmp_path / "qrels", said.append) == {"q": {"a": 1}}
    assert said == ["qrels: line 2 judges a for q once more, 2; 1 counts"]


@pytest.mark.parametrize(
    "line", ["q 0 a", "q a nan", "q 0 a 0.5", "q Q0 a 1 0.5 t", "q", "q 0 a inf", "q 0 a 1_0", "q 0 a 1e30"]
)
def test_what_is_no_judgement_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text(f"{line}\n")
    with pytest.raises(InputError, match=f"^Line 1 of qrels is not of judgements.*it has: {line}"):
        read_qrels(tmp_path / "qrels")


def test_a_grade_that_is_too_high_is_told_how_high_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("q 0 a 99999\n")
    with pytest.raises(InputError, match=r"it has: q 0 a 99999; a grade must lie between -10,000 and 10,000"):
        read_qrels(tmp_path / "qrels")


@pytest.mark.parametrize("lines", ["q 0 7 1\nq 0 12\n", "q 12 1\nq 0 7 1\n"])
def test_a_line_that_lost_a_column_is_no_judgement_of_another_passage(lines: str, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text(lines)
    with pytest.raises(InputError, match=r"^Line 2 of qrels is not of judgements"):
        read_qrels(tmp_path / "qrels")


@pytest.mark.parametrize(
    "lines",
    ["\tquery-id\tcorpus-id\tscore\n0\tq\ta\t1\n", "query-id\tcorpus-id\tscore\nq\t\t1\n"],  # pandas' index; no id
)
def test_a_table_with_a_column_more_or_an_id_less_is_no_judgement(lines: str, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text(lines)
    with pytest.raises(InputError, match=r"^Line 2 of qrels is not of judgements"):
        read_qrels(tmp_path / "qrels")


def test_a_beir_folder_is_found_packed_or_not(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    for name in ("corpus.jsonl", "queries.jsonl.gz", f"qrels{os.sep}dev.tsv"):
        (tmp_path / name).touch()
    with pytest.raises(
        InputError, match=r"has no qrels/test.tsv \(or qrels/test.tsv.gz\)\. Give --split with one of dev\.$"
    ):
        beir_files(tmp_path, "test")
    assert [path.name for path in beir_files(tmp_path, "dev")] == ["corpus.jsonl", "queries.jsonl.gz", "dev.tsv"]


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
