"""A file of answers is gone on with by the same task, model, methods and settings, and by nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from attribution.batch.jobs import Job, answer
from attribution.batch.output import reopen
from attribution.batch.rows import Row
from attribution.errors import InputError
from attribution.rerankers.reranker import Reranker

PAIR = Row("pair", 1, "berlin", ("paris is the capital",))
LIST = Row("list", 1, "berlin", ("museums in paris", "berlin has inhabitants", "the capital"), ("a", "b", "c"))
JOBS = {
    "explain": Job("explain", ("occlusion",), {}),
    "evaluate": Job("evaluate", ("occlusion", "saliency"), {}, operator="delete"),
    "rank": Job("rank", ("integrated_gradients",), {}, loading={"max_length": 32, "label": None}),
}
SAID = {  # of each job, in a refusal
    "explain": "explain occlusion by m (r) as it is",
    "evaluate": 'evaluate occlusion saliency by m (r) with {"operator": "delete"}',
    "rank": 'rank by m (r) with {"max_length": 32}',
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
    others = [replace(row, query="another"), replace(row, documents=row.documents[::-1])]
    for other in others[: len(row.documents)]:
        with pytest.raises(InputError, match=f"id {row.id} has already been written for another text"):
            out.has(other)
    out.write(replace(row, id="new"), {"id": "new"})
    assert [json.loads(line)["id"] for line in path.read_bytes().splitlines()] == [row.id, "new"]


@pytest.mark.parametrize("task", JOBS)
def test_another_job_is_refused_and_told_what_the_file_holds(task: str, tmp_path: Path, tiny_bert: Reranker) -> None:
    path = tmp_path / "out.jsonl"
    write(path, task, tiny_bert)
    job = JOBS[task]
    others = {other: (JOBS[other], "m", "r") for other in JOBS if other != task}
    said = {other: SAID[other] for other in others}
    others |= {"model": (job, "n", "r"), "revision": (job, "m", "s")}
    said |= {"model": SAID[task].replace("by m", "by n"), "revision": SAID[task].replace("(r)", "(s)")}
    if task != "rank":
        others["methods"] = (replace(job, methods=("smoothgrad",)), "m", "r")
        said["methods"] = SAID[task].replace("occlusion saliency", "occlusion").replace("occlusion", "smoothgrad")
    others["settings"] = (replace(job, loading={**job.loading, "template": "monot5"}), "m", "r")
    said["settings"] = f"{SAID[task].partition(' (r) ')[0]} (r) with "
    for name, (wants, model_id, revision) in others.items():
        with pytest.raises(InputError) as refused:
            reopen(path, wants, model_id, revision)
        assert str(refused.value).startswith(f"{path} was written with {SAID[task]}, not {said[name]}"), name
        assert str(refused.value).endswith(". Give another --output.")


def test_the_control_is_measured_with_any_method_and_the_order_of_methods_is_nothing(
    tmp_path: Path, tiny_bert: Reranker
) -> None:
    row = write(tmp_path / "out.jsonl", "evaluate", tiny_bert)
    same: list[tuple[str, ...]] = [("saliency", "occlusion"), ("embedding_magnitude", "occlusion", "saliency")]
    for methods in same:
        assert reopen(tmp_path / "out.jsonl", replace(JOBS["evaluate"], methods=methods), "m", "r").has(row)
    others: list[tuple[str, ...]] = [("occlusion",), ("occlusion", "saliency", "smoothgrad"), ("embedding_magnitude",)]
    for methods in others:
        with pytest.raises(InputError, match="was written with evaluate occlusion saliency by m"):
            reopen(tmp_path / "out.jsonl", replace(JOBS["evaluate"], methods=methods), "m", "r")


def test_ranked_documents_keep_their_ids(tiny_bert: Reranker) -> None:
    said = answer(tiny_bert, LIST, JOBS["rank"])
    assert [place["document"] for place in said["rows"]] != list(LIST.documents), "another order, else this says little"
    names = dict(zip(LIST.documents, LIST.document_ids, strict=True))
    assert [place["document_id"] for place in said["rows"]] == [names[place["document"]] for place in said["rows"]]
    nameless = answer(tiny_bert, replace(LIST, document_ids=()), JOBS["rank"])
    assert all("document_id" not in place for place in nameless["rows"])
    assert (said["id"], said["settings"]) == ("list", {"max_length": 32})
