"""`load_reranker`: a checkpoint from the project, a folder or the Hub, tested before it explains anything."""

import dataclasses
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import Any

import torch

from attribution.errors import ModelError, OptionError, shown
from attribution.rerankers.hooks import EmbeddingAdapter, only_first, with_autograd
from attribution.rerankers.loading.checks import precision_note, read_model, self_test, unloadable
from attribution.rerankers.loading.files import Stamp, check_pointers, fingerprint, judge, names_in, stamp, stored_bytes
from attribution.rerankers.loading.hub import OnBytes, cache_note, cached, fetch
from attribution.rerankers.loading.models import MODELS, advice, place_of
from attribution.rerankers.loading.sentence_transformers import length_note, read_settings
from attribution.rerankers.memory import Loaded, check_room
from attribution.rerankers.reranker import Reranker

TAKES = {"max_length": "a whole number", "label": "a text or a whole number"}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

_kept = Loaded()
_stamps: dict[tuple[Any, ...], Stamp | None] = {}  # of the folder, when it was loaded: saved again, it is another model
load_lock = threading.Lock()  # one model at a time goes into memory; downloads run beside each other
_turns: dict[tuple[Any, ...], threading.Lock] = {}  # what two visitors ask for is loaded once


@with_autograd
def load_reranker(
    model_id: str | Path | None = None,
    *,
    revision: str | None = None,
    device: str | None = None,
    max_length: int | None = None,
    label: str | int | None = None,
    template: str | None = None,
    dtype: str | None = None,
    on_bytes: OnBytes | None = None,
) -> Reranker:
    """Load once and keep. `model_id`: a key of `MODELS`, a folder or a Hub id, also "id@revision"; None: the default.

    `device`: cpu, cuda, cuda:1, mps; None: CUDA or MPS where there is one, else the CPU. `dtype`: float32, or bfloat16,
    which takes half the memory and says so in every result; None: by RERANKER_DTYPE, else float32.
    `max_length`: tokens of a pair, None: as the checkpoint says. `label`: which of several is the score. `template`: a
    key of `TEMPLATES`, for language models whose files name no prompt. `on_bytes(done, total)` hears of a download.
    Raises `ModelError` when the checkpoint is missing, not of a supported family, or fails the self-test, and
    `OptionError`.
    """
    if model_id is not None and not (isinstance(model_id, (str, Path)) and str(model_id).strip()):
        raise ModelError(f"The model is {model_id!r}. {advice()}")
    model_id = default_model() if model_id is None else str(model_id)
    try:
        Path(model_id).expanduser().exists()
    except (OSError, RuntimeError) as error:  # a name longer than any path; ~ of a user that is not there
        said = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"The model {shown(model_id)} can be no path: {said}. {advice()}") from None
    given = {"revision": revision, "max_length": max_length, "label": label, "template": template, "dtype": dtype}
    for name, value in given.items():
        if not isinstance(value, str | Real | None):
            raise OptionError(f"{name} is {shown(value)}; it must be {TAKES.get(name, 'a text')}, or None.")
    if not (on_bytes is None or callable(on_bytes)):
        raise OptionError(f"on_bytes is {shown(on_bytes)}; it must be a function of two numbers, or None.")
    options = {"max_length": max_length, "label": label, "template": template}
    device, dtype = choose_device(device), choose_dtype(dtype)
    key = (model_id, revision, device, dtype, *options.values())
    if reranker := _found(key):  # never wait behind another visitor's download
        return reranker
    with turn(key, on_bytes):
        if reranker := _found(key):
            return reranker
        try:
            return _load_and_keep(key, on_bytes, options)
        except ModelError as error:
            if reranker := _kept.get(key):
                return _as_it_was(reranker, f"What its folder holds now is not used: {error}")
            raise


def _load_and_keep(key: tuple[Any, ...], on_bytes: OnBytes | None, options: dict[str, Any]) -> Reranker:
    model_id, revision, device, dtype, *_ = key
    place, asked = place_of(model_id, revision)
    as_it_was = stamp(place)
    folder, commit = _locate(model_id, place, asked, on_bytes, dtype)
    with load_lock:
        reranker = _load(model_id, folder, commit, device, dtype, options)
        _kept.put(key, reranker)
        _stamps[key] = as_it_was
    return reranker


def _found(key: tuple[Any, ...]) -> Reranker | None:
    """What is in memory under `key`, unless its folder has been written to since; of a folder that is gone it stays."""
    reranker = _kept.get(key)
    if reranker is None:
        return None
    now, then = stamp(place_of(key[0])[0]), _stamps.get(key)
    if now is None and then is not None:
        return _as_it_was(reranker, "Its folder is gone.")
    return reranker if now == then else None


def _as_it_was(reranker: Reranker, since: str) -> Reranker:
    """What is in memory of files that are not there any more, or are others now and refused; every result says so."""
    note = f"These scores are of the files as they were when the model was loaded, {reranker.revision}. {since}"
    return dataclasses.replace(reranker, precision=" ".join(filter(None, (reranker.precision, note))))


@contextmanager
def turn(key: tuple[Any, ...], on_bytes: OnBytes | None) -> Iterator[None]:
    """One caller at a time for each key; who waits hears of it, and may give up by raising."""
    lock = _turns.setdefault(key, threading.Lock())
    while not lock.acquire(timeout=0.2):
        if on_bytes:
            on_bytes(0, 0)
    try:
        yield
    finally:
        lock.release()


def in_memory(model_id: str) -> Reranker | None:
    """The reranker if `load_reranker(model_id)` would find it loaded; nothing is waited for."""
    return _found((model_id, None, choose_device(None), choose_dtype(None), None, None, None))


def default_model() -> str:
    """The first of `MODELS` that is on disk: no page waits for a download before it opens."""
    return next(key for key in MODELS if on_disk(key))


def on_disk(model_id: str) -> bool:
    """Whether a key of `MODELS` can be loaded without asking the Hub."""
    place, revision = place_of(model_id)
    return Path(place).expanduser().is_dir() or cached(place, revision) is not None


def choose_device(device: str | None) -> str:
    """`device` if this machine has it; None: CUDA, else MPS, else CPU. Raises `ModelError`."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device is None:
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    kind, _, number = str(device).partition(":")
    known = kind in there and (not number or number.isdecimal())
    if not known or not there[kind] or (kind == "cuda" and int(number or 0) >= torch.cuda.device_count()):
        valid = ", ".join(name for name, found in there.items() if found)
        raise ModelError(f"There is no device {device!r} on this machine. Valid: {valid}.")
    return str(device)


def choose_dtype(dtype: str | None) -> str:
    """`dtype`, else what RERANKER_DTYPE says, else float32. Raises `OptionError`."""
    chosen = dtype or os.environ.get("RERANKER_DTYPE") or "float32"
    if chosen not in DTYPES:
        name = "dtype" if dtype else "The environment variable RERANKER_DTYPE"
        raise OptionError(f"{name} is {chosen!r}; it must be one of {', '.join(DTYPES)}.")
    return chosen


def _locate(model_id: str, place: str, revision: str | None, on_bytes: OnBytes | None, dtype: str) -> tuple[Path, str]:
    """A checkpoint's folder on disk, and its revision. Raises `ModelError`."""
    folder = Path(place).expanduser()
    if folder.is_file():
        raise ModelError(f"{model_id} is a file. Give the folder it is in, with config.json and the tokenizer's files.")
    if not folder.is_dir():
        folder = fetch(place, revision, on_bytes, dtype)
        return folder, folder.name
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ModelError(f"{model_id} is a folder that this user may not read. Change its permissions (chmod a+rX).")
    if revision:
        raise ModelError(
            f"{model_id} is a folder, which has no revisions: {revision!r} cannot be found in it. Leave revision out; "
            "what is loaded then has a hash of the folder's files as its revision."
        )
    try:
        return folder, fingerprint(folder)
    except OSError as error:
        raise unloadable(model_id, error) from error


def _load(model_id: str, folder: Path, revision: str, device: str, dtype: str, options: dict[str, Any]) -> Reranker:
    names = names_in(folder)
    config = judge(model_id, names, lambda name: (folder / name).read_bytes())
    check_pointers(model_id, folder, names)
    size = stored_bytes(config, {name: (folder / name).stat().st_size for name in names}, dtype)
    _kept.make_room(size)
    check_room(model_id, size, dtype)
    family, model, tokenizer = read_model(model_id, folder, names, DTYPES[dtype])
    row = MODELS.get(model_id)
    if row and options["template"] is None:
        options = options | {"template": row.template}
    settings, max_length = read_settings(folder, family, model.config, tokenizer, model_id, **options)
    if family.pad_left and model.config.pad_token_id is None:
        model.config.pad_token_id = -1  # no token's id: the last position is read, in a batch as in a single row
    model.eval().requires_grad_(False).to(device)
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()  # out of the file: cutting a file that is mapped would end this process
    adapter = EmbeddingAdapter(
        {"word": model.get_submodule(family.word_embeddings), "block": model.get_submodule(family.embeddings)}
    )
    if family.layers:
        only_first(model, family.layers)
    reranker = Reranker(
        model_id=model_id,
        revision=revision,
        model=model,
        tokenizer=tokenizer,
        family=family,
        adapter=adapter,
        max_length=max_length,
        device=torch.device(device),
        settings=settings,
    )
    named = str(config.get("dtype") or config.get("torch_dtype"))
    notes = (precision_note(reranker, named), length_note(model.config, tokenizer, max_length), cache_note(folder))
    self_test(reranker)
    return dataclasses.replace(reranker, precision=" ".join(filter(None, notes)))
