"""Runs and judgements in the forms of TREC and BEIR: what is none is named, and nothing is taken for another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from attribution.batch.rows import BadLine, Row, read_trec
from attribution.batch.trec import beir_files, read_qrels, read_run
from attribution.errors import InputError
from tests.batch.conftest import write


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
    (tmp_path / "qrels").write_text("q 0 a 1\nq 0 a 0\n")
    assert read_qrels(tmp_path / "qrels", said.append) == {"q": {"a": 1}}
    assert said == [f"qrels: line 2 judges a for q once more, {grade}; 1 counts" for grade in (2, 0)]


def test_of_a_long_line_the_first_80_signs_are_shown(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(f"q{'x' * 99}\n")
    for read in (read_run, read_qrels):
        with pytest.raises(InputError, match=f": q{'x' * 79}[.]$"):
            read(tmp_path / "file")


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
    for name in ("corpus.jsonl", "corpus.jsonl.gz", "queries.jsonl.gz", f"qrels{os.sep}dev.tsv"):
        (tmp_path / name).touch()
    with pytest.raises(
        InputError, match=r"has no qrels/test.tsv \(or qrels/test.tsv.gz\)\. Give --split with one of dev\.$"
    ):
        beir_files(tmp_path, "test")
    assert [path.name for path in beir_files(tmp_path, "dev")] == ["corpus.jsonl", "queries.jsonl.gz", "dev.tsv"]
    for path in tmp_path.glob("corpus*"):
        path.unlink()
    with pytest.raises(InputError, match=r"has no corpus.jsonl \(or corpus.jsonl.gz\)\. Give a folder of BEIR's form"):
        beir_files(tmp_path, "test")
