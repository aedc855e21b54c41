"""Chains of modules that are not one after the other: as sentence-transformers scores them, or refused."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling

from attribution import explain, load_reranker
from attribution.errors import ModelError
from tests.conftest import Tiny
from tests.loopback import Evil
from tests.rerankers.test_sentence_transformers import PAIRS, QUERY, differences
from tests.tiny import save_tiny
from tests.tiny_prompts import write_logit_score

BERT = "BertForSequenceClassification"
SCORE: dict[str, Any] = {"activation_function": None, "module_output_name": "scores"}
CHAINS: dict[str, Callable[[], list[Any]]] = {
    "a dense layer before pooling": lambda: [
        Dense(32, 8, activation_function=torch.nn.GELU(), module_input_name="token_embeddings"),
        Pooling(8, "mean"),
        Dense(8, 1, **SCORE),
    ],
    "past a layer that nobody reads": lambda: [
        Pooling(32, "cls"),
        Dense(32, 8, module_output_name="aside"),
        Dense(32, 1, **SCORE),
    ],
    "through a name of its own": lambda: [
        Pooling(32, "max"),
        Dense(32, 8, module_output_name="inner"),
        Dense(8, 1, module_input_name="inner", **SCORE),
    ],
    "norms and dropout": lambda: [
        Pooling(32, "lasttoken"),
        LayerNorm(32),
        Dropout(0.1),
        Normalize(),
        Dense(32, 1, **SCORE),
    ],
    "two labels": lambda: [Pooling(32, "mean"), Dense(32, 2, **SCORE)],
}


@pytest.fixture(scope="module")
def chain(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Any]], Path]:
    """Modules -> the folder of a chain over the tiny BERT, as sentence-transformers saves it."""
    headless = tmp_path_factory.mktemp("headless")
    tiny(BERT).model.bert.save_pretrained(headless)
    tiny(BERT).tokenizer.save_pretrained(headless)

    def save(modules: list[Any]) -> Path:
        folder = tmp_path_factory.mktemp("chain")
        CrossEncoder(modules=[Transformer(str(headless)), *modules], device="cpu").save(str(folder))
        return folder

    return save


@pytest.fixture(scope="module")
def saved_mean(chain: Callable[[list[Any]], Path]) -> Path:
    torch.manual_seed(0)
    return chain([Pooling(32, "mean"), Dense(32, 1, **SCORE)])


@pytest.fixture
def mean(saved_mean: Path, tmp_path: Path) -> Path:
    """A folder of its own with the shortest chain, for a test to change."""
    return shutil.copytree(saved_mean, tmp_path / "mean")


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_scores_as_theirs_and_is_explained(name: str, chain: Callable[[list[Any]], Path]) -> None:
    torch.manual_seed(0)
    folder = chain(CHAINS[name]())
    if name == "two labels":
        theirs = CrossEncoder(str(folder), device="cpu").predict(PAIRS[:2], show_progress_bar=False)
        ours = [load_reranker(str(folder), device="cpu").score(q, [d])[0] for q, d in PAIRS[:2]]
        assert ours == pytest.approx((theirs[:, 1] - theirs[:, 0]).tolist(), abs=1e-4)
        return
    assert differences(folder, PAIRS) == pytest.approx([0] * len(PAIRS), abs=1e-4)
    loaded = load_reranker(str(folder), device="cpu")
    explanation = explain(loaded, QUERY, PAIRS[0][1], "integrated_gradients")
    assert all(path.relative_delta <= 0.01 for path in explanation.paths)
    output = loaded.outputs(dict(loaded.encode(QUERY, PAIRS[0][1]).inputs), output_hidden_states=True)
    from_states = loaded.family.head(loaded.model, output.hidden_states[-1])  # (1, labels)
    assert loaded.settings.read(from_states).item() == pytest.approx(explanation.logit, abs=1e-5)


def test_weights_of_a_module_as_a_pickle(mean: Path) -> None:
    safe = mean / "2_Dense" / "model.safetensors"
    torch.save(load_file(safe), safe.with_name("pytorch_model.bin"))
    safe.unlink()
    assert differences(mean, PAIRS[:2]) == pytest.approx([0, 0], abs=1e-4)


@pytest.mark.parametrize("save", [pickle.dump, torch.save])
def test_a_pickle_of_a_module_is_not_run(save: Callable[..., None], mean: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    safe = mean / "2_Dense" / "model.safetensors"
    with safe.with_name("pytorch_model.bin").open("wb") as file:
        save({"linear.weight": Evil(marker)}, file)
    safe.unlink()
    with pytest.raises(ModelError, match="weights are damaged, or hold more than weights"):
        load_reranker(str(mean))
    assert not marker.exists()


def edit(file: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def edited(folder: Path) -> None:
        content = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(change(content) or content))

    return edited


def test_an_output_named_by_a_list_of_one(mean: Path) -> None:
    edit(
        "sentence_bert_config.json",
        lambda config: config["modality_config"]["text"].update(method_output_name=["last_hidden_state"]),
    )(mean)
    assert differences(mean, PAIRS[:2]) == pytest.approx([0, 0], abs=1e-4)


def test_an_older_checkpoint_does_not_say_what_its_parts_write(mean: Path) -> None:
    expected = load_reranker(str(mean), device="cpu").score(QUERY, [PAIRS[0][1]])
    edit(
        "sentence_bert_config.json",
        lambda config: [config.pop(k) for k in ("modality_config", "module_output_name")] and config,
    )(mean)
    assert load_reranker(str(mean), device="cpu").score(QUERY, [PAIRS[0][1]]) == pytest.approx(expected)


def at(path: str) -> Callable[[Any], Any]:
    return lambda modules: modules[2].update(path=path)


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "no score at the end": (
        edit("2_Dense/config.json", lambda config: config.update(module_output_name=None)),
        "write no 'scores' after pooling",
    ),
    "a name that nobody writes": (
        edit("2_Dense/config.json", lambda config: config.update(module_input_name="elsewhere")),
        "reads 'elsewhere', where the modules before it write only 'token_embeddings', 'sentence_embedding'",
    ),
    "another output of the model": (
        edit(
            "sentence_bert_config.json",
            lambda config: config["modality_config"]["text"].update(method_output_name=["hidden_states", 1]),
        ),
        r"the output \['hidden_states', 1\] of the method 'forward'",
    ),
    "no output of the model": (
        edit(
            "sentence_bert_config.json", lambda config: config["modality_config"]["text"].update(method_output_name=[])
        ),
        r"the output \[\] of the method 'forward'",
    ),
    "another method": (
        edit("sentence_bert_config.json", lambda config: config["modality_config"]["text"].update(method="encode")),
        "of the method 'encode'",
    ),
    "a class of another package by a known name": (
        edit("modules.json", lambda modules: modules[2].update(type="my_package.Dense")),
        "the module Dense of my_package",
    ),
    "a pooling of another package": (
        edit("modules.json", lambda modules: modules[1].update(type="my_package.deep.Pooling")),
        "the module Pooling of my_package.deep",
    ),
    **{
        f"a module at {path}": (edit("modules.json", at(path)), "outside of its folder")
        for path in ("../2_Dense", "..", "/2_Dense", "1_Pooling/2_Dense")
    },
    "no pooling": (edit("modules.json", lambda modules: [modules[0], modules[2]]), "a chain without Pooling"),
    "weighted layers": (
        edit(
            "modules.json",
            lambda modules: modules[1].update(
                type="sentence_transformers.sentence_transformer.modules.weighted_layer_pooling.WeightedLayerPooling"
            ),
        ),
        "the module WeightedLayerPooling",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_not_followed_is_refused(fault: str, mean: Path) -> None:
    change, says = REFUSED[fault]
    change(mean)
    with pytest.raises(ModelError, match=says):
        load_reranker(str(mean))


def test_a_logit_score_of_another_package_is_refused(tmp_path: Path) -> None:
    folder = save_tiny("Qwen3ForCausalLM", tmp_path)
    edit("modules.json", lambda modules: modules[1].update(type="my_rerank.LogitScore"))(folder)
    with pytest.raises(ModelError, match="the module LogitScore of my_rerank"):
        load_reranker(str(folder))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            edit("sentence_bert_config.json", lambda config: config.update(module_output_name="states")),
            "a first module that writes 'states', where 'causal_logits' is read",
        ),
        (edit("modules.json", lambda modules: modules[:1]), "no LogitScore with Qwen3"),
    ],
)
def test_a_language_model_saved_otherwise_is_read_by_a_template_alone(
    change: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    folder = save_tiny("Qwen3ForCausalLM", tmp_path)
    change(folder)
    with pytest.raises(ModelError, match=says):
        load_reranker(str(folder))
    assert load_reranker(str(folder), device="cpu", template="zerank-1").score(QUERY, ["berlin"])


def test_a_classifier_with_the_score_of_a_language_model_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    write_logit_score(save_tiny(BERT, tmp_path), tiny(BERT).tokenizer, "berlin", None)
    with pytest.raises(ModelError, match=" LogitScore with BERT"):
        load_reranker(str(tmp_path))
