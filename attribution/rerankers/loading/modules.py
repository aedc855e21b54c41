"""The modules of a sentence-transformers CrossEncoder: what its files list, and which chains of them are followed."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath
from typing import Any

from attribution.errors import ModelError

Read = Callable[[str], bytes]  # a file's name -> its content
MODULES = ("modules.json", "config_sentence_transformers.json")  # these say whether a chain gives a model its head
THEIRS = "sentence_transformers."  # a class of this name from any other package is code of its maker's
# What may follow the Transformer in a chain with pooling; what a language model's logits are read by.
CHAIN = ("Pooling", "Dense", "LayerNorm", "Normalize", "Dropout")
LOGIT_SCORE = "LogitScore"


def module_types(names: Collection[str], read: Read) -> list[str]:
    """The modules of a CrossEncoder, by class name, one of another package with its own; empty for other files."""
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
