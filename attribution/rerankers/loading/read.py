"""A folder's model and tokenizer by transformers, checked; what it raises, as a sentence."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from attribution.errors import ModelError
from attribution.rerankers.families import Family, choose_family
from attribution.rerankers.loading.checks import check_keys, check_tokenizer, check_weights
from attribution.rerankers.loading.files import check_shards, needed, own_code, read_json, weights_of
from attribution.rerankers.loading.hub import WRONG_FIELD
from attribution.rerankers.loading.models import advice
from attribution.rerankers.loading.modules import module_types

DAMAGED = (pickle.UnpicklingError, EOFError)
RAW = (OSError, ValueError, KeyError, RuntimeError, TypeError, ImportError, SafetensorError, WRONG_FIELD, *DAMAGED)
SHAPES = "ignore_mismatched_sizes"  # what transformers says of weights that do not fit


def read_model(
    model_id: str, folder: Path, names: list[str], dtype: torch.dtype
) -> tuple[Family, Any, PreTrainedTokenizerBase]:
    """Family, model in `dtype` and tokenizer of a folder, checked; none of its code is run. Raises `ModelError`."""
    top = [name for name in weights_of(needed(names)) if "/" not in name]

    def read(name: str) -> bytes:
        return (folder / name).read_bytes()

    check_shards(model_id, names, read)
    try:
        raw = read_json(model_id, "config.json", read)
        family = choose_family(raw, model_id, module_types(names, read))
        config = (
            family.read_config(raw, model_id)
            if family.read_config
            else AutoConfig.from_pretrained(folder, trust_remote_code=False)
        )
        if "flash" in str(config._attn_implementation):  # a kernel for half precision on some GPUs
            config._attn_implementation = None
        if family.offset_positions and config.pad_token_id is None:
            raise ModelError(
                f"{model_id} has pad_token_id null in its config.json, and its positions are counted from that id. Set "
                "it to the tokenizer's padding id."
            )
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        model, loading = family.auto_class.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            trust_remote_code=False,
            weights_only=True,
            use_safetensors=any(name.endswith(".safetensors") for name in top),
            output_loading_info=True,
        )
    except ModelError:
        raise
    except RAW as error:
        if "tokenizer.json" not in names and any(name.endswith(".model") for name in names):
            _name_package(model_id, "sentencepiece", error)
        if "trust_remote_code" in str(error):
            raise own_code(model_id, "by its auto_map") from error
        raise unloadable(model_id, error) from error
    check_keys(model_id, loading)
    check_weights(model_id, list(model.named_parameters()))
    check_tokenizer(model_id, tokenizer, model.get_submodule(family.word_embeddings))
    return family, model, tokenizer


def _name_package(model_id: str, package: str, error: Exception) -> None:
    """Raises `ModelError` when reading a tokenizer takes a `package` that is not installed."""
    if importlib.util.find_spec(package) is None:
        raise ModelError(
            f"{model_id} has no tokenizer.json, and its older tokenizer needs the package {package}, which is not "
            f"installed: pip install {package} protobuf. Or save it with a tokenizer.json."
        ) from error


def unloadable(model_id: str, error: Exception) -> ModelError:
    """What transformers or torch said, in one line, and what can be given instead."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, DAMAGED):
        reason = "its weights are damaged, or hold more than weights (only weights are read, no pickled code)."
    elif isinstance(error, WRONG_FIELD):
        reason = f"its config.json is wrong. {' '.join(str(error).split())}."
    elif SHAPES in reason:
        reason = "its weights have other shapes than its config.json says, for example for another number of labels."
    elif isinstance(error, ImportError):
        reason = f"it needs a package that is not installed. {reason}"
    return ModelError(f"Could not load {model_id}: {reason} {advice()}")
