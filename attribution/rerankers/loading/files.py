"""What a checkpoint's folder or repository holds: which of its files matter, and what they say before any weight."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from attribution.errors import ModelError
from attribution.rerankers.families import CHAINED, FAMILIES, KNOWN, UNLIKE, architecture_of, choose_family

Read = Callable[[str], bytes]  # a file's name -> its content
Stamp = tuple[tuple[str, int, int, int], ...]  # of each file its name, size, and times of change
# Beside the weights: configuration, tokenizer, and what sentence-transformers keeps in folders of its own.
SETTINGS = re.compile(r"[\w.-]+\.(json|txt|model|jinja)|additional_chat_templates/[\w.-]+\.jinja|\d+_\w+/config\.json")
WEIGHTS = re.compile(r"((\d+_\w+/)?model|(\d+_\w+/)?pytorch_model)([\w.-]*)\.(safetensors|bin)(\.index\.json)?")
SHARD = re.compile(r"[\w-][\w.-]*")  # a file of the same folder
LFS_POINTER = b"version https://git-lfs"
ITEM_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
MODULES = ("modules.json", "config_sentence_transformers.json")  # these say whether a chain gives a model its head
THEIRS = "sentence_transformers."  # a class of this name from any other package is code of its maker's
# What may follow the Transformer in a chain with pooling; what a language model's logits are read by.
CHAIN = ("Pooling", "Dense", "LayerNorm", "Normalize", "Dropout")
LOGIT_SCORE = "LogitScore"


def needed(names: Iterable[str]) -> list[str]:
    """The files of a checkpoint that loading reads, sorted: settings and, folder by folder, weights of one kind.

    safetensors where there are any, else `.bin`. ONNX, OpenVINO, TensorFlow, readme and the like are left alone.
    """
    kept = {name for name in names if SETTINGS.fullmatch(name) or WEIGHTS.fullmatch(name)}
    safe = {_folder(name) for name in kept if name.endswith(".safetensors")}
    others = {name for name in kept if WEIGHTS.fullmatch(name) and ".safetensors" not in name}
    return sorted(kept - {name for name in others if _folder(name) in safe})


def weights_of(names: Iterable[str]) -> list[str]:
    """Those of `names` that hold weights."""
    return [name for name in names if name.endswith((".safetensors", ".bin"))]


def missing_weights(names: Iterable[str], read: Read) -> list[str]:
    """The weights of the checkpoint itself that are not there: shards that an index names, or all of them."""
    files = needed(names)
    top = [name for name in files if "/" not in name]
    indexes = [name for name in top if name.endswith(".index.json")]
    if not indexes:
        return [] if weights_of(top) else ["model.safetensors"]
    named = {shard for index in indexes for shard in json.loads(read(index)).get("weight_map", {}).values()}
    return sorted(named - set(top))


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def names_in(folder: Path) -> list[str]:
    """The files of a folder and of its folders, as a repository lists them."""
    found = [*folder.glob("*"), *folder.glob("*/*")]
    return sorted(path.relative_to(folder).as_posix() for path in found if path.is_file())


def fingerprint(folder: Path) -> str:
    """A local folder's revision: a hash of every file that loading reads, so no change passes for the old model."""
    digest = hashlib.sha256()
    for name in needed(names_in(folder)):
        digest.update(f"{name}\0{(folder / name).stat().st_size}\0".encode())
        with (folder / name).open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return f"sha256:{digest.hexdigest()[:12]}"


def stamp(place: str) -> Stamp | None:
    """What tells at a glance whether a folder has been written to; None where `place` is no folder."""
    folder = Path(place).expanduser()
    if not folder.is_dir():
        return None
    found = [(name, (folder / name).stat()) for name in needed(names_in(folder))]
    return tuple((name, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for name, one in found)


def judge(model_id: str, names: Iterable[str], read: Read) -> dict[str, Any]:
    """`config.json`, if nothing in it or beside it rules the checkpoint out. Raises `ModelError`, before any weight."""
    names = set(names)
    if "adapter_config.json" in names:
        raise ModelError(
            f"{model_id} holds a LoRA adapter, which changes the scores of another model. Merge the adapter first "
            "(peft: merge_and_unload(), then save_pretrained) and give the merged folder."
        )
    if "config.json" not in names:
        if any(name.endswith(".gguf") for name in names):
            raise ModelError(
                f"{model_id} holds GGUF weights, which are for llama.cpp. Give the original checkpoint, in safetensors."
            )
        raise ModelError(
            f"{model_id} has no config.json, so it is not a transformers checkpoint. Give one that has a config.json."
        )
    config = read_json(model_id, "config.json", read)
    modules = module_types(names, read)
    check_modules(model_id, modules, json.loads(read(MODULES[0])) if modules else [])
    _judge_config(model_id, config, modules)
    if not weights_of(needed(names)):
        raise ModelError(f"{model_id} has no weights that can be read: neither safetensors nor pytorch_model.bin.")
    return config


def read_json(model_id: str, name: str, read: Read) -> dict[str, Any]:
    """A JSON object. Raises `ModelError`."""
    content = read(name)
    _check_pointer(model_id, name, content)
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ModelError(f"{model_id} has a damaged {name}: {error}. Download or save it again.") from error
    if not isinstance(found, dict):
        raise ModelError(f"{model_id} has a damaged {name}: it holds no JSON object. Download or save it again.")
    return found


def check_shards(model_id: str, names: list[str], read: Read) -> None:
    """Raises `ModelError` where an index of weights does not name files that lie beside it."""
    for index in [name for name in needed(names) if "/" not in name and name.endswith(".index.json")]:
        if index.removesuffix(".index.json") in names:
            continue  # all weights in one file: its index is not read
        found = read_json(model_id, index, read)
        named = found.get("weight_map")
        shards = set(named.values()) if isinstance(named, dict) and "metadata" in found else set()
        if not shards or not all(isinstance(shard, str) and SHARD.fullmatch(shard) for shard in shards):
            raise ModelError(
                f"{model_id} has a damaged {index}: weight_map must name the file beside it that holds each weight. "
                "Download or save it again."
            )
        if missing := sorted(shards - set(names)):
            raise ModelError(f"{model_id} lacks {', '.join(missing)}, which {index} names. Download or save it again.")


def check_pointers(model_id: str, folder: Path, names: Iterable[str]) -> None:
    """Raises `ModelError` where Git LFS left a few lines of text in place of a file."""
    for name in needed(names):
        with (folder / name).open("rb") as file:
            _check_pointer(model_id, name, file.read(len(LFS_POINTER)))


def _check_pointer(model_id: str, name: str, start: bytes) -> None:
    if start.startswith(LFS_POINTER):
        raise ModelError(
            f"{model_id} has a Git LFS pointer in place of {name}. Fetch the file itself: git lfs pull, or hf download."
        )


def own_code(model_id: str, architecture: str) -> ModelError:
    """For checkpoints that come with Python files of their own."""
    return ModelError(
        f"{model_id} needs code of its own, which this program never runs ({architecture}). Use a reranker that needs "
        f"none, such as {KNOWN}, or one trained from them."
    )


def _judge_config(model_id: str, config: dict[str, Any], modules: list[str]) -> None:
    architecture = architecture_of(config)
    if "auto_map" in config and architecture not in FAMILIES | CHAINED and architecture not in UNLIKE:
        raise own_code(model_id, architecture)
    if config.get("quantization_config"):
        method = config["quantization_config"].get("quant_method", "unknown method")
        raise ModelError(
            f"{model_id} is quantised ({method}); gradients need ordinary weights. Give the checkpoint it was made "
            "from."
        )
    position = str(config.get("position_embedding_type"))
    if position.startswith("relative_key"):
        raise ModelError(
            f"{model_id} asks for position_embedding_type {position}, which transformers no longer computes: its score "
            "would be another. Give a checkpoint with absolute positions."
        )
    choose_family(config, model_id, modules)


def stored_bytes(config: dict[str, Any], sizes: Mapping[str, int], dtype: str) -> int:
    """What the weights among files of these `sizes` take in `dtype`, by the type that the config names."""
    stored = sum(sizes[name] for name in weights_of(needed(sizes)))
    return ITEM_BYTES[dtype] * stored // ITEM_BYTES.get(str(config.get("dtype") or config.get("torch_dtype")), 4)


def module_types(names: Collection[str], read: Read) -> list[str]:
    """A CrossEncoder's modules by class name, one of another package with its own; else none. Raises `ModelError`."""
    if not set(MODULES) <= set(names):
        return []
    try:
        modules, kind = (json.loads(read(name)) for name in MODULES)
        types = [_named(str(module["type"])) for module in modules]
        return types if kind.get("model_type") == "CrossEncoder" else []
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ModelError(f"Its {' or '.join(MODULES)} is damaged: {error}. Download or save it again.") from error


def _named(dotted: str) -> str:
    package, _, name = dotted.rpartition(".")
    return name if dotted.startswith(THEIRS) else f"{name} of {package or 'no package'}"


def check_modules(model_id: str, types: Sequence[str], entries: Sequence[dict[str, Any]]) -> None:
    """Raises `ModelError` for modules that would change the score and that this program does not follow.

    Followed: a Transformer alone, with a LogitScore, or with a chain that pools. `entries`: those of modules.json.
    """
    if not types:
        return
    known = ("Transformer", LOGIT_SCORE, *CHAIN)
    found = [f"the module {name}" for name in types if name not in known]
    if types[0] != "Transformer" and types[0] in known:
        found.append(f"{types[0]} as its first module")
    rest = [name for name in types[1:] if name in known]
    if "Pooling" in rest:
        found += [f"the module {name} in a chain that pools" for name in rest if name not in CHAIN]
    elif rest not in ([], [LOGIT_SCORE]):
        found.append(f"a chain without Pooling ({', '.join(rest)})")
    if entries and entries[0].get("path"):
        found.append("a first module in a folder of its own")
    for entry in entries[1:]:
        path = PurePosixPath(str(entry.get("path", "")))
        if path.is_absolute() or len(path.parts) != 1 or ".." in path.parts:
            found.append(f"a module at {str(path)!r}, outside of its folder")
    if found:
        raise not_followed(model_id, found)


def not_followed(model_id: str, found: Collection[str]) -> ModelError:
    """For settings of sentence-transformers that this program does not compute."""
    return ModelError(
        f"{model_id} has sentence-transformers settings that this program does not follow, so its score would "
        f"differ from what its users get: {', '.join(sorted(found))}. Save the checkpoint without them."
    )
