"""What can be wrong with a checkpoint's folder: each a change of a copy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

BERT, ROBERTA = "BertForSequenceClassification", "RobertaForSequenceClassification"


Folder = Callable[[str], Path]


Change = Callable[[Path], object]


INDEX = "model.safetensors.index.json"


def config(**changes: Any) -> Change:
    def change(folder: Path) -> None:
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(settings | changes))

    return change


def weights(edit: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], kind: str = "safetensors") -> Change:
    """Writes the edited weights in place of the old ones, as safetensors or as a `.bin`."""

    def change(folder: Path) -> None:
        changed = edit(load_file(folder / "model.safetensors"))
        (folder / "model.safetensors").unlink()
        if kind == "bin":
            torch.save(changed, folder / "pytorch_model.bin")
        else:
            save_file(changed, folder / "model.safetensors", {"format": "pt"})

    return change


def content(name: str, data: bytes, without: str = "") -> Change:
    def change(folder: Path) -> None:
        if without:
            (folder / without).unlink()
        (folder / name).write_bytes(data)

    return change


def as_bin(data: bytes) -> Change:
    return content("pytorch_model.bin", data, without="model.safetensors")


def sharded(name: str = "model-1.safetensors", **index: Any) -> Change:
    """All weights in one shard, which the index calls `name`."""

    def change(folder: Path) -> None:
        names = dict.fromkeys(load_file(folder / "model.safetensors"), name)
        (folder / "model.safetensors").rename(folder / "model-1.safetensors")
        held = {"metadata": {"total_size": 1}, "weight_map": names} | index
        (folder / INDEX).write_text(json.dumps(held))

    return change


def with_nan(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    state["bert.encoder.layer.1.output.dense.bias"][3] = float("nan")
    return state


def larger_tokenizer(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    last = max(token["id"] for token in tokenizer["added_tokens"])
    tokenizer["added_tokens"].append(tokenizer["added_tokens"][0] | {"id": 5_000 + last, "content": "[NEW]"})
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"mask_token": "[NEW]"}))


def only_gguf(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    (folder / "model-Q4_K.gguf").write_bytes(b"GGUF")


def only_adapter(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")


def mecab(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    settings = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 438\n"
