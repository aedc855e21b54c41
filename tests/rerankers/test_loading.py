"""`load_reranker`: one object a key, an answer for each checkpoint it cannot use, and a self-test that bites."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from attribution import MODELS, explain, load_reranker
from attribution.errors import AttributionError, ModelError
from attribution.rerankers.families import FAMILIES, Family
from attribution.rerankers.loading import load as loading
from attribution.rerankers.loading.files import stored_bytes
from attribution.rerankers.loading.load import load_lock, turn
from tests import tiny

BERT = "BertForSequenceClassification"
Folder = Callable[[str], Path]


def copy(source: Path, target: Path, *, without: str = "", **config: object) -> Path:
    """A checkpoint's folder, less the files that start with `without`, its config changed."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(f"{without}*") if without else None)
    if config:
        settings = json.loads((target / "config.json").read_text())
        (target / "config.json").write_text(json.dumps(settings | config))
    return target


def message_of(model_id: str) -> str:
    with pytest.raises(ModelError) as caught:
        load_reranker(model_id)
    assert isinstance(caught.value, AttributionError)
    return str(caught.value)


def test_same_key_same_object(tiny_folder: Folder, tmp_path: Path) -> None:
    folder = copy(tiny_folder(BERT), tmp_path / "same")
    reranker = load_reranker(str(folder))
    assert load_reranker(str(folder)) is reranker
    shutil.rmtree(folder)
    assert load_reranker(str(folder)).model is reranker.model  # kept, not read again
    assert load_reranker(str(tiny_folder(BERT))) is not reranker


def test_threads_that_load_at_once_share_one_object(tiny_folder: Folder, tmp_path: Path) -> None:
    folder = str(copy(tiny_folder(BERT), tmp_path / "shared"))
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(load_reranker, [folder] * 4))
    assert all(reranker is loaded[0] for reranker in loaded)


def test_a_kept_model_does_not_wait_for_a_download(tiny_folder: Folder) -> None:
    reranker = load_reranker(str(tiny_folder(BERT)))
    with ThreadPoolExecutor(1) as pool, load_lock:  # as while another visitor's model is on its way
        assert pool.submit(load_reranker, str(tiny_folder(BERT))).result(timeout=60) is reranker


def test_who_waits_for_the_same_model_hears_that_nothing_came_yet_and_may_give_up() -> None:
    heard: list[tuple[int, int]] = []

    def give_up(done: int, total: int) -> None:
        heard.append((done, total))
        raise TimeoutError

    with turn(("one",), None):
        with pytest.raises(TimeoutError), turn(("one",), give_up):
            pass
        with turn(("another",), give_up):  # which nobody else loads
            pass
    with turn(("one",), give_up):  # it is free again
        pass
    assert heard == [(0, 0)]


def test_revision_of_a_folder_follows_its_weights(tiny_folder: Folder, tmp_path: Path) -> None:
    same = load_reranker(str(copy(tiny_folder(BERT), tmp_path / "same")))
    other = load_reranker(str(tiny.save_tiny(BERT, tmp_path / "other", seed=1)))
    assert same.revision == load_reranker(str(tiny_folder(BERT))).revision != other.revision
    assert explain(same, "berlin", "paris", "saliency").revision == same.revision


@pytest.mark.parametrize("missing", ["/no/such/folder", "no-such/model", "no-such-model", "~/no/such/folder"])
def test_missing(missing: str) -> None:
    """Neither a key, nor a folder, nor in the cache, with the Hub out of reach."""
    message = message_of(missing)
    assert missing in message
    assert "local folder" in message
    assert "Hub id" in message
    assert all(key in message for key in MODELS)


@pytest.mark.parametrize("file", ["tokenizer", "model", "config"])
def test_incomplete_folder(file: str, tiny_folder: Folder, tmp_path: Path) -> None:
    folder = copy(tiny_folder(BERT), tmp_path / "part", without=file)
    message = message_of(str(folder))
    assert str(folder) in message
    assert {"tokenizer": "tokenizer.json", "model": "safetensors", "config": "config.json"}[file] in message


@pytest.mark.parametrize("architectures", [["BertModel"], ["BertForMaskedLM", BERT], [], None])
def test_unsupported_architecture(architectures: list[str] | None, tiny_folder: Folder, tmp_path: Path) -> None:
    folder = copy(tiny_folder(BERT), tmp_path / "other", architectures=architectures)
    message = message_of(str(folder))
    assert str(folder) in message
    assert (architectures or ["none named"])[0] in message
    assert "bge-reranker-v2-m3" in message  # people know models, not classes


def test_failed_load_is_not_kept(tiny_folder: Folder, tmp_path: Path) -> None:
    message_of(str(tmp_path / "late"))
    copy(tiny_folder(BERT), tmp_path / "late")
    assert load_reranker(str(tmp_path / "late")).score("berlin", ["paris"])


def test_a_decoder_without_a_padding_token_scores_a_batch_as_one_by_one(tmp_path: Path) -> None:
    folder = tiny.save_tiny("Qwen3ForSequenceClassification", tmp_path)
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({k: v for k, v in settings.items() if k != "pad_token_id"}))
    reranker = load_reranker(str(folder), device="cpu")
    documents = ["paris", "berlin has about 3.7 million inhabitants .", "new york is famous"]
    alone = [reranker.score("berlin", [document])[0] for document in documents]
    assert reranker.score("berlin", documents) == pytest.approx(alone, abs=1e-5)
    assert len({round(logit, 4) for logit in alone}) == len(documents)


@pytest.mark.parametrize("padding", [True, False])
def test_a_decoders_text_may_end_with_the_first_token(padding: bool, tmp_path: Path) -> None:
    """Read where the plain model reads it: before its padding id, which here is that one, or at the very end."""
    folder = tiny.save_tiny("Qwen3ForSequenceClassification", tmp_path)
    settings = json.loads((folder / "config.json").read_text())
    assert settings.pop("pad_token_id") == 0
    if not padding:
        (folder / "config.json").write_text(json.dumps(settings))
    reranker = load_reranker(str(folder), device="cpu")
    document = f"paris is the capital {reranker.tokenizer.convert_ids_to_tokens(0)}"
    pair = reranker.encode("berlin", document)
    assert pair.inputs["input_ids"][0, -1] == 0
    plain = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = plain(**pair.inputs).logits.item()
    assert reranker.score("berlin", [document]) == pytest.approx([expected], abs=1e-5)


@pytest.mark.parametrize(
    ("dtype", "stored"), [("float16", 200), ("bfloat16", 200), ("float32", 400), ("float64", 800), (None, 400)]
)
def test_a_hundred_weights_take_400_bytes_in_float32(dtype: str | None, stored: int) -> None:
    assert stored_bytes({"dtype": dtype}, {"model.safetensors": stored}, "float32") == 400
    assert stored_bytes({"torch_dtype": dtype}, {"model.safetensors": stored}, "float32") == 400


LAYOUTLM = "LayoutLMForSequenceClassification"
T5 = "T5ForSequenceClassification"
MORE_CONFIGS = {LAYOUTLM: {}, T5: {"d_kv": 8, "d_ff": 48, "eos_token_id": 1, "decoder_start_token_id": 0}}
LAYERS = [  # architectures off the table: the right layer, and wrong ones with what is wrong with them
    (T5, "transformer.encoder.embed_tokens", None),
    (T5, "transformer.shared", "called 0 times"),
    (LAYOUTLM, "layoutlm.embeddings.word_embeddings", None),
    (LAYOUTLM, "layoutlm.embeddings.x_position_embeddings", "called 2 times"),
    (LAYOUTLM, "layoutlm.embeddings.h_position_embeddings", "differs from the plain score"),
]


@pytest.mark.parametrize(("architecture", "layer", "problem"), LAYERS)
def test_self_test_tells_the_right_layer(
    architecture: str, layer: str, problem: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tiny.CONFIGS, architecture, MORE_CONFIGS[architecture])
    monkeypatch.setitem(FAMILIES, architecture, Family("a try", layer, layer, "none"))
    folder = str(tiny.save_tiny(architecture, tmp_path / "model"))
    if problem is None:
        assert load_reranker(folder).score("berlin", ["paris"])
    else:
        message = message_of(folder)
        assert folder in message
        assert "self-test" in message
        assert problem in message


def test_self_test_rejects_a_score_without_gradient(
    tiny_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A family that reads its logit through a step has a score and no gradient."""
    row = replace(FAMILIES[BERT], columns=lambda output: output.logits.round())
    monkeypatch.setitem(FAMILIES, BERT, row)
    assert "gradient is not finite or all zero" in message_of(str(copy(tiny_folder(BERT), tmp_path / "step")))


def test_a_score_that_hardly_depends_on_its_text_is_a_score(tmp_path: Path) -> None:
    """As of a model that answers nearly the same to everything: its attributions are as much smaller, and shown."""
    folder = tiny.save_tiny(BERT, tmp_path)
    pair = ("berlin", "museums of berlin", "saliency")
    usual = explain(load_reranker(str(tiny.save_tiny(BERT, tmp_path / "usual")), device="cpu"), *pair)
    weights = load_file(folder / "model.safetensors")
    weights["classifier.weight"] *= 2**-12
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    faint = explain(load_reranker(str(folder), device="cpu"), *pair)
    assert sum(faint.attributions) < 0.1
    assert faint.attributions == pytest.approx([2**-12 * value for value in usual.attributions], rel=1e-3)


def test_a_checkpoint_without_its_classifier_is_refused(tmp_path: Path) -> None:
    folder = tiny.save_tiny("BertForSequenceClassification", tmp_path)
    weights = {
        name: value for name, value in load_file(folder / "model.safetensors").items() if "classifier" not in name
    }
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks weights.*classifier"):
        load_reranker(str(folder))


@pytest.mark.parametrize("damage", [b"", b"not safetensors at all", b"\xff" * 64])
def test_damaged_weights_are_a_model_error(tmp_path: Path, damage: bytes) -> None:
    folder = tiny.save_tiny("BertForSequenceClassification", tmp_path)
    (folder / "model.safetensors").write_bytes(damage)
    with pytest.raises(ModelError, match="Could not load"):
        load_reranker(str(folder))


def test_weights_of_another_shape_are_a_model_error(tmp_path: Path) -> None:
    folder = tiny.save_tiny("BertForSequenceClassification", tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["classifier.weight"] = torch.zeros(1, 7)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError):
        load_reranker(str(folder))


def test_files_damaged_while_running_harm_nothing_that_is_loaded(
    tiny_folder: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(tiny_folder("BertForSequenceClassification"), tmp_path / "model")
    pair = ("berlin", "museums of berlin")
    before = explain(load_reranker(str(folder), device="cpu"), *pair, "saliency")
    os.truncate(folder / "model.safetensors", 1000)
    after = explain(load_reranker(str(folder), device="cpu"), *pair, "saliency")
    assert after.attributions == before.attributions
    again = load_reranker(str(folder), device="cpu")
    said = (
        f"the files as they were when the model was loaded, {before.revision}. What its folder holds now is not used:"
    )
    for answer in (again.notes, load_reranker(str(folder), device="cpu").notes, after.notes):
        assert " ".join(answer).count(said) == 1, "once, however often it is asked"
        assert "damaged" in " ".join(answer)
    shutil.copy(tiny_folder("BertForSequenceClassification") / "model.safetensors", folder)
    assert load_reranker(str(folder), device="cpu").revision == before.revision, "mended"
    assert "not used" not in "".join(load_reranker(str(folder), device="cpu").notes)
    os.truncate(folder / "model.safetensors", 1000)
    monkeypatch.setattr(loading, "_kept", loading.Loaded())  # as when it was let go for another model
    with pytest.raises(ModelError, match="damaged"):
        load_reranker(str(folder), device="cpu")
