"""A judged document without a text, in every form of a set: it alone is left out, and its grade counts on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from attribution.audit.judged import JudgedQuery
from attribution.batch.judged import JudgedRow, read_dataset, read_judged_lines, read_judged_trec
from attribution.batch.rows import BadLine
from tests.audit.conftest import GRADES, PASSAGES, QUERIES

EMPTY = "d3"
TEXTS = {**PASSAGES, EMPTY: " "}
LEFT = [key for key in PASSAGES if key != EMPTY]
Read = list[JudgedRow | BadLine]


def by_run(files: dict[str, Path], _monkeypatch: pytest.MonkeyPatch) -> Read:
    return [*read_judged_trec(files["run"], files["topics"], files["passages"], files["qrels"], 9)]


def by_dataset(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Read:
    ir_datasets = pytest.importorskip("ir_datasets")
    formats, local = ir_datasets.formats, ir_datasets.util.LocalDownload
    parts = [
        formats.TsvDocs(local(files["passages"])),
        formats.TsvQueries(local(files["topics"])),
        formats.TrecQrels(local(files["qrels"]), {}),
        formats.TrecScoredDocs(local(files["run"])),
    ]
    monkeypatch.setattr(ir_datasets.registry, "_registered", {"local": ir_datasets.Dataset(*parts)})
    return [*read_dataset("local", 9)]


def by_lists(_files: dict[str, Path], _monkeypatch: pytest.MonkeyPatch) -> Read:
    lists = [
        {
            "id": q,
            "query": query,
            "documents": [{"id": d, "text": text, "grade": GRADES[q].get(d)} for d, text in TEXTS.items()],
        }
        for q, query in QUERIES.items()
    ]
    return [*read_judged_lines(map(json.dumps, lists))]


def by_table(_files: dict[str, Path], _monkeypatch: pytest.MonkeyPatch) -> Read:
    rows = [(q, query, d, text, GRADES[q].get(d, "")) for q, query in QUERIES.items() for d, text in TEXTS.items()]
    return [*read_judged_lines(["qid\tquery\tdocid\ttext\tgrade", *("\t".join(map(str, row)) for row in rows)])]


FORMS: dict[Callable[[dict[str, Path], pytest.MonkeyPatch], Read], list[str]] = {
    by_run: [f"line {n} skipped: passage {EMPTY}: its text is empty" for n in (3, 8, 13)],
    by_dataset: [f"document {EMPTY}, skipped: its text is empty"] * 3,
    by_lists: [f"line {n}, document {EMPTY}, skipped: its text is empty" for n in (1, 2, 3)],
    by_table: [f"line {n} skipped: its text is empty" for n in (4, 9, 14)],
}


@pytest.mark.parametrize(("form", "says"), FORMS.items(), ids=[form.__name__ for form in FORMS])
def test_an_empty_document_is_left_out_alone_and_its_grade_counts_on(
    form: Callable[[dict[str, Path], pytest.MonkeyPatch], Read],
    says: list[str],
    files: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files["passages"].write_text("".join(f"{d}\t{text}\n" for d, text in TEXTS.items()), encoding="utf-8")
    found = form(files, monkeypatch)
    assert sorted(str(one) for one in found if isinstance(one, BadLine)) == sorted(says)
    judged: dict[str, JudgedQuery] = {one.judged.id: one.judged for one in found if isinstance(one, JudgedRow)}
    assert [*judged] == [*QUERIES]
    for q, one in judged.items():
        assert sorted(candidate.id for candidate in one.candidates) == LEFT
        known = {d: grade for d, grade in one.elsewhere.items() if d in PASSAGES}
        assert known == {d: grade for d, grade in GRADES[q].items() if d == EMPTY}


def test_a_judged_query_all_of_whose_texts_are_empty_has_found_nothing() -> None:
    """As one whose run is empty: what is relevant was not retrieved."""
    bad, row = read_judged_lines(['{"query": "x", "documents": [{"text": " ", "grade": 1}]}'])
    assert str(bad) == "line 1, document 1, skipped: its text is empty"
    assert isinstance(row, JudgedRow)
    assert (row.judged.candidates, row.judged.elsewhere) == ((), {"1": 1})
