"""Lines written so far: a run that was cut off goes on where it ended, and nothing is written twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from attribution.batch.jobs import Job
from attribution.batch.rows import Row
from attribution.errors import InputError
from attribution.evidence.faithfulness.measure import CONTROL
from attribution.export import dumps

WRITTEN_OTHERWISE = "id {id} has already been written for another text; give every line an id of its own"


@dataclass
class Output:
    """An open stream of JSON lines; `done`: id -> digest of the texts answered under it."""

    stream: IO[bytes]
    done: dict[str, str] = field(default_factory=dict)

    def has(self, row: Row) -> bool:
        """Whether the row is answered already. Raises `InputError` when its id stands for another text."""
        digest = self.done.get(row.id)
        if digest is not None and digest != _digest(row.query, row.documents):
            raise InputError(WRITTEN_OTHERWISE.format(id=row.id))
        return digest is not None

    def write(self, row: Row, answer: dict[str, Any]) -> None:
        """One line, out of our hands before the next row begins."""
        self.stream.write(f"{dumps(answer)}\n".encode())
        self.stream.flush()
        self.claim(row)

    def claim(self, row: Row) -> None:
        """From now on the row's id stands for its texts."""
        self.done[row.id] = _digest(row.query, row.documents)


def reopen(path: Path, job: Job, model_id: str, revision: str) -> Output:
    """`path` to write on: what it holds counts as done, a torn last line is cut off.

    Raises `InputError` when it was written by another task, model or method, or with other settings.
    """
    done: dict[str, str] = {}
    path.touch()
    with path.open("rb+") as old:
        whole = 0
        for number, line in enumerate(old, start=1):
            if not line.endswith(b"\n"):
                break
            entry = _entry(line, path, number)
            _check_same(entry, path, job, model_id, revision)
            done[entry["id"]] = _digest_of(entry, job.task)
            whole += len(line)
        old.truncate(whole)
    return Output(path.open("ab"), done)


def _entry(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
        return {"id": entry["id"], **entry}
    except (ValueError, TypeError, KeyError):
        raise InputError(f"Line {number} of {path} was not written by this program. Give another --output.") from None


def _check_same(entry: dict[str, Any], path: Path, job: Job, model_id: str, revision: str) -> None:
    """The lines of one file are of one task, one model, the same methods and the same settings."""
    wrote = (_task_of(entry), entry.get("model_id"), entry.get("revision"), _methods_of(entry, job), _settings(entry))
    wants = (job.task, model_id, revision, job.methods if job.task != "rank" else (), job.settings)
    if wrote != wants:
        raise InputError(f"{path} was written with {_say(wrote)}, not {_say(wants)}. Give another --output.")


def _task_of(entry: dict[str, Any]) -> str:
    return "rank" if "rows" in entry else "explain" if "tokens" in entry else "evaluate"


def _methods_of(entry: dict[str, Any], job: Job) -> tuple[str, ...]:
    if "tokens" in entry:
        return (entry["requested_method"],)
    measured = tuple(key for key in entry.get("methods", {}) if key != CONTROL)  # which is measured with any
    same = "methods" in entry and {*measured, CONTROL} == {*job.methods, CONTROL}
    return job.methods if same else measured


def _settings(entry: dict[str, Any]) -> Any:
    return entry.get("settings", {})


def _say(kind: tuple[Any, ...]) -> str:
    task, model, revision, methods, settings = kind
    return " ".join([task, *methods, f"by {model} ({revision})", f"with {dumps(settings)}" if settings else "as it is"])


def _digest_of(entry: dict[str, Any], task: str) -> str:
    if task != "rank":
        return _digest(entry["query"], (entry["document"],))
    given = sorted(entry["rows"], key=lambda place: place["place"])
    return _digest(entry["query"], tuple(place["document"] for place in given))


def _digest(query: str, documents: tuple[str, ...]) -> str:
    return hashlib.blake2b(json.dumps([query, *documents]).encode(), digest_size=12).hexdigest()
