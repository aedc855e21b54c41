"""What an audit reads: every form of the same set is one set, bad lines are named, what cannot begin is said."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from attribution.batch.auditing import AUDIT, FAILURES, RUN, SCORED, WRITTEN
from attribution.batch.judged import JudgedRow, read_beir, read_dataset, read_judged_lines, read_judged_trec
from attribution.batch.rows import BadLine
from attribution.errors import OptionError
from tests.audit.conftest import GRADES, PASSAGES, QUERIES, from_files


def test_a_beir_folder_and_json_lines_are_the_same_set(files: dict[str, Path], tmp_path: Path) -> None:
    beir = tmp_path / "beir"
    (beir / "qrels").mkdir(parents=True)
    for name, texts in (("corpus", PASSAGES), ("queries", QUERIES)):
        lines = [json.dumps({"_id": key, "text": text}) + "\n" for key, text in texts.items()]
        (beir / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    rows = [f"{q}\t{d}\t{grade}" for q, grades in GRADES.items() for d, grade in grades.items()]
    (beir / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]), encoding="utf-8")
    found = [one.judged for one in read_beir(beir, "test", 2) if isinstance(one, JudgedRow)]
    assert [(one.id, one.query) for one in found] == list(QUERIES.items())
    assert [(candidate.id, candidate.grade) for candidate in found[0].candidates] == [("d5", None), ("d1", 1)]
    assert found[0].elsewhere == {"d2": 0, "d3": 0, "d4": 0}
    documents = [{"id": c.id, "text": c.text, "grade": c.grade} for c in found[0].candidates]
    line = json.dumps({"id": "q1", "query": QUERIES["q1"], "documents": documents})
    (row,) = read_judged_lines([line])
    assert isinstance(row, JudgedRow)
    assert (row.judged.query, row.judged.candidates) == (found[0].query, found[0].candidates)
    queries = beir / "queries.jsonl"
    queries.write_text("".join(queries.read_text(encoding="utf-8").splitlines(keepends=True)[1:]), encoding="utf-8")
    lost, *rest = read_beir(beir, "test", 2)
    assert lost == BadLine(0, "test.tsv judges query q1, which queries.jsonl lacks")
    assert [one.judged.id for one in rest if isinstance(one, JudgedRow)] == ["q2", "q3", "q1"]


def test_what_stands_behind_a_bad_line_of_a_run_is_read(files: dict[str, Path]) -> None:
    run = files["run"].read_text(encoding="utf-8")
    files["run"].write_text(f"q1 Q0 d9 6 nan bm25\nq0 Q0 d1 1 9 bm25\n{run}", encoding="utf-8")
    first, second, *rest = read_judged_trec(files["run"], files["topics"], files["passages"], files["qrels"], 100)
    assert isinstance(first, BadLine)
    assert isinstance(second, BadLine)
    assert [one.judged.id for one in rest if isinstance(one, JudgedRow)] == [*QUERIES]


def test_a_set_of_ir_datasets(files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files as a registered set: with a run of its own its best come first, without one they come by BM25."""
    ir_datasets = pytest.importorskip("ir_datasets")
    formats, local = ir_datasets.formats, ir_datasets.util.LocalDownload
    parts = [
        formats.TsvDocs(local(files["passages"])),
        formats.TsvQueries(local(files["topics"])),
        formats.TrecQrels(local(files["qrels"]), {}),
    ]
    more = tmp_path / "more.run"  # with a text that the set does not have
    more.write_text("q1 Q0 nowhere 0 99.0 r\n" + files["run"].read_text())
    registered = {
        "local": ir_datasets.Dataset(*parts),
        "local/run": ir_datasets.Dataset(*parts, formats.TrecScoredDocs(local(files["run"]))),
    }
    monkeypatch.setattr(ir_datasets.registry, "_registered", registered)
    by_bm25, by_run = (
        [one.judged for one in read_dataset(name, 2) if isinstance(one, JudgedRow)] for name in registered
    )
    registered["local/more"] = ir_datasets.Dataset(*parts, formats.TrecScoredDocs(local(more)))
    (one, *_others) = [one.judged for one in read_dataset("local/more", 3) if isinstance(one, JudgedRow)]
    assert [c.id for c in one.candidates] == ["d1", "d2"]
    assert [(one.id, one.query) for one in by_bm25] == [(one.id, one.query) for one in by_run] == list(QUERIES.items())
    assert [[(c.id, c.text, c.grade) for c in one.candidates] for one in by_run[:1]] == [
        [(d, PASSAGES[d], GRADES["q1"][d]) for d in ("d1", "d2")]
    ]
    assert by_run[0].elsewhere == {"d3": 0, "d4": 0}
    assert [(c.id, c.grade) for c in by_bm25[0].candidates] == [("d5", None), ("d1", 1)]


def test_a_set_that_cannot_be_downloaded_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ir_datasets = pytest.importorskip("ir_datasets")
    gone = ir_datasets.util.Download([ir_datasets.util.LocalDownload(Path("/nowhere"), mkdir=False)] * 3)
    far = ir_datasets.Dataset(ir_datasets.formats.TrecQrels(gone, {}))
    monkeypatch.setattr(ir_datasets.registry, "_registered", {"far": far})
    with pytest.raises(OptionError, match=r"^ir_datasets cannot read the set 'far': All download sources failed"):
        list(read_dataset("far", 2))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nope", "this is not JSON"),
        ('{"documents": [{"text": "x"}]}', "query is missing"),
        ('{"query": "x", "documents": ["text"]}', "documents must be a list of objects"),
        ('{"query": "x", "documents": []}', "documents must be a list of objects"),
        ('{"query": "x", "documents": [{"text": "x", "grade": "high"}]}', "the grade of document 1 is a string"),
        ('{"query": "x", "documents": [{"text": "x", "grade": true}]}', "the grade of document 1 is true or false"),
        ('{"query": "x", "documents": [{"grade": 1}]}', "it has no text"),
        ('{"query": "x", "documents": [{"text": "x", "grade": 0.5}]}', "the grade of document 1 is 0.5; it must be"),
        ('{"query": "x", "documents": [{"text": "x", "grade": NaN}]}', "the grade of document 1 is NaN; it must be"),
        ('{"query": "x", "query": "y", "documents": [{"text": "x", "grade": 1}]}', "the key query occurs twice"),
        ('{"query": "x", "documents": [{"id": 1, "text": "x"}, {"id": "1", "text": "y"}]}', "document 1 twice"),
    ],
)
def test_a_bad_line_is_named(line: str, says: str) -> None:
    (bad,) = read_judged_lines([line])
    assert isinstance(bad, BadLine)
    assert says in bad.reason


def test_documents_one_a_line_are_the_lists_of_their_queries() -> None:
    """As data sets of pairs have them: a table or JSON lines, in any order."""
    pairs = [("a", "who", "d1", "one", 1), ("b", "why", "d2", "two", 0), ("a", "who", "d3", "three, 3", None)]
    names = ("query_id", "query", "doc_id", "text", "label")
    table = [";".join(names), *(";".join("" if cell is None else str(cell) for cell in pair) for pair in pairs)]
    lines = [json.dumps(dict(zip(names, pair, strict=True))) for pair in pairs]
    lists = [
        {
            "id": q,
            "query": query,
            "documents": [dict(zip(names[2:], pair[2:], strict=True)) for pair in pairs if pair[0] == q],
        }
        for q, query in (("a", "who"), ("b", "why"))
    ]
    said: list[str] = []
    asked = [
        [one.judged for one in read_judged_lines(given, said.append) if isinstance(one, JudgedRow)]
        for given in (table, lines, map(json.dumps, lists))
    ]
    assert asked[0] == asked[1] == asked[2]
    assert not said
    bare = [
        json.dumps({"query": query, "document": text, "grade": grade})
        for _, query, _, text, grade in [*pairs, pairs[0]]
    ]
    first, second = (one.judged for one in read_judged_lines(bare) if isinstance(one, JudgedRow))
    assert [(c.id, c.text) for c in first.candidates] == [("1", "one"), ("2", "three, 3"), ("3", "one")]
    assert (first.id, second.id) == ("1", "2")
    bad = [*read_judged_lines([*table, "a;who;d1;again;1", "b;why;d4;four;high", "b;why;d5; ;1"])]
    reasons = [one.reason for one in bad if isinstance(one, BadLine)]
    assert [reason[:40] for reason in reasons] == [
        "the grade of the document is a string; i",
        "its text is empty",
        "query a has document d1 twice among its ",
    ]


def test_bad_lines_are_skipped_and_nothing_else_is_lost(command: Any, tmp_path: Path) -> None:
    documents = [{"text": "berlin has inhabitants .", "grade": -1}, {"text": "paris", "grade": 1}, {"text": "museums"}]
    good = [json.dumps({"id": f"q{i}", "query": "berlin", "documents": documents}) for i in range(3)]
    code, said = command(stdin="\n".join([good[0], "nope", *good, ""]))
    assert code == 1
    assert "line 2 skipped: this is not JSON" in said
    assert "line 3 skipped: query q0 is there already" in said
    found = json.loads((tmp_path / "out" / AUDIT).read_text(encoding="utf-8"))
    assert [query["id"] for query in found["queries"]] == ["q0", "q1", "q2"]


def test_a_link_to_itself_is_no_input(command: Any, files: dict[str, Path], tmp_path: Path) -> None:
    files["run"].unlink()
    files["run"].symlink_to(files["run"])
    code, said = command(*from_files(files))
    assert code == 2
    assert "Too many levels of symbolic links" in said


def test_a_pipe_is_read_as_a_file_is(command: Any) -> None:
    documents = [{"text": "paris", "grade": 0.0}, {"text": "berlin", "grade": 1.0}]  # as a table's column with gaps is
    line = json.dumps({"query": "berlin", "documents": documents})
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(f"{line}\n".encode())
    code, said = command(stdin=reading)
    assert code == 0
    assert "queries: 1," in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--run", "a"], "--run, --topics, --passages and --qrels go together"),
        (["--beir", "a", "--dataset", "b"], "--beir and --dataset are different judged sets"),
        (["--measure", "nonsense"], "ir-measures does not compute 'nonsense'"),
        (["--failures", "0"], "n_failures is 0"),
        (["--measure", "nDCG@0"], "its cutoff (ranking cutoff threshold) is 0; it must be a whole number from 1"),
        (["--measure", "P@99999999999"], "is 99999999999; it must be a whole number from 1 to 1,000,000"),
        (["--measure", "nDCG@1e30"], "ir-measures does not compute 'nDCG@1e30'"),
        (["--fail-under", "nan"], "--fail-under is nan"),
        (["--split", "dev"], "--split needs --beir"),
        (["--link", "javascript:alert(1)"], "--link javascript:alert(1) is not the address of a page"),
        (["--output", __file__], "is a file. Give --output a folder"),
        (["--dataset", "no/such/set"], "ir_datasets has no set 'no/such/set'"),
        (["--beir", "/nowhere"], "/nowhere has no corpus.jsonl"),
        (["--top", "3"], "--top needs --run"),
        (
            [],
            "has a grade, so nothing can be called right or wrong. Give each document a grade (",
        ),
    ],
)
def test_what_cannot_begin_leaves_with_2(command: Any, arguments: list[str], says: str) -> None:
    code, said = command(*arguments)
    assert code == 2
    assert says in said


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_that_no_audit_wrote_is_not_written_over(
    name: str, command: Any, files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    mine = tmp_path / "out" / name
    mine.write_bytes(files["run"].read_bytes())
    for given, says in ((files, "not written by an audit"), ({**files, "run": mine}, "--run")):
        code, said = command(*from_files(given))
        assert (code, mine.read_bytes()) == (2, files["run"].read_bytes())
        assert says in said
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name], "nothing beside it"


def test_a_run_holds_a_line_a_document_whatever_the_ids_are(command: Any, tmp_path: Path) -> None:
    ids = ["d 1", "d\t2", "d\nq9 Q0 z 1 9 x", "d\u20284", "d\u00a05", "d\0a", "d\0b"]
    documents = [{"id": id, "text": f"text {i}", "grade": i % 2} for i, id in enumerate(ids)]
    assert command(stdin=json.dumps({"id": "q\r1", "query": "text", "documents": documents}) + "\n")[0] == 0
    lines = (tmp_path / "out" / RUN).read_text("utf-8").split("\n")
    written = [re.split("[ \t]", line) for line in lines if line]
    assert [len(fields) for fields in written] == [6] * 7
    assert {unquote(fields[0]) for fields in written} == {"q\r1"}
    assert sorted(unquote(fields[2]) for fields in written) == sorted(ids)


def test_an_earlier_audit_does_not_stay_as_that_of_a_set_without_grades(
    command: Any, files: dict[str, Path], tmp_path: Path
) -> None:
    assert command(*from_files(files))[0] == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    itself = {**files, "run": tmp_path / "out" / RUN}
    assert command(*from_files(itself))[0] == 2, "what is read is not written"
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == whole
    code, said = command(stdin="nope\n")
    assert code == 2
    assert f"what an earlier run found is in {tmp_path / 'out' / AUDIT}.before" in said
    lines = {SCORED, FAILURES}
    names = {name if name in lines else f"{name}.before": held for name, held in whole.items()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == names


@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_a_link_to_nothing_is_no_folder(target: str, command: Any, files: dict[str, Path], tmp_path: Path) -> None:
    """Said before anything is scored."""
    (tmp_path / "link").symlink_to(tmp_path / target)
    code, said = command(*from_files(files), "--output", str(tmp_path / "link"))
    assert code == 2
    assert said.endswith(f"error: {tmp_path / 'link'} is a link to nothing. Give --output a folder.\n")
    assert "candidates, a forward pass each" not in said
