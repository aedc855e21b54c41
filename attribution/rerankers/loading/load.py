"""`load_reranker`: a checkpoint from the project, a folder or the Hub, tested before it explains anything."""

from __future__ import annotations

import dataclasses
import importlib.util
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from attribution.errors import ModelError
from attribution.rerankers.autograd import with_autograd
from attribution.rerankers.families import Family, choose_family
from attribution.rerankers.families.gte import PUBLISHED, read_published
from attribution.rerankers.hooks import EmbeddingAdapter, only_first
from attribution.rerankers.loading.checks import check_keys, check_tokenizer, check_weights, precision_note, self_test
from attribution.rerankers.loading.files import (
    LFS_POINTER,
    check_pointer,
    fingerprint,
    float32_bytes,
    judge,
    module_types,
    names_in,
    needed,
    own_code,
    read_json,
    weights_of,
)
from attribution.rerankers.loading.hub import OnBytes, cached, fetch
from attribution.rerankers.loading.loaded import Loaded
from attribution.rerankers.loading.models import MODELS, advice
from attribution.rerankers.loading.sentence_transformers import read_settings
from attribution.rerankers.memory import check_room
from attribution.rerankers.reranker import Reranker

DAMAGED = (pickle.UnpicklingError, EOFError)
RAW = (OSError, ValueError, KeyError, RuntimeError, TypeError, ImportError, SafetensorError, *DAMAGED)

_kept = Loaded()
_load_lock = threading.Lock()  # one model at a time goes into memory; downloads run beside each other
_turns: dict[tuple[Any, ...], threading.Lock] = {}  # what two visitors ask for is loaded once


@with_autograd
def load_reranker(
    model_id: str | None = None,
    *,
    revision: str | None = None,
    device: str | None = None,
    max_length: int | None = None,
    label: str | int | None = None,
    template: str | None = None,
    on_bytes: OnBytes | None = None,
) -> Reranker:
    """Load once and keep. `model_id`: a key of `MODELS`, a local folder or a Hub id; None: `default_model()`.

    `device`: cpu, cuda, cuda:1, mps; None: CUDA or MPS where there is one, else the CPU. Always in float32.
    `max_length`: tokens of a pair, None: as the checkpoint says. `label`: which of several is the score. `template`: a
    key of `TEMPLATES`, for language models whose files name no prompt. `on_bytes(done, total)` hears of a download.
    Raises `ModelError` when the checkpoint is missing, not of a supported family, or fails the self-test.
    """
    model_id = model_id or default_model()
    options = {"max_length": max_length, "label": label, "template": template}
    device = choose_device(device)
    key = (model_id, revision, device, *options.values())
    if reranker := _kept.get(key):  # never wait behind another visitor's download
        return reranker
    with _turn(key, on_bytes):
        if reranker := _kept.get(key):
            return reranker
        folder, commit = _locate(model_id, revision, on_bytes)
        with _load_lock:
            reranker = _load(model_id, folder, commit, device, options)
            _kept.put(key, reranker)
        return reranker


@contextmanager
def _turn(key: tuple[Any, ...], on_bytes: OnBytes | None) -> Iterator[None]:
    """One caller at a time for each key; who waits hears of it, and may give up by raising."""
    turn = _turns.setdefault(key, threading.Lock())
    while not turn.acquire(timeout=0.2):
        if on_bytes:
            on_bytes(0, 0)
    try:
        yield
    finally:
        turn.release()


def in_memory(model_id: str) -> Reranker | None:
    """The reranker if `load_reranker(model_id)` would find it loaded; nothing is waited for."""
    return _kept.get((model_id, None, choose_device(None), None, None, None))


def default_model() -> str:
    """The first of `MODELS` that is on disk: no page waits for a download before it opens."""
    return next(key for key in MODELS if on_disk(key))


def on_disk(model_id: str) -> bool:
    """Whether a key of `MODELS` can be loaded without asking the Hub."""
    row = MODELS[model_id]
    return Path(row.path).expanduser().is_dir() or cached(row.path, row.revision) is not None


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


def _locate(model_id: str, revision: str | None, on_bytes: OnBytes | None) -> tuple[Path, str]:
    """A checkpoint's folder on disk, and its revision. Raises `ModelError`."""
    known = MODELS.get(model_id)
    path = known.path if known else model_id
    folder = Path(path).expanduser()
    if folder.is_file():
        raise ModelError(f"{model_id} is a file. Give the folder it is in, with config.json and the tokenizer's files.")
    if not folder.is_dir():
        folder = fetch(path, revision or (known.revision if known else None), on_bytes)
        return folder, folder.name
    if revision:
        raise ModelError(
            f"{model_id} is a folder, which has no revisions: {revision!r} cannot be found in it. Leave revision out; "
            "what is loaded then has a hash of the folder's files as its revision."
        )
    try:
        return folder, fingerprint(folder)
    except OSError as error:
        raise _unloadable(model_id, error) from error


def _load(model_id: str, folder: Path, revision: str, device: str, options: dict[str, Any]) -> Reranker:
    names = names_in(folder)
    config = judge(model_id, names, lambda name: (folder / name).read_bytes())
    for name in needed(names):
        with (folder / name).open("rb") as file:
            check_pointer(model_id, name, file.read(len(LFS_POINTER)))
    size = float32_bytes(config, sum((folder / name).stat().st_size for name in weights_of(needed(names))))
    _kept.make_room(size)
    check_room(model_id, size)
    family, model, tokenizer = _read(model_id, folder, names)
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
    precision = precision_note(reranker, str(config.get("dtype") or config.get("torch_dtype")))
    return dataclasses.replace(reranker, scale_invariant=self_test(reranker), precision=precision)


def _read(model_id: str, folder: Path, names: list[str]) -> tuple[Family, Any, PreTrainedTokenizerBase]:
    """Family, float32 model and tokenizer of a folder, checked; none of its code is run. Raises `ModelError`."""
    try:
        config = _read_config(model_id, folder)
        if "flash" in str(config._attn_implementation):  # a kernel for half precision on some GPUs
            config._attn_implementation = None
        family = choose_family(config, model_id, module_types(names, lambda name: (folder / name).read_bytes()))
        if family.offset_positions and config.pad_token_id is None:
            raise ModelError(
                f"{model_id} has pad_token_id null in its config.json, and its positions are counted from that id. Set "
                "it to the tokenizer's padding id."
            )
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        model, loading = family.auto_class.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            trust_remote_code=False,
            weights_only=True,
            use_safetensors=any(name.endswith(".safetensors") for name in weights_of(needed(names))),
            output_loading_info=True,
        )
    except ModelError:
        raise
    except RAW as error:
        if "tokenizer.json" not in names and any(name.endswith(".model") for name in names):
            _name_package(model_id, "sentencepiece", error)
        if "trust_remote_code" in str(error):
            raise own_code(model_id, "by its auto_map") from error
        raise _unloadable(model_id, error) from error
    check_keys(model_id, loading)
    check_weights(model_id, list(model.named_parameters()))
    check_tokenizer(model_id, tokenizer, model.get_submodule(family.word_embeddings))
    return family, model, tokenizer


def _read_config(model_id: str, folder: Path) -> Any:
    raw = read_json(model_id, "config.json", lambda name: (folder / name).read_bytes())
    if PUBLISHED in (raw.get("architectures") or []):
        return read_published(raw, model_id)
    return AutoConfig.from_pretrained(folder, trust_remote_code=False)


def _name_package(model_id: str, package: str, error: Exception) -> None:
    """Raises `ModelError` when reading a tokenizer takes a `package` that is not installed."""
    if importlib.util.find_spec(package) is None:
        raise ModelError(
            f"{model_id} has no tokenizer.json, and its older tokenizer needs the package {package}, which is not "
            f"installed: pip install {package} protobuf. Or save it with a tokenizer.json."
        ) from error


def _unloadable(model_id: str, error: Exception) -> ModelError:
    """What transformers or torch said, in one line, and what can be given instead."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, DAMAGED):
        reason = "its weights are damaged, or hold more than weights (only weights are read, no pickled code)."
    elif isinstance(error, ImportError):
        reason = f"it needs a package that is not installed. {reason}"
    return ModelError(f"Could not load {model_id}: {reason} {advice()}")
