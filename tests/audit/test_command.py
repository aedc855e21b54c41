"""`rerank-lens audit`: files in, a folder out; cut off it goes on to the same bytes; bad input is named."""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from attribution.__main__ import main
from attribution.audit.audit import audit
from attribution.batch.auditing import AUDIT, FAILURES, PAIRS, RUN, SCORED, WRITTEN
from attribution.batch.judged import JudgedRow, read_beir, read_dataset, read_judged_lines, read_judged_trec
from attribution.batch.local import run_local
from attribution.batch.rows import BadLine
from attribution.export import AUDIT_SCHEMA, plain
from attribution.rerankers.loading.load import load_reranker
from attribution.rerankers.reranker import Reranker

QUERIES = {"q1": "how many people live in berlin ?", "q2": "which city is the capital of france", "q3": "new york"}
PASSAGES = {
    "d1": "berlin has about 3.7 million inhabitants .",
    "d2": "paris is the capital of france .",
    "d3": "famous for its museums . the largest of the city .",
    "d4": "the quick brown fox jumps over the lazy dog .",
    "d5": "1,234 cats sleep in berlin .",
}
GRADES = {
    "q1": {"d1": 1, "d2": 0, "d3": 0, "d4": 0},
    "q2": {"d2": 2, "d1": 0, "d4": 1, "gone": 1},
    "q3": {"d3": 1, "d2": 0},
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A run, topics, passages and judgements; not every candidate is judged."""
    found = {name: tmp_path / name for name in ("run", "topics", "passages", "qrels")}
    lines = {
        "run": [f"{q} Q0 {d} {i} {9 - i} bm25" for q in QUERIES for i, d in enumerate(PASSAGES, start=1)],
        "topics": [f"{q}\t{text}" for q, text in QUERIES.items()],
        "passages": [f"{d}\t{text}" for d, text in PASSAGES.items()],
        "qrels": [f"{q} 0 {d} {grade}" for q, grades in GRADES.items() for d, grade in grades.items()],
    }
    for name, path in found.items():
        path.write_text("\n".join(lines[name]) + "\n", encoding="utf-8")
    return found


@pytest.fixture
def command(
    tiny_folder: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str]]:
    """`(*arguments, stdin) -> (exit code, stderr)` of the command with the tiny model, into `tmp_path / "out"`."""

    def run(*arguments: str, stdin: str | int = "") -> tuple[int, str]:
        raw = os.fdopen(stdin, "rb") if isinstance(stdin, int) else io.BytesIO(stdin.encode())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
        given = ["audit", "--model", str(tiny_folder("BertForSequenceClassification")), *arguments]
        try:
            code = main([*given, "--output", str(tmp_path / "out")] if "--output" not in arguments else given)
        except SystemExit as left:
            code = int(left.code or 0)
        return code, capsys.readouterr().err

    return run


def from_files(files: dict[str, Path]) -> list[str]:
    return [part for name, path in files.items() for part in (f"--{name}", str(path))]


def test_the_folder_holds_what_python_gives(
    command: Any, files: dict[str, Path], tmp_path: Path, tiny_bert: Reranker
) -> None:
    code, said = command(*from_files(files), "--measure", "AP")
    assert code == 0
    found = json.loads((tmp_path / "out" / AUDIT).read_text(encoding="utf-8"))
    jsonschema.validate(found, json.loads(AUDIT_SCHEMA.read_text(encoding="utf-8")))
    rows = read_judged_trec(files["run"], files["topics"], files["passages"], files["qrels"], 100)
    judged = [row.judged for row in rows if isinstance(row, JudgedRow)]
    expected = json.loads(json.dumps(plain(audit(tiny_bert, judged, measure="AP"))))
    assert {name: value for name, value in found.items() if name != "format"} == expected
    assert expected["failures"], "the tiny model makes mistakes"
    assert f"AP {expected['averages'][0]['value']:.4f}" in said
    pairs = [json.loads(line) for line in (tmp_path / "out" / PAIRS).read_text(encoding="utf-8").splitlines()]
    assert len(pairs) == 15
    assert {(p["query_id"], p["document_id"]): p["grade"] for p in pairs} == {
        (q, d): GRADES[q].get(d) for q in QUERIES for d in PASSAGES
    }
    run = [line.split() for line in (tmp_path / "out" / RUN).read_text(encoding="utf-8").splitlines()]
    assert [(q, d, float(logit)) for q, _, d, _, logit, _ in run] == [
        (p["query_id"], p["document_id"], p["logit"]) for p in pairs
    ]


def test_where_only_what_is_relevant_is_graded_the_rest_counts_as_wrong_if_asked(
    command: Any, files: dict[str, Path], tmp_path: Path, tiny_bert: Reranker
) -> None:
    relevant = {q: {d: grade for d, grade in grades.items() if grade} for q, grades in GRADES.items() if q != "q3"}
    lines = [f"{q} 0 {d} {grade}" for q, grades in relevant.items() for d, grade in grades.items()]
    files["qrels"].write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out" / AUDIT
    assert command(*from_files(files))[0] == 0
    assert json.loads(out.read_text(encoding="utf-8"))["n_inversions"] == 0
    assert command(*from_files(files), "--unjudged", "0")[0] == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    files["qrels"].write_text(
        "\n".join([*lines, *(f"{q} 0 {d} 0" for q in relevant for d in PASSAGES.keys() - relevant[q].keys())]) + "\n",
        encoding="utf-8",
    )
    rows = read_judged_trec(files["run"], files["topics"], files["passages"], files["qrels"], 100)
    graded = audit(tiny_bert, [row.judged for row in rows if isinstance(row, JudgedRow)])
    assert found["n_inversions"] == graded.n_inversions > 0
    assert found["averages"] == json.loads(json.dumps(plain(graded)))["averages"]
    assert found["n_unjudged"] == 0
    assert any(note.endswith("because that was asked for: 7.") for note in found["notes"])
    assert any(note.startswith("Queries without a single grade") for note in found["notes"]), "q3 stays out"


def test_a_cut_off_run_goes_on_to_the_same_bytes(command: Any, files: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert command(*from_files(files))[0] == 0
    whole = {path.name: path.read_bytes() for path in out.iterdir()}
    for name in (SCORED, FAILURES):
        torn = whole[name].splitlines(keepends=True)
        (out / name).write_bytes(torn[0] + torn[1][:90] if len(torn) > 1 else torn[0][:90])
    (out / AUDIT).unlink()
    assert command(*from_files(files))[0] == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == whole
    code, said = command(*from_files(files), "--measure", "AP")
    assert code == 2
    assert "measure nDCG@10, not measure AP" in said
    assert {path.name: path.read_bytes() for path in out.iterdir()} == whole


def test_a_full_disk_is_said_and_loses_nothing(command: Any, files: dict[str, Path], tmp_path: Path) -> None:
    """A limit on the size of a file, which the system keeps as it keeps the end of a disk."""
    assert command(*from_files(files))[0] == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (len(whole[SCORED]) - 10, len(whole[FAILURES]) - 10, len(whole[AUDIT]) - 10):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            code, said = command(*from_files(files))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert code == 2
        assert "File too large" in said
        assert {path.name for path in (tmp_path / "out").iterdir()} <= whole.keys(), "half of a file is left behind"
    assert command(*from_files(files))[0] == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == whole


def test_the_engine_asked_for_does_the_work(
    command: Any, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def distributed(model: str, rows: Any, job: Any, output: Any, *_given: Any, workers: int) -> int:
        asked.append((job.task, workers))
        return run_local(load_reranker(model), rows, job, output, lambda: None, lambda _bad: None)

    monkeypatch.setattr("attribution.batch.audit_command.run_distributed", distributed)
    assert command(*from_files(files), "--engine", "ray", "--workers", "3")[0] == 0
    assert asked == [("score", 3), ("failure", 3)]


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


def test_a_set_of_ir_datasets(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The files as a registered set: with a run of its own its best come first, without one they come by BM25."""
    ir_datasets = pytest.importorskip("ir_datasets")
    formats, local = ir_datasets.formats, ir_datasets.util.LocalDownload
    parts = [
        formats.TsvDocs(local(files["passages"])),
        formats.TsvQueries(local(files["topics"])),
        formats.TrecQrels(local(files["qrels"]), {}),
    ]
    registered = {
        "local": ir_datasets.Dataset(*parts),
        "local/run": ir_datasets.Dataset(*parts, formats.TrecScoredDocs(local(files["run"]))),
    }
    monkeypatch.setattr(ir_datasets.registry, "_registered", registered)
    by_bm25, by_run = (
        [one.judged for one in read_dataset(name, 2) if isinstance(one, JudgedRow)] for name in registered
    )
    assert [(one.id, one.query) for one in by_bm25] == [(one.id, one.query) for one in by_run] == list(QUERIES.items())
    assert [[(c.id, c.text, c.grade) for c in one.candidates] for one in by_run[:1]] == [
        [(d, PASSAGES[d], GRADES["q1"][d]) for d in ("d1", "d2")]
    ]
    assert by_run[0].elsewhere == {"d3": 0, "d4": 0}
    assert [(c.id, c.grade) for c in by_bm25[0].candidates] == [("d5", None), ("d1", 1)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nope", "this is not JSON"),
        ('{"documents": [{"text": "x"}]}', "query is missing"),
        ('{"query": "x", "documents": ["text"]}', "documents must be a list of objects"),
        ('{"query": "x", "documents": []}', "documents must be a list of objects"),
        ('{"query": "x", "documents": [{"text": "x", "grade": "high"}]}', "the grade of document 1 is a string"),
        ('{"query": "x", "documents": [{"text": "x", "grade": true}]}', "the grade of document 1 is true or false"),
        ('{"query": "x", "documents": [{"text": " ", "grade": 1}]}', "the text of document 1 is empty"),
        ('{"query": "x", "documents": [{"grade": 1}]}', "it has no text"),
        (
            '{"query": "x", "documents": [{"text": "x", "grade": 0.5}]}',
            "the grade of document 1 is a number",
        ),
        ('{"query": "x", "query": "y", "documents": [{"text": "x", "grade": 1}]}', "the key query occurs twice"),
        ('{"query": "x", "documents": [{"id": 1, "text": "x"}, {"id": "1", "text": "y"}]}', "document 1 twice"),
    ],
)
def test_a_bad_line_is_named(line: str, says: str) -> None:
    (bad,) = read_judged_lines([line])
    assert isinstance(bad, BadLine)
    assert says in bad.reason


def test_bad_lines_are_skipped_and_nothing_else_is_lost(command: Any, tmp_path: Path) -> None:
    documents = [{"text": "berlin has inhabitants .", "grade": -1}, {"text": "paris", "grade": 1}, {"text": "museums"}]
    good = [json.dumps({"id": f"q{i}", "query": "berlin", "documents": documents}) for i in range(3)]
    code, said = command(stdin="\n".join([good[0], "nope", *good, ""]))
    assert code == 1
    assert "line 2 skipped: this is not JSON" in said
    assert "line 3 skipped: query q0 is there already" in said
    found = json.loads((tmp_path / "out" / AUDIT).read_text(encoding="utf-8"))
    assert [query["id"] for query in found["queries"]] == ["q0", "q1", "q2"]


def test_what_is_asked_of_a_number_decides_the_exit_code(command: Any, files: dict[str, Path], tmp_path: Path) -> None:
    assert command(*from_files(files), "--fail-under", "0.01")[0] == 0
    code, said = command(*from_files(files), "--fail-under", "1.1")
    assert code == 3
    assert "below --fail-under 1.1" in said
    stored = json.loads((tmp_path / "out" / AUDIT).read_text(encoding="utf-8"))
    for query in stored["queries"]:
        query["values"]["model"]["nDCG@10"] += 0.5
    better = tmp_path / "better.json"
    better.write_text(json.dumps(stored), encoding="utf-8")
    code, said = command(*from_files(files), "--against", str(better))
    assert code == 3
    assert "0 queries won, 3 lost, 0 tied" in said
    assert "not known to be of the same set" not in said
    better.write_text(json.dumps({**stored, "set_sha256": "other", "seed": 7}), encoding="utf-8")
    assert command(*from_files(files), "--against", str(better))[0] == 3
    notes = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))["notes"]
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ["not known to be of the same set" in notes[0], "had other seeds" in notes[1]] == [True, True]
    assert all(note in report for note in notes)
    for other, says in (
        (["--measure", "AP"], "The audits measure nDCG@10 and AP"),
        (["--unjudged", "0"], "made without --unjudged and with --unjudged 0"),
    ):
        code, said = command(*from_files(files), *other, "--against", str(better))
        assert code == 2
        assert says in said
        assert "candidates, a forward pass each" not in said, "refused before anything is scored"
    assert command(*from_files(files), "--against", str(tmp_path / "out" / AUDIT))[0] == 0
    better.write_text("[]", encoding="utf-8")
    code, said = command(*from_files(files), "--against", str(better))
    assert code == 2
    assert "is not the audit.json of an audit" in said


def test_two_models_are_compared(command: Any, files: dict[str, Path], tmp_path: Path, tiny_folder: Any) -> None:
    other = str(tiny_folder("ElectraForSequenceClassification"))
    assert command(*from_files(files), "--model", other)[0] == 0
    found = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    values = [json.loads((tmp_path / "out" / n / AUDIT).read_text(encoding="utf-8")) for n in ("1", "2")]
    first, second = ([query["values"]["model"]["nDCG@10"] for query in one["queries"]] for one in values)
    assert (found["won"], found["lost"]) == (
        sum(b > a + 1e-9 for a, b in zip(first, second, strict=True)),
        sum(b < a - 1e-9 for a, b in zip(first, second, strict=True)),
    )
    assert found["reversals"]
    for one in found["reversals"]:
        sides = one["first"]["difference"], one["second"]["difference"]
        assert [side > 0 for side in sides] == [one["right_in"] == "second", one["right_in"] == "first"]
    report = (tmp_path / "out" / "2" / "report.html").read_text(encoding="utf-8")
    assert f"{found['won']} won, {found['lost']} lost, {found['tied']} tied" in report
    assert "Beside" not in (tmp_path / "out" / "1" / "report.html").read_text(encoding="utf-8")


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
    assert "1 queries" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--run", "a"], "--run, --topics, --passages and --qrels go together"),
        (["--beir", "a", "--dataset", "b"], "--beir and --dataset are two judged sets"),
        (["--measure", "nonsense"], "ir-measures does not compute 'nonsense'"),
        (["--failures", "0"], "n_failures is 0"),
        (["--measure", "nDCG@0"], "its cutoff must be at least 1"),
        (["--measure", "nDCG@1e30"], "ir-measures does not compute 'nDCG@1e30'"),
        (["--fail-under", "nan"], "--fail-under is nan"),
        (["--split", "dev"], "--split is of --beir"),
        (["--link", "javascript:alert(1)"], "--link javascript:alert(1) is not the address of a page"),
        (["--output", __file__], "is a file. Give --output a folder"),
        (["--dataset", "no/such/set"], "ir_datasets has no set 'no/such/set'"),
        (["--beir", "/nowhere"], "/nowhere has no corpus.jsonl"),
        (["--top", "3"], "--top is of --run"),
        ([], "No query of the set has a grade"),
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
    for given, says in ((from_files(files), "not written by an audit"), (["--run", str(mine)], "--run")):
        code, said = command(*from_files(files), *given)
        assert (code, mine.read_bytes()) == (2, files["run"].read_bytes())
        assert says in said
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name], "nothing beside it"


def test_an_earlier_audit_does_not_stay_as_that_of_a_set_without_grades(
    command: Any, files: dict[str, Path], tmp_path: Path
) -> None:
    assert command(*from_files(files))[0] == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert command(*from_files(files), "--run", str(tmp_path / "out" / RUN))[0] == 2, "what is read is not written"
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == whole
    code, said = command(stdin="nope\n")
    assert code == 2
    assert f"what an earlier run found is in {tmp_path / 'out' / AUDIT}.before" in said
    lines = {SCORED, FAILURES}
    names = {name if name in lines else f"{name}.before": held for name, held in whole.items()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == names
