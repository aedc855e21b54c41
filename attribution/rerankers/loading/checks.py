"""A folder's model and tokenizer by transformers, and the tests that they pass before anything is explained.

The weights are all there and mean what they meant, and the score can be explained.
"""

import copy
import dataclasses
import importlib.util
import math
import pickle
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from attribution.errors import ModelError
from attribution.numbers import number
from attribution.rerankers.families import Family, choose_family
from attribution.rerankers.loading.files import check_shards, module_types, needed, own_code, read_json, weights_of
from attribution.rerankers.loading.hub import WRONG_FIELD
from attribution.rerankers.loading.models import advice
from attribution.rerankers.reranker import Reranker

DAMAGED = (pickle.UnpicklingError, EOFError)
NONSENSE = (AttributeError, AssertionError, TypeError, LookupError, WRONG_FIELD)  # of files that hold what none should
RAW = (OSError, ValueError, RuntimeError, ImportError, SafetensorError, *NONSENSE, *DAMAGED)
SHAPES = "ignore_mismatched_sizes"  # what transformers says of weights that do not fit
# Weights that a classifier does without: buffers that are computed, poolers and heads of other tasks.
UNUSED = re.compile(
    r"(.*\.)?(position_ids|token_type_ids|inv_freq|masked_bias|attn\.bias|pooler\..*)|(cls|lm_head)\..*"
)
LAYER = re.compile(r"layers?\.\d+\.")
# What stands before every name where a model was saved inside another, and what put it there.
WRAPPED = {"module.": "torch.nn.DataParallel", "_orig_mod.": "torch.compile", "model.": "a model inside another"}
TEST_PAIR = ("which city is the capital of France", "Paris is the capital of France.")


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
        published = family.read_config and family.read_config(raw, model_id)
        config = published or AutoConfig.from_pretrained(folder, trust_remote_code=False)
        if "flash" in str(config._attn_implementation):  # a kernel for half precision on some GPUs
            config._attn_implementation = None
        config.return_dict = True  # the form of the outputs, not their numbers
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
        raise unloadable(model_id, error, names) from error
    check_keys(model_id, loading)
    check_weights(model_id, list(model.named_parameters()))
    check_tokenizer(model_id, tokenizer, model.get_submodule(family.word_embeddings))
    return family, model, tokenizer


def unloadable(model_id: str, error: Exception, names: Collection[str] = ()) -> ModelError:
    """What transformers or torch said of a folder with files of these names, in one line, and what can be given."""
    older = "tokenizer.json" not in names and any(name.endswith(".model") for name in names)
    if older and importlib.util.find_spec("sentencepiece") is None:
        return ModelError(
            f"{model_id} has no tokenizer.json, and its older tokenizer needs the package sentencepiece, which is not "
            "installed: pip install sentencepiece protobuf. Or save it with a tokenizer.json."
        )
    if "trust_remote_code" in str(error):
        return own_code(model_id, "by its auto_map")
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, DAMAGED):
        reason = "its weights are damaged, or hold more than weights (only weights are read, no pickled code)."
    elif isinstance(error, WRONG_FIELD):
        reason = f"its config.json is wrong. {' '.join(str(error).split())}."
    elif SHAPES in reason:
        reason = "its weights have other shapes than its config.json says, for example for another number of labels."
    elif isinstance(error, NONSENSE):
        reason = f"its config.json or its tokenizer's files hold something that transformers cannot read ({reason})"
    elif "tokenizer.json" not in names and "backend tokenizer" in reason:
        reason = "it has no tokenizer.json, and no older files that a fast tokenizer could be made from"
    elif isinstance(error, ImportError):
        reason = f"it needs a package that is not installed. {reason}"
    return ModelError(f"Could not load {model_id}: {reason.rstrip('.')}. {advice()}")


def check_keys(model_id: str, loading: Mapping[str, Any]) -> None:
    """Raises `ModelError` for weights that are missing, or of a computation the model does not make."""
    missing, unexpected = sorted(loading["missing_keys"]), sorted(loading["unexpected_keys"])
    for prefix, writer in WRAPPED.items():
        inside = {key.removeprefix(prefix) for key in unexpected}
        if inside & set(missing) and all(key.startswith(prefix) for key in unexpected):
            raise ModelError(
                f'{model_id} has weights whose names begin with "{prefix}", as {writer} writes them. Save it again '
                f"from model.{prefix.rstrip('.')}, or take that part off the names."
            )
    others = [key for key in unexpected if not UNUSED.fullmatch(key)]
    if missing:
        known = (
            f"it has others that the model here does not know ({', '.join(others[:3])}), so its layout may be its own. "
            "Save it again with transformers."
            if others
            else "its config.json says more layers than its weights have. Give it the config.json it was saved with."
            if all(LAYER.search(key) for key in missing)
            else "it was not trained as a reranker. Choose a checkpoint that was saved with its classifier."
        )
        raise ModelError(f"{model_id} lacks weights that a reranker needs ({', '.join(missing[:3])}): {known}")
    if others:
        raise ModelError(
            f"{model_id} has weights that the model here would not use ({', '.join(others[:3])}), so its score would "
            "differ from the one it was trained for. Choose a checkpoint without them."
        )


def check_tokenizer(model_id: str, tokenizer: PreTrainedTokenizerBase, embedding: Any) -> None:
    """Raises `ModelError` for tokenizers that give no character spans, or ids beyond the embedding."""
    if not tokenizer.is_fast or len(tokenizer) <= len(tokenizer.all_special_ids):  # without files it is made up, empty
        raise ModelError(f"{model_id} has no fast tokenizer (tokenizer.json), which character spans need.")
    largest = max(tokenizer.get_vocab().values())
    if largest >= embedding.num_embeddings:
        raise ModelError(
            f"{model_id} has a tokenizer with ids up to {largest}, but an embedding of only {embedding.num_embeddings} "
            "rows: the two are not of one model. Save them together, after model.resize_token_embeddings."
        )


def check_weights(model_id: str, named: Collection[tuple[str, Tensor]]) -> None:
    """Raises `ModelError` where a weight is no finite number."""
    for name, weight in named:
        ends = torch.stack(torch.aminmax(weight)) if weight.numel() else weight  # NaN if one weight is
        if not torch.isfinite(ends).all():
            raise ModelError(
                f"{model_id} has weights that are not finite numbers (NaN or infinity in {name}): its training "
                "diverged or the file is damaged. Choose another checkpoint."
            )


def precision_note(reranker: Reranker, name: str) -> str:
    """What the type of the numbers does to the score: the one asked for, or the one that the config names.

    Other programs run a checkpoint in the type `name` by default; a test pair says how far the score is from that.
    """
    if reranker.half:
        return (
            "Computed in bfloat16, as asked for, which keeps about three digits of every number: differences of less "
            "than a hundredth of the logit mean nothing."
        )
    if name not in ("float16", "bfloat16"):
        return ""
    inputs = dict(reranker.encode(*TEST_PAIR).inputs)
    half = dataclasses.replace(reranker, model=copy.deepcopy(reranker.model).to(getattr(torch, name)))
    with torch.no_grad():
        there, here = half.forward(inputs).item(), reranker.forward(inputs).item()
    none = f"is {'NaN' if math.isnan(there) else 'infinite'} in {name}, which is too small"
    apart = f"differs by {number(abs(there - here))}" if math.isfinite(there) else none
    return (
        f"Computed in float32. Other programs run this checkpoint in {name} by default: there the logit of a test pair "
        f"{apart}."
    )


def self_test(reranker: Reranker) -> None:
    """Check at load that explaining is sound for this checkpoint.

    The score through the adapter equals the plain one of all positions, the embedding layer is called once, the
    gradient is finite and not zero. Raises `ModelError`.
    """
    pair = reranker.encode(*TEST_PAIR)
    calls: list[int] = []

    def leaf_of(output: Tensor) -> Tensor:
        calls.append(1)
        return inputs_embeds.to(output.dtype)

    with torch.no_grad():
        plain = reranker.read_logit(reranker.outputs(dict(pair.inputs)))
    inputs_embeds = reranker.embed(pair).clone().requires_grad_(True)  # (1, seq, hidden)
    with reranker.adapter.intercept("word", leaf_of):
        logit = reranker.forward(dict(pair.inputs))
    grad = torch.autograd.grad(logit.sum(), inputs_embeds)[0] if calls else torch.zeros_like(inputs_embeds)
    near = (0.03, 0.03) if reranker.half else (1e-5, 1e-4)
    same = torch.allclose(logit, plain, rtol=near[0], atol=near[1])
    problems = {
        f"the embedding layer was called {len(calls)} times instead of once": len(calls) != 1,
        "the score through the embedding hook differs from the plain score": not same,
        "the gradient is not finite or all zero": not bool(torch.isfinite(grad).all() and grad.abs().sum() > 0),
    }
    for problem, found in problems.items():
        if found:
            raise ModelError(f"{reranker.model_id} failed the self-test at load: {problem}.")
