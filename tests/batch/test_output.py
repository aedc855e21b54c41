"""A file of answers is gone on with by the same task, model, methods and settings, and by nothing else."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

from attribution.batch.jobs import Job, answer
from attribution.batch.resume import reopen
from attribution.batch.rows import Row
from attribution.errors import InputError
from attribution.rerankers.reranker import Reranker

PAIR = Row("pair", 1, "berlin", ("paris is the capital",))
LIST = Row("list", 1, "berlin", ("museums in paris", "berlin has inhabitants", "the capital"), ("a", "b", "c"))
JOBS = {
    "explain": Job("explain", ("occlusion",), {}),
    "evaluate": Job("evaluate", ("occlusion", "saliency"), {}, operator="delete"),
    "sentences": Job("sentences", ("integrated_gradients",), {}, operator="delete"),
    "rank": Job("rank", ("integrated_gradients",), {}, loading={"max_length": 32, "label": None}),
}


def write(path: Path, task: str, reranker: Reranker) -> Row:
    """One answer of the model called m in revision r; returns its row."""
    row = LIST if task == "rank" else PAIR
    said = {**answer(reranker, row, JOBS[task]), "model_id": "m", "revision": "r"}
    out = reopen(path, JOBS[task], "m", "r")
    assert not out.has(row)
    out.write(row, said)
    out.stream.close()
    return row


@pytest.mark.parametrize("task", JOBS)
def test_the_same_job_goes_on(task: str, tmp_path: Path, tiny_bert: Reranker) -> None:
    path = tmp_path / "out.jsonl"
    row = write(path, task, tiny_bert)
    written = path.read_bytes()
    path.write_bytes(written + written[:-1])  # whole, but for the end of its line
    out = reopen(path, JOBS[task], "m", "r")
    assert path.read_bytes() == written
    assert out.has(row)
    assert not out.has(replace(row, id="another"))
    others = {"query": replace(row, query="another"), "text": replace(row, documents=("another",))}
    for what, other in others.items():
        with pytest.raises(InputError, match=f"id {row.id} has already been written for another {what}"):
            out.has(other)
    out.write(replace(row, id="new"), {"id": "new"})
    assert [json.loads(line)["id"] for line in path.read_bytes().splitlines()] == [row.id, "new"]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_two_runs_do_not_write_one_file_at_the_same_time(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    first = reopen(path, JOBS["rank"], "m", "r")
    with pytest.raises(InputError, match=f"^{path} is being written by another run. Wait until that ends, or give"):
        reopen(path, JOBS["rank"], "m", "r")
    said = {"format": "rerank-lens rank 1", "id": "pair", "query": "", "rows": [], "model_id": "m", "revision": "r"}
    first.write(PAIR, {**said, "settings": JOBS["rank"].settings})
    with pytest.raises(InputError, match="is being written by another run"):
        reopen(path, JOBS["rank"], "m", "r")
    first.stream.close()
    assert reopen(path, JOBS["rank"], "m", "r").done.keys() == {"pair"}


def test_a_disk_without_locks_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_given: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    out = reopen(tmp_path / "out.jsonl", JOBS["rank"], "m", "r")
    out.write(PAIR, {"id": "pair"})
    assert json.loads((tmp_path / "out.jsonl").read_bytes()) == {"id": "pair"}


@pytest.mark.parametrize("instead", [None, "theirs"])
def test_answers_into_a_file_that_is_no_longer_there_are_not_lost_in_silence(
    instead: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "out.jsonl"
    out = reopen(path, JOBS["rank"], "m", "r")
    out.write(LIST, {"id": "list"})
    path.unlink()
    if instead:
        path.write_text(instead, encoding="utf-8")
    with pytest.raises(InputError, match=f"^{path} was moved, removed or replaced while it was written"):
        out.write(PAIR, {"id": "pair"})
    assert (path.read_text(encoding="utf-8") if path.exists() else None) == instead


@pytest.mark.parametrize("task", JOBS)
def test_another_job_is_refused_and_told_what_the_file_holds(task: str, tmp_path: Path, tiny_bert: Reranker) -> None:
    path = tmp_path / "out.jsonl"
    write(path, task, tiny_bert)
    job = JOBS[task]
    methods = " ".join(sorted({*job.methods, *["embedding_magnitude"] * (task == "evaluate")}))
    others: dict[str, tuple[Job, str, str]] = {
        f"format rerank-lens {task} 1, not format rerank-lens {other} 1": (JOBS[other], "m", "r")
        for other in JOBS
        if other != task
    }
    others |= {"model m, not model n": (job, "n", "r"), "revision r, not revision s": (job, "m", "s")}
    if task in ("explain", "evaluate"):
        with_control = "embedding_magnitude smoothgrad" if task == "evaluate" else "smoothgrad"
        others[f"method {methods}, not method {with_control}"] = (replace(job, methods=("smoothgrad",)), "m", "r")
    template = replace(job, loading={**job.loading, "template": "monot5"})
    others["the template left as it is, not template monot5"] = (template, "m", "r")
    written = path.read_bytes()
    for says, (wants, model_id, revision) in others.items():
        with pytest.raises(InputError) as refused:
            reopen(path, wants, model_id, revision)
        assert str(refused.value) == f"{path} was written with {says}. Give another --output."
    both = replace(template, loading={"max_length": 64, "template": "monot5"})
    with pytest.raises(InputError, match="and the template left as it is" if task == "rank" else "max_length left"):
        reopen(path, both, "m", "r")
    assert path.read_bytes() == written


def test_the_control_is_measured_with_any_method_and_the_order_of_methods_is_nothing(
    tmp_path: Path, tiny_bert: Reranker
) -> None:
    row = write(tmp_path / "out.jsonl", "evaluate", tiny_bert)
    same: list[tuple[str, ...]] = [("saliency", "occlusion"), ("embedding_magnitude", "occlusion", "saliency")]
    for methods in same:
        assert reopen(tmp_path / "out.jsonl", replace(JOBS["evaluate"], methods=methods), "m", "r").has(row)
    others: list[tuple[str, ...]] = [("occlusion",), ("occlusion", "saliency", "smoothgrad"), ("embedding_magnitude",)]
    for methods in others:
        with pytest.raises(
            InputError, match="was written with method embedding_magnitude occlusion saliency, not method embedding_"
        ):
            reopen(tmp_path / "out.jsonl", replace(JOBS["evaluate"], methods=methods), "m", "r")


def test_ranked_documents_keep_their_ids(tiny_bert: Reranker) -> None:
    said = answer(tiny_bert, LIST, JOBS["rank"])
    assert [place["document"] for place in said["rows"]] != list(LIST.documents), "another order, else this says little"
    names = dict(zip(LIST.documents, LIST.document_ids, strict=True))
    assert [place["document_id"] for place in said["rows"]] == [names[place["document"]] for place in said["rows"]]
    nameless = answer(tiny_bert, replace(LIST, document_ids=()), JOBS["rank"])
    assert all("document_id" not in place for place in nameless["rows"])
    assert (said["id"], said["settings"]) == ("list", {"max_length": 32})
