"""`load_reranker`: a checkpoint from the project, a folder or the Hub, tested before it explains anything."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer

from attribution.errors import ModelError
from attribution.rerankers.autograd import whatever_the_caller_set
from attribution.rerankers.embedding import EmbeddingAdapter
from attribution.rerankers.families import choose_family
from attribution.rerankers.models import DEFAULT_MODEL, MODELS
from attribution.rerankers.reranker import Reranker
from attribution.rerankers.settings import read_settings

HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]

_loaded: dict[tuple[Any, ...], Reranker] = {}
_load_lock = threading.Lock()


@whatever_the_caller_set
def load_reranker(
    model_id: str | None = None,
    *,
    revision: str | None = None,
    device: str | None = None,
    max_length: int | None = None,
    label: str | int | None = None,
    template: str | None = None,
) -> Reranker:
    """Load once and keep. `model_id`: a key of `MODELS`, a local folder or a Hub id; None: the bundled reranker.

    `max_length`: tokens of a pair, None: as the checkpoint says. `label`: which of several is the score. `template`: a
    key of `TEMPLATES`, for language models whose files name no prompt.
    Raises `ModelError` when the checkpoint is missing, not of a supported family, or fails the self-test.
    """
    model_id = model_id or DEFAULT_MODEL
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    options = {"max_length": max_length, "label": label, "template": template}
    key = (model_id, revision, device, *options.values())
    if key in _loaded:  # never wait behind another visitor's download
        return _loaded[key]
    with _load_lock:
        if key not in _loaded:
            _loaded[key] = _load(model_id, revision, device, options)
        return _loaded[key]


def _load(model_id: str, revision: str | None, device: str, options: dict[str, Any]) -> Reranker:
    known = MODELS.get(model_id)
    folder = Path(known.path if known else model_id).expanduser()
    try:
        if not folder.is_dir():
            folder = Path(snapshot_download(str(folder), revision=revision, allow_patterns=HUB_FILES))
            revision = folder.name
        config = AutoConfig.from_pretrained(folder)
        family = choose_family(config, model_id)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model, loading = family.auto_class.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    except ModelError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"Could not load {model_id}: {reason} Give a key of MODELS ({', '.join(MODELS)}), a local folder with "
            "config.json, tokenizer.json and safetensors, or a Hub id that can be reached."
        ) from error
    if loading["missing_keys"]:
        raise ModelError(
            f"{model_id} lacks weights that a reranker needs ({', '.join(sorted(loading['missing_keys'])[:3])}): it "
            "was not trained as one. Choose a checkpoint that was saved with its classifier."
        )
    if not tokenizer.is_fast or len(tokenizer) <= len(tokenizer.all_special_ids):  # without files it is made up, empty
        raise ModelError(f"{model_id} has no fast tokenizer (tokenizer.json), which character spans need.")
    settings, max_length = read_settings(folder, family, config, tokenizer, model_id, **options)
    model.eval().requires_grad_(False).to(device)
    adapter = EmbeddingAdapter(
        {"word": model.get_submodule(family.word_embeddings), "block": model.get_submodule(family.embeddings)}
    )
    reranker = Reranker(
        model_id=model_id,
        revision=revision or _fingerprint(folder),
        model=model,
        tokenizer=tokenizer,
        family=family,
        adapter=adapter,
        max_length=max_length,
        device=torch.device(device),
        settings=settings,
    )
    return dataclasses.replace(reranker, scale_invariant=self_test(reranker))


def _fingerprint(folder: Path) -> str:
    """A local folder's revision: a hash of its weights, so that changed weights never pass for the old ones."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.read_bytes())
    return f"sha256:{digest.hexdigest()[:12]}"


def self_test(reranker: Reranker) -> bool:
    """Check at load that explaining is sound for this checkpoint; returns whether it is scale-invariant.

    The score through the adapter equals the plain one, the embedding layer is called once, the gradient is finite and
    not zero. Scale-invariant: the word embedding is normalised first, so `sum(grad * x)` is 0. Raises `ModelError`.
    """
    pair = reranker.encode("which city is the capital of France", "Paris is the capital of France.")
    calls: list[int] = []

    def leaf_of(_output: Tensor) -> Tensor:
        calls.append(1)
        return inputs_embeds

    with torch.no_grad():
        plain = reranker.forward(dict(pair.inputs))
    inputs_embeds = reranker.embed(pair).clone().requires_grad_(True)  # (1, seq, hidden)
    with reranker.adapter.intercept("word", leaf_of):
        logit = reranker.forward(dict(pair.inputs))
    grad = torch.autograd.grad(logit.sum(), inputs_embeds)[0] if calls else torch.zeros_like(inputs_embeds)
    same = torch.allclose(logit, plain, atol=1e-4)
    problems = {
        f"the embedding layer was called {len(calls)} times instead of once": len(calls) != 1,
        "the score through the embedding hook differs from the plain score": not same,
        "the gradient is not finite or all zero": not bool(torch.isfinite(grad).all() and grad.abs().sum() > 0),
    }
    for problem, found in problems.items():
        if found:
            raise ModelError(f"{reranker.model_id} failed the self-test at load: {problem}.")
    products = grad * inputs_embeds.detach()
    return bool(products.sum().abs() < 1e-4 * products.abs().sum())
