"""Every checkpoint that cannot be explained rightly is refused at load, in a sentence that says what to do."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from attribution import load_reranker
from attribution.errors import ModelError
from attribution.rerankers.loading.files import fingerprint
from tests.loopback import Evil
from tests.rerankers.faults import (
    BERT,
    INDEX,
    POINTER,
    ROBERTA,
    Change,
    Folder,
    as_bin,
    config,
    content,
    larger_tokenizer,
    mecab,
    only_adapter,
    only_gguf,
    sharded,
    weights,
    with_nan,
)

ROOT = Path(__file__).resolve().parents[2]


LACKS = f"lacks model-2.safetensors, which {INDEX} names. Download"


REFUSED: dict[str, tuple[Change, str]] = {
    **{
        method: (
            config(quantization_config={"quant_method": method}),
            rf"quantised \({method}\).*checkpoint it was made",
        )
        for method in ("bitsandbytes", "gptq", "fp8", "compressed-tensors")
    },
    "adapter alone": (only_adapter, "LoRA adapter.*Merge the adapter first"),
    "adapter beside": (content("adapter_config.json", b"{}"), "LoRA adapter.*Merge the adapter first"),
    "GGUF": (only_gguf, "GGUF weights.*original checkpoint"),
    "relative keys": (
        config(position_embedding_type="relative_key_query"),
        "position_embedding_type relative_key_query",
    ),
    "config is a list": (content("config.json", b"[]"), "damaged config.json"),
    "config is cut": (content("config.json", b'{"architectures": ['), "damaged config.json"),
    "config of another type": (config(hidden_size="32"), "config.json is wrong.*'hidden_size' expected int"),
    "other shapes": (
        config(id2label={"0": "a", "1": "b"}, label2id={"a": 0, "b": 1}),
        "weights have other shapes than",
    ),
    "no labels": (config(id2label={}, label2id={}), "weights have other shapes than its config.json"),
    "shard outside": (sharded("../model-1.safetensors"), f"damaged {INDEX}: weight_map must name the file beside it"),
    "index of a list": (sharded(weight_map=["a"]), "damaged .*index.json: weight_map must name the file beside it"),
    "index of numbers": (sharded(weight_map={"a": 1}), "damaged .*index.json: weight_map must name"),
    "index of nothing": (sharded(weight_map={}), "damaged .*index.json: weight_map must name"),
    "index is a list": (
        lambda folder: (sharded()(folder), content(INDEX, b"[]")(folder)),
        "damaged model.safetensors.index.json: it holds no JSON object",
    ),
    "a shard is missing": (sharded(weight_map={"a": "model-1.safetensors", "b": "model-2.safetensors"}), LACKS),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "no weights that can be read"),
    "LFS pointer, safetensors": (content("model.safetensors", POINTER), "LFS pointer in place of model.safetensors"),
    "LFS pointer, bin": (as_bin(POINTER), "LFS pointer in place of pytorch_model.bin"),
    "LFS pointer, tokenizer": (content("tokenizer.json", POINTER), "LFS pointer in place of tokenizer.json"),
    "damaged bin": (as_bin(b"\x80\x02 not weights"), "weights are damaged"),
    "empty bin": (as_bin(b""), "weights are damaged"),
    "_orig_mod.": (
        weights(lambda state: {f"_orig_mod.{k}": v for k, v in state.items()}),
        "torch.compile.*model._orig_mod",
    ),
    "module.": (weights(lambda state: {f"module.{k}": v for k, v in state.items()}), "DataParallel.*model.module"),
    "NaN": (weights(with_nan), r"not finite numbers \(NaN or infinity in bert.encoder.layer.1.output.dense.bias\)"),
    "unused weights": (
        weights(lambda state: state | {"bert.encoder.layer.0.attention.self.distance_embedding.weight": torch.ones(2)}),
        "would not use .*distance_embedding.*differ",
    ),
    "larger tokenizer": (larger_tokenizer, r"ids up to \d+, but an embedding of only"),
    **{
        f"model_max_length {given}": (
            content("tokenizer_config.json", json.dumps({"model_max_length": given}).encode()),
            rf"says that it reads {re.escape(repr(given))} \(.*, at least 8, or load it with max_length=",
        )
        for given in (0, -1, 7, "64", float("nan"))
    },
    "labels as a list": (config(id2label=["a"]), "hold something that transformers cannot read"),
    "a padding id beyond": (config(pad_token_id=99_999), "hold something that transformers cannot read"),
    "an unknown function": (config(hidden_act="zzz"), r"hold something that transformers cannot read \('zzz'\)\. Give"),
    "an unknown dtype": (config(dtype="float12"), r"transformers cannot read \(.*float12'\)\. Give"),
    "tokenizer's settings as a list": (content("tokenizer_config.json", b"[]"), "that transformers cannot read"),
    "special tokens as a list": (content("special_tokens_map.json", b"[]"), "that transformers cannot read"),
    "no tokenizer": (
        lambda folder: (folder / "tokenizer.json").unlink(),
        r"has no tokenizer\.json, and no older files",
    ),
    "fewer layers": (config(num_hidden_layers=3), "says more layers than its weights have"),
    "MeCab": (mecab, "needs a package that is not installed.*(fugashi|MeCab)"),
}


@pytest.fixture
def broken(tiny_folder: Folder, tmp_path: Path) -> Callable[..., Path]:
    """A tiny checkpoint's copy with one thing changed."""

    def make(change: Change, architecture: str = BERT) -> Path:
        folder = tmp_path / "checkpoint"
        shutil.copytree(tiny_folder(architecture), folder)
        change(folder)
        return folder

    return make


@pytest.mark.parametrize("fault", REFUSED)
def test_refused(fault: str, broken: Callable[..., Path]) -> None:
    change, says = REFUSED[fault]
    folder = str(broken(change))
    with pytest.raises(ModelError, match=says) as caught:
        load_reranker(folder)
    assert folder in str(caught.value)


def test_weights_in_shards_and_an_architecture_as_text_are_read(
    broken: Callable[..., Path], tiny_folder: Folder
) -> None:
    pair = ("berlin", ["museums of paris"])
    folder = broken(sharded())
    config(architectures=BERT)(folder)
    (folder / INDEX).with_name("pytorch_model.bin.index.json").write_text("[]")  # not read
    assert load_reranker(str(folder)).score(*pair) == load_reranker(str(tiny_folder(BERT))).score(*pair)


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be read")
def test_a_folder_that_may_not_be_read(broken: Callable[..., Path]) -> None:
    folder = broken(lambda folder: folder.chmod(0))
    try:
        with pytest.raises(ModelError, match="this user may not read"):
            load_reranker(str(folder))
    finally:
        folder.chmod(0o755)


def test_positions_counted_from_no_padding_id(broken: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match="pad_token_id null"):
        load_reranker(str(broken(config(pad_token_id=None), ROBERTA)))


def test_a_missing_package_is_named(broken: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("sentencepiece"):
        pytest.skip("sentencepiece is installed")
    folder = broken(
        content("sentencepiece.bpe.model", b"pieces", without="tokenizer.json"), "XLMRobertaForSequenceClassification"
    )
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"tokenizer_class": "XLMRobertaTokenizer"}))
    with pytest.raises(ModelError, match=r"package sentencepiece.*pip install sentencepiece"):
        load_reranker(str(folder))


def test_a_file_and_a_revision_of_a_folder(broken: Callable[..., Path]) -> None:
    folder = broken(lambda _folder: None)
    with pytest.raises(ModelError, match=r"is a file\. Give the folder"):
        load_reranker(str(folder / "model.safetensors"))
    with pytest.raises(ModelError, match="'nonsense' cannot be found"):
        load_reranker(str(folder), revision="nonsense")


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "cpu:x", "", 3])
def test_a_device_that_is_not_there(device: Any, tiny_folder: Folder) -> None:
    with pytest.raises(ModelError, match=r"no device .*Valid: cpu"):
        load_reranker(str(tiny_folder(BERT)), device=device)


@pytest.mark.parametrize(
    "change",
    [
        config(_attn_implementation="flash_attention_2"),
        config(attn_implementation="flash_attention_2"),
        config(pad_token_id=None),
        config(return_dict=False),
        weights(lambda state: state, "bin"),
        weights(lambda state: state | {"bert.embeddings.position_ids": torch.arange(3), "cls.x.bias": torch.ones(1)}),
    ],
)
def test_what_does_not_change_the_score_loads(change: Change, broken: Callable[..., Path], tiny_bert: Any) -> None:
    pair = ("how many people live in berlin ?", ["berlin has about 3.7 million inhabitants .", "museums"])
    assert load_reranker(str(broken(change)), device="cpu").score(*pair) == tiny_bert.score(*pair)


@pytest.mark.parametrize("save", [pickle.dump, torch.save])
def test_a_pickle_is_not_run(save: Callable[..., None], broken: Callable[..., Path], tmp_path: Path) -> None:
    """Alone, and in the archive that torch writes, where transformers would run it if it were told to."""
    marker, written = tmp_path / "ran", io.BytesIO()
    save({"bert.embeddings.word_embeddings.weight": Evil(marker)}, written)
    with pytest.raises(ModelError, match="weights are damaged, or hold more than weights"):
        load_reranker(str(broken(as_bin(written.getvalue()))))
    assert not marker.exists()


def test_code_of_its_own_is_neither_run_nor_asked_about(
    tiny_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With somebody at the keyboard who answers "y" to everything, where transformers would ask."""
    asked: list[str] = []

    def answer(question: str = "") -> str:
        asked.append(question)
        return "y"

    monkeypatch.setattr("builtins.input", answer)
    marker = tmp_path / "ran"
    classes = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification", "AutoTokenizer")
    for architecture in ("OwnRerankerForSequenceClassification", BERT):
        folder = tmp_path / architecture
        shutil.copytree(tiny_folder(BERT), folder)
        config(architectures=[architecture], auto_map=dict.fromkeys(classes, "own.Own"), model_type="own")(folder)
        (folder / "own.py").write_text(f"open({str(marker)!r}, 'w')\nclass Own: pass\n")
        with pytest.raises(ModelError, match="needs code of its own, which this program never runs") as refused:
            load_reranker(str(folder))
        assert str(folder) in str(refused.value)
        assert "bge-reranker-v2-m3" in str(refused.value)
    assert not marker.exists()
    assert asked == []


@pytest.mark.parametrize("architectures", [[BERT], [BERT, "OwnModel"]])
def test_code_beside_a_known_architecture_is_passed_over(
    architectures: list[str], broken: Callable[..., Path], tmp_path: Path, tiny_bert: Any
) -> None:
    """Of the config, the model and the tokenizer, all of which name some."""
    marker = tmp_path / "ran"
    names = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification")
    folder = broken(config(architectures=architectures, auto_map=dict.fromkeys(names, "own.Own")))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["auto_map"] = {"AutoTokenizer": [None, "own.Own"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "own.py").write_text(f"open({str(marker)!r}, 'w')\nclass Own: pass\n")
    pair = ("how many people live in berlin ?", ["berlin has about 3.7 million inhabitants ."])
    assert load_reranker(str(folder), device="cpu").score(*pair) == tiny_bert.score(*pair)
    assert not marker.exists()


def test_the_revision_follows_every_file_that_matters(broken: Callable[..., Path], tmp_path: Path) -> None:
    original = broken(weights(lambda state: state, "bin"))
    (original / "1_Dense").mkdir()
    (original / "1_Dense" / "model.safetensors").write_bytes(b"1")
    for name in ("modules.json", "chat_template.jinja", "vocab.txt", "sentence_bert_config.json", "spiece.model"):
        (original / name).write_text("{}")
    seen = {fingerprint(original)}
    matter = [path for path in sorted(original.rglob("*")) if path.is_file()]
    for file in matter:
        before = file.read_bytes()
        file.write_bytes(before + b" ")
        seen.add(fingerprint(original))
        file.write_bytes(before)
    assert len(seen) == 1 + len(matter)
    (original / "README.md").write_text("words about it")
    (original / "onnx").mkdir()
    (original / "onnx" / "model.onnx").write_bytes(b"1")
    assert fingerprint(original) in seen
