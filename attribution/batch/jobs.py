"""What is done with a row: one function a task, from a reranker and a row to the lines of its answer."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from attribution.audit.failures import inversion_of
from attribution.audit.reading import read_inversion
from attribution.batch.rows import Row
from attribution.errors import InputError, OptionError, check_key
from attribution.evidence.compare.contrast import rank
from attribution.evidence.faithfulness.measure import measure
from attribution.evidence.sentences import sentences
from attribution.explain import check_options, explain
from attribution.export import answer_of, plain, sentences_to_dict
from attribution.rerankers.reranker import Reranker
from attribution.types import CAPPED, OPERATORS, step_cap

RowAnswer = dict[str, Any]
FORMAT = "rerank-lens {task} 1"  # the first field of every line, by which a file is known as ours
OUT_OF_MEMORY = re.compile("out of memory|can't allocate memory")  # torch's, of a GPU and of the CPU
CUT = "The model read a text in part only: the pair is longer than its limit."
OF_MODEL = ("model_id", "revision")  # every answer has them as fields of its own


@dataclass(frozen=True)
class Job:
    """The same for every row: the task, the methods, their options, and how `evaluate` and `sentences` remove words.

    `loading`: what `load_reranker` is given. `top`: how many passages of a run are ranked.
    """

    task: str
    methods: tuple[str, ...]
    options: Mapping[str, Any]
    operator: str = "mask"
    loading: Mapping[str, Any] = field(default_factory=dict)
    top: int | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Everything but task, model and methods that an answer depends on; defaults are left out."""
        given = {name: value for name, value in self.loading.items() if name not in OF_MODEL and value is not None}
        given |= {"operator": self.operator} if self.task in ("evaluate", "sentences") else {}
        given |= {"top": self.top} if self.task == "rank" and self.top else {}
        return given if self.task == "rank" else {**given, **self.options}

    def check(self) -> None:
        """Raises `OptionError` before a model is loaded."""
        if self.task == "explain" and len(self.methods) != 1:
            raise OptionError(f"explain takes one --method; {len(self.methods)} were given. Run it once for each.")
        for method in self.methods:
            check_options(method, dict(self.options))
        check_key("operator", self.operator, OPERATORS)


def explain_row(reranker: Reranker, row: Row, job: Job) -> RowAnswer:
    """One explanation, as `explanation.schema.json` has it."""
    return plain(explain(reranker, row.query, row.documents[0], job.methods[0], **job.options))


def rank_row(reranker: Reranker, row: Row, job: Job) -> RowAnswer:  # noqa: ARG001 - one signature for all tasks
    """The documents by their logit, best first; `place` counts them as given, from 1."""
    ranked: RowAnswer = plain(rank(reranker, row.query, row.documents))
    for place in ranked["rows"] if row.document_ids else ():
        place["document_id"] = row.document_ids[place["place"] - 1]
    return ranked


def evaluate_row(reranker: Reranker, row: Row, job: Job) -> RowAnswer:
    """Comprehensiveness and sufficiency of every method on the pair, beside random orders of the same words.

    `notes` say of a method what its explanation would: another one ran in its place, or the step cap was hit.
    """
    done = {key: explain(reranker, row.query, row.documents[0], key, **job.options) for key in job.methods}
    measured = plain(measure(reranker, done, operator=job.operator))
    every = list(done.values())
    about = {"model_id": reranker.model_id, "revision": reranker.revision, "truncated": every[0].truncated}
    notes = [*filter(None, (one.note for one in every)), *step_cap(*every)]
    return {"query": row.query, "document": row.documents[0], **measured, **about, "notes": notes}


def score_row(reranker: Reranker, row: Row, job: Job) -> RowAnswer:
    """As `rank_row`, without the time it took, so that every run gives the same bytes."""
    return {name: held for name, held in rank_row(reranker, row, job).items() if name not in ("n_forward", "seconds")}


def failure_row(reranker: Reranker, row: Row, job: Job) -> RowAnswer:
    """What is found in the texts of an audit's failure, which is the row's document, as JSON."""
    found: RowAnswer = plain(read_inversion(reranker, inversion_of(json.loads(row.documents[0])), job.options["seed"]))
    about = {"model_id": reranker.model_id, "revision": reranker.revision}
    return {"query": row.query, "document": row.documents[0], **about, **found}


def sentences_row(reranker: Reranker, row: Row, job: Job) -> RowAnswer:
    """What each of the document's sentences does to the score, as `sentences.schema.json` has it."""
    return sentences_to_dict(sentences(reranker, row.query, row.documents[0], operator=job.operator))


TASKS: dict[str, Callable[[Reranker, Row, Job], RowAnswer]] = {
    "explain": explain_row,
    "rank": rank_row,
    "evaluate": evaluate_row,
    "score": score_row,
    "failure": failure_row,
    "sentences": sentences_row,
}


def answer(reranker: Reranker, row: Row, job: Job) -> RowAnswer:
    """The row's answer, its format and id first and the job's settings last.

    Raises `AttributionError` where it cannot be worked on, or the machine has not the memory for it.
    """
    try:
        said = answer_of(TASKS[job.task](reranker, row, job), reranker.notes)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not OUT_OF_MEMORY.search(str(error)):
            raise
        raise InputError("it needs more memory than this machine has left; shorten it, or give --max-length") from error
    return {"format": FORMAT.format(task=job.task), "id": row.id, **said, "settings": job.settings}


def to_know(answer: Mapping[str, Any]) -> list[str]:
    """What an answer says of itself: notes, that another method ran, that the step cap was hit, that a text was cut."""
    cut = any(one.get("truncated") for one in (answer, *answer.get("rows", ())))
    capped = any(path["capped"] for path in answer.get("paths", ()))
    own = [answer["note"]] if answer.get("note") else []
    return [*answer.get("notes", ()), *own, *[CAPPED] * capped, *[CUT] * cut]
