"""`rerank-lens audit`: files in, a folder out; cut off it goes on to the same bytes; bad input is named."""

from __future__ import annotations

import json
import re
import resource
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from attribution.audit.audit import audit
from attribution.batch import auditing
from attribution.batch.auditing import AUDIT, FAILURES, PAIRS, REPORT, RUN, SCORED
from attribution.batch.engines import run_local
from attribution.batch.judged import JudgedRow, read_judged_trec
from attribution.export import AUDIT_SCHEMA, plain
from attribution.rerankers.loading.load import load_reranker
from attribution.rerankers.reranker import Reranker
from tests.audit.conftest import GRADES, PASSAGES, QUERIES, from_files


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


def test_a_second_audit_into_the_folder_of_one_that_goes_on_is_refused(
    command: Any, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first is past its scores, too."""
    real, said = auditing.lifting_words, []

    def meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(auditing, "lifting_words", real)
        said.append(command(*from_files(files)))
        return real(*given)

    monkeypatch.setattr(auditing, "lifting_words", meanwhile)
    assert command(*from_files(files))[0] == 0
    ((code, err),) = said
    assert (code, f"{tmp_path / 'out' / SCORED} is being written by another run" in err) == (2, True)


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
        assert re.search(rf"error: {tmp_path}\S*: File too large\. ", said), "on which disk there is no room"
        assert "What was written stays; make room" in said
        assert {path.name for path in (tmp_path / "out").iterdir()} <= whole.keys(), "half of a file is left behind"
    assert command(*from_files(files))[0] == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == whole


def test_the_engine_asked_for_does_the_work(
    command: Any, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def distributed(rows: Any, job: Any, output: Any, *_given: Any, workers: int) -> int:
        asked.append((job.task, workers))
        return run_local(load_reranker(**job.loading), rows, job, output, lambda: None, lambda _bad: None)

    monkeypatch.setattr("attribution.batch.engines.run_distributed", distributed)
    assert command(*from_files(files), "--engine", "ray", "--workers", "3")[0] == 0
    assert asked == [("score", 3), ("failure", 3)]


def test_what_is_asked_of_a_number_decides_the_exit_code(command: Any, files: dict[str, Path], tmp_path: Path) -> None:
    assert command(*from_files(files), "--fail-under", "0.01")[0] == 0
    code, said = command(*from_files(files), "--fail-under", "1.1")
    assert code == 3
    assert re.search(r" is 0\.\d{5,6}, below --fail-under 1\.1", said), (
        "with more digits than the summary, which a limit may be of"
    )
    stored = json.loads((tmp_path / "out" / AUDIT).read_text(encoding="utf-8"))
    for query in stored["queries"]:
        query["values"]["model"]["nDCG@10"] += 0.5
    better = tmp_path / "better.json"
    better.write_text(json.dumps(stored), encoding="utf-8")
    code, said = command(*from_files(files), "--against", str(better))
    assert code == 3
    assert "queries: 0 won, 3 lost, 0 tied" in said
    assert "not known to be of the same set" not in said
    lower = json.loads(better.read_text(encoding="utf-8"))
    for query in lower["queries"]:
        query["values"]["model"]["nDCG@10"] -= 1.0
    worse = tmp_path / "worse.json"
    worse.write_text(json.dumps(lower), encoding="utf-8")
    code, said = command(*from_files(files), "--against", str(worse))
    assert (code, "queries: 3 won, 0 lost" in said) == (0, True)
    better.write_text(json.dumps({**stored, "set_sha256": "other", "seed": 7}), encoding="utf-8")
    assert command(*from_files(files), "--against", str(better))[0] == 3
    notes = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))["notes"]
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ["not known to be of the same set" in notes[0], "used different seeds" in notes[1]] == [True, True]
    assert all(note in report for note in notes)
    compared = (tmp_path / "out" / "comparison.json").read_bytes()
    _, said = command(*from_files(files))
    kept = tmp_path / "out" / "comparison.json.before"
    assert f"comparison.json is of an earlier run; it is kept as {kept}" in said
    assert (kept.read_bytes(), (tmp_path / "out" / "comparison.json").exists()) == (compared, False)
    for other, says in (
        (["--measure", "AP"], "The audits measure nDCG@10 and AP"),
        (["--unjudged", "0"], "made without --unjudged and with --unjudged 0"),
    ):
        code, said = command(*from_files(files), *other, "--against", str(better))
        assert code == 2
        assert says in said
        assert "candidates, a forward pass each" not in said, "refused before anything is scored"
    assert command(*from_files(files), "--against", str(tmp_path / "out" / AUDIT))[0] == 0
    damaged = [{**stored, "format": "rerank-lens pairs 1"}, {**stored, "queries": None}, {**stored, "queries": [{}]}]
    damaged += [{key: value for key, value in stored.items() if key != "model_id"}, {**stored, "queries": [None]}]
    for no_audit in ([], *damaged):
        better.write_text(json.dumps(no_audit), encoding="utf-8")
        code, said = command(*from_files(files), "--against", str(better))
        assert code == 2
        assert "candidates, a forward pass each" not in said, "refused before anything is scored"
        assert "is not the audit.json of an audit" in said


def test_grades_that_a_measure_refuses_are_named_before_anything_is_scored(command: Any) -> None:
    documents = [{"text": str(grade), "grade": grade} for grade in (0, 5)]
    code, said = command("--measure", "ERR@10", stdin=json.dumps({"query": "q", "documents": documents}))
    assert code == 2
    assert "could not compute ERR@10 of the grades [0, 5]: its program refuses them" in said
    assert "candidates, a forward pass each" not in said


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
    assert "<h2>Compared with" in report
    assert "Compared with" not in (tmp_path / "out" / "1" / "report.html").read_text(encoding="utf-8")


def test_what_was_cut_or_left_out_is_in_the_summary_the_file_and_the_report(
    command: Any, tmp_path: Path, tiny_bert: Reranker
) -> None:
    texts = ["berlin .", " ".join(["berlin museums"] * 9), " ".join(["paris"] * 20)]
    documents = [{"text": text, "grade": i % 2} for i, text in enumerate(texts)]
    lines = [{"query": "berlin", "documents": documents}, {"query": "paris", "documents": []}]
    code, said = command("--max-length", "16", stdin="\n".join(map(json.dumps, lines)))
    assert code == 1
    notes = json.loads((tmp_path / "out" / AUDIT).read_text(encoding="utf-8"))["notes"]
    assert [note.rsplit(" ", 1) for note in notes] == [
        ["Lines or documents of the input that could not be read or scored, and are left out:", "1."],
        ["Candidates that the model read in part only, since the pair is longer than its limit:", "2."],
    ]
    report = (tmp_path / "out" / REPORT).read_text(encoding="utf-8")
    assert all(note in said and note in report for note in notes)
