"""The score explained is the one that users of sentence-transformers get: its `predict`, before any sigmoid."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import CrossEncoder

from attribution import load_reranker
from attribution.errors import ModelError
from attribution.rerankers.families import FAMILIES
from tests.conftest import Folder
from tests.tiny_prompts import CHAT, OUTPUT, write_cross_encoder

BERT, ROBERTA, QWEN = "BertForSequenceClassification", "RobertaForSequenceClassification", "Qwen3ForCausalLM"
QUERY = "How many people live in Berlin?"
PAIRS = [
    (QUERY, "berlin has about 3.7 million inhabitants ."),
    (QUERY, "New York is famous for its museums and its park , the largest of the city . " * 12),
    ("the quick brown fox jumps over the lazy dog " * 12, "the quick brown fox jumps over the lazy dog " * 12),
    ("paris", " white space around "),
]
NOT_THEIRS: set[str] = set()  # families that sentence-transformers 6.2 does not score
TASK = {"transformer_task": "sequence-classification", "module_output_name": "scores"}
TEXT, MESSAGE = {"text": OUTPUT}, {"text": OUTPUT, "message": OUTPUT | {"format": "flat"}}
PROMPTS = {"prompts": {"web": "look on the web : ", "no": ""}, "default_prompt_name": "web"}


def differences(folder: Path, pairs: list[tuple[str, str]], **options: Any) -> list[float]:
    """Theirs less ours, one pair at a time: some tokenizers pad where their model cannot have it."""
    theirs = CrossEncoder(str(folder), device="cpu", model_kwargs={"dtype": torch.float32}, **options)
    ours = load_reranker(str(folder), device="cpu", **options)
    found = []
    for query, document in pairs:
        (expected,) = theirs.predict([(query, document)], activation_fn=torch.nn.Identity(), show_progress_bar=False)
        (score,) = ours.score(query, [document])
        found.append(float(expected) - score)
    return found


@pytest.mark.parametrize("architecture", [name for name in FAMILIES if name not in NOT_THEIRS])
def test_every_family(architecture: str, tiny_folder: Folder) -> None:
    pairs = PAIRS if architecture not in FAMILIES or not FAMILIES[architecture].prompt else [*PAIRS[:2], PAIRS[3]]
    assert differences(tiny_folder(architecture), pairs) == pytest.approx([0] * len(pairs), abs=1e-4)


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "prompts": (TASK | {"modality_config": TEXT}, PROMPTS),
    "prompts without a default": (TASK | {"modality_config": TEXT}, {"prompts": PROMPTS["prompts"]}),
    "max_seq_length": (TASK | {"modality_config": TEXT, "max_seq_length": 24}, {}),
    "max_length of a call": (TASK | {"modality_config": TEXT, "processing_kwargs": {"text": {"max_length": 31}}}, {}),
    "model_max_length": (TASK | {"modality_config": TEXT, "processor_kwargs": {"model_max_length": 40}}, {}),
    "lower case": (TASK | {"modality_config": TEXT, "do_lower_case": True}, PROMPTS),
    "chat": (TASK | {"modality_config": MESSAGE}, PROMPTS),
    "chat cut": (TASK | {"modality_config": MESSAGE, "max_seq_length": 60}, {}),
    "an older save": (TASK, {}),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_are_followed(setting: str, tiny_folder: Folder, tmp_path: Path) -> None:
    """Each changes their score, and so ours."""
    transformer, prompts = SETTINGS[setting]
    folder = shutil.copytree(tiny_folder(ROBERTA), tmp_path / "with")
    (folder / "chat_template.jinja").write_text(CHAT)
    write_cross_encoder(folder, {}, transformer, prompts)
    pairs = PAIRS[:2] if "chat" in setting else PAIRS
    assert differences(folder, pairs) == pytest.approx([0] * len(pairs), abs=1e-4)
    plain = load_reranker(str(tiny_folder(ROBERTA)), device="cpu")
    changed = [
        abs(load_reranker(str(folder), device="cpu").score(query, [document])[0] - plain.score(query, [document])[0])
        for query, document in pairs
    ]
    assert (max(changed) > 1e-2) == (setting not in ("an older save", "prompts without a default"))


@pytest.mark.parametrize("chat", [False, True])
def test_files_without_modules_json(chat: bool, tiny_folder: Folder, tmp_path: Path) -> None:
    """They write into any chat template then, and look at no other file of their own."""
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "loose")
    if chat:
        (folder / "chat_template.jinja").write_text(CHAT)
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"model_type": "CrossEncoder", **PROMPTS}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 20, "do_lower_case": True}))
    pairs = PAIRS[:2] if chat else PAIRS
    assert differences(folder, pairs) == pytest.approx([0] * len(pairs), abs=1e-4)


def test_max_length_is_theirs(tiny_folder: Folder) -> None:
    assert differences(tiny_folder(BERT), PAIRS, max_length=33) == pytest.approx([0] * len(PAIRS), abs=1e-4)


@pytest.mark.parametrize("architecture", [BERT, QWEN])
def test_a_model_they_saved(architecture: str, tiny_folder: Folder, tmp_path: Path) -> None:
    """With an instruction of its own, and again without one."""
    theirs = CrossEncoder(
        str(tiny_folder(architecture)), device="cpu", prompts={"q": "find : "}, default_prompt_name="q"
    )
    for name in ("q", None):
        theirs.default_prompt_name = name
        folder = tmp_path / str(name)
        theirs.save(str(folder))
        expected = theirs.predict(PAIRS[:2], activation_fn=torch.nn.Identity(), show_progress_bar=False)
        reranker = load_reranker(str(folder), device="cpu")
        ours = [reranker.score(query, [document])[0] for query, document in PAIRS[:2]]
        assert ours == pytest.approx([float(score) for score in expected], abs=1e-4)


REFUSED: dict[str, dict[str, Any]] = {
    "processing_kwargs.text.stride": {"processing_kwargs": {"text": {"stride": 4}}},
    "processing_kwargs.text.truncation = False": {"processing_kwargs": {"text": {"truncation": False}}},
    "query_expansion": {"query_expansion": {"length": 8}},
    "processor_kwargs.do_basic_tokenize": {"processor_kwargs": {"do_basic_tokenize": False}},
    "config_kwargs.hidden_act": {"config_kwargs": {"hidden_act": "relu"}},
}


@pytest.mark.parametrize("named", REFUSED)
def test_settings_that_are_not_followed_are_refused(named: str, tiny_folder: Folder, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "unknown")
    write_cross_encoder(folder, {}, TASK | {"modality_config": TEXT} | REFUSED[named], {})
    with pytest.raises(ModelError, match="does not follow") as refused:
        load_reranker(str(folder))
    assert named in str(refused.value)


def test_a_module_that_is_not_followed_is_refused(tiny_folder: Folder, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "module")
    write_cross_encoder(folder, {"my_code.Rescale": {}}, TASK | {"modality_config": TEXT}, {})
    with pytest.raises(ModelError, match="the module Rescale"):
        load_reranker(str(folder))
