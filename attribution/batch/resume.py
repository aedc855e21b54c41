"""A file that holds answers already: a run that was cut off goes on where it ended, and no file of others is touched.

It is known as ours by the first field of its lines, `{"format": "rerank-lens <task> 1"`.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from attribution.batch.jobs import FORMAT, Job
from attribution.batch.lines import GZIP
from attribution.batch.output import Digests, Output, digest, digests
from attribution.errors import InputError
from attribution.evidence.faithfulness.measure import CONTROL
from attribution.export import dumps

START = b'{"format": "rerank-lens '
CHUNK = 65_536  # bytes read at a time
Facts = dict[str, Any]  # what all lines of a file have in common, by name


def reopen(path: Path, job: Job, model_id: str, revision: str) -> Output:
    """`path` to write on: what it holds counts as done, a torn last line is cut off. It need not be there yet.

    Raises `InputError`, and leaves the file as it is, when something else wrote it, or another task, model or method,
    or other settings, or when another run writes it now.
    """
    packed = path.suffix.lower() == ".gz"
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give --output a file in it.")
    if path.exists() and not path.is_file():  # a pipe or a device: nothing to go on with
        return Output(path.open("wb", buffering=0), packed=packed)
    done: dict[str, Digests] = {}
    whole = 0
    with ExitStack() as undone:
        stream = undone.enter_context(path.open("ab", buffering=0))
        _claim(stream, path)
        for number, (line, end) in enumerate(_members(path) if packed else _lines(path), start=1):
            entry = _entry(line, path, number)
            _check_same(entry, path, job, model_id, revision)
            done[entry["id"]] = _digests_of(entry)
            whole = end
        _check_torn(path, whole, packed)
        stream.truncate(whole)
        undone.pop_all()
    return Output(stream, done, packed, path=path)


def _claim(stream: IO[bytes], path: Path) -> None:
    """The file is this run's alone until the stream is closed, or the process dies.

    Raises `InputError` where another run writes it. Where the system has no such lock (Windows, some network disks),
    runs at the same time are not told of each other.
    """
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{path} is being written by another run. Wait until that ends, or give another --output."
            ) from None
        except OSError:
            return


def _lines(path: Path) -> Iterator[tuple[bytes, int]]:
    """Every whole line, and where it ends in the file."""
    end = 0
    with path.open("rb") as file:
        for line in file:
            end += len(line)
            if line.endswith(b"\n"):
                yield line, end


def _members(path: Path) -> Iterator[tuple[bytes, int]]:
    """Every line of the whole gzip members, and where its member ends in the file. Raises `InputError`."""
    with path.open("rb") as file:
        data = file.read(CHUNK)
        while data:
            member, held = zlib.decompressobj(wbits=31), b""
            while data and not member.eof:
                try:
                    held += member.decompress(data)
                except zlib.error:
                    raise InputError(f"{path} is not gzip, or is damaged. Give another --output.") from None
                data = member.unused_data if member.eof else file.read(CHUNK)
            if not member.eof:
                return
            data = data or file.read(CHUNK)
            end = file.tell() - len(data)
            yield from ((line, end) for line in held.splitlines(keepends=True))


def _check_torn(path: Path, whole: int, packed: bool) -> None:
    """Raises `InputError` unless what follows the last whole line is the beginning of another of ours."""
    with path.open("rb") as file:
        file.seek(whole)
        torn = file.read(CHUNK)
    held = torn
    if packed and torn:
        member = zlib.decompressobj(wbits=31)
        held = member.decompress(torn)
        if (member.eof and not held) or (whole and GZIP.startswith(torn[:2])):
            return  # gzip of nothing, or a member after ours
    if torn and not (START.startswith(held[: len(START)]) and (whole or len(held) >= len(START))):
        raise InputError(f"{path} ends with something that this program did not write. Give another --output.")


def _entry(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
        if not line.startswith(START) or not isinstance(entry["id"], str):
            raise ValueError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError(f"Line {number} of {path} was not written by this program. Give another --output.") from None
    return entry


def _check_same(entry: dict[str, Any], path: Path, job: Job, model_id: str, revision: str) -> None:
    """The lines of one file are of one task, one model, the same methods and the same settings."""
    methods = {"evaluate": {*job.methods, CONTROL}, "explain": set(job.methods)}.get(job.task, set())
    wants = _facts(FORMAT.format(task=job.task), methods, model_id, revision, job.settings)
    measured = {entry["requested_method"]} if "requested_method" in entry else set(entry.get("methods", ()))
    wrote = _facts(entry["format"], measured, entry.get("model_id"), entry.get("revision"), entry.get("settings", {}))
    names = [name for name in {**wrote, **wants} if wrote.get(name) != wants.get(name)]
    if names:
        names = names[:1] if names[0] == "format" else names  # of another task everything differs
        differs = " and ".join(f"{_say(name, wrote)}, not {_say(name, wants)}" for name in names)
        raise InputError(f"{path} was written with {differs}. Give another --output.")


def _facts(form: str, methods: set[str], model_id: Any, revision: Any, settings: Mapping[str, Any]) -> Facts:
    own = {"method": " ".join(sorted(methods))} if methods else {}
    return {"format": form, **own, "model": model_id, "revision": revision, **settings}


def _say(name: str, facts: Facts) -> str:
    if name not in facts:
        return f"the {name} left as it is"
    value = facts[name]
    return f"{name} {value if isinstance(value, str) else dumps(value)}"


def _digests_of(entry: dict[str, Any]) -> Digests:
    if "shares" in entry:
        return digest([""]), entry["texts_sha256"], ""
    if "rows" not in entry:
        return digest([entry["query"]]), digest([entry["document"]]), ""
    given = sorted(entry["rows"], key=lambda place: place["place"])
    ids = [place["document_id"] for place in given if "document_id" in place]
    return digests(entry["query"], [place["document"] for place in given], ids)
