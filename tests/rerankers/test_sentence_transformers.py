"""The score explained is the one that users of sentence-transformers get: its `predict`, before any sigmoid."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling

from attribution import explain, load_reranker
from attribution.errors import ModelError
from attribution.lab.internals import look_inside
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.families.chain import pooling_of
from tests.conftest import Folder, Tiny
from tests.tiny_prompts import CHAT, OUTPUT, write_cross_encoder
from tests.tiny_published import PUBLISHED

BERT, ROBERTA, QWEN = "BertForSequenceClassification", "RobertaForSequenceClassification", "Qwen3ForCausalLM"
QUERY = "How many people live in Berlin?"
PAIRS = [
    (QUERY, "berlin has about 3.7 million inhabitants ."),
    (QUERY, "New York is famous for its museums and its park , the largest of the city . " * 12),
    ("the quick brown fox jumps over the lazy dog " * 12, "the quick brown fox jumps over the lazy dog " * 12),
    ("paris", " white space around "),
]
NOT_THEIRS = {"T5ForConditionalGeneration", "MT5ForConditionalGeneration", *PUBLISHED}  # not there, or by own code
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
    "chat cut": (TASK | {"modality_config": MESSAGE, "max_seq_length": 110}, {}),
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


ROLES = "{{% for m in messages %}}{{{{ m['role'] }}}}: {} ; {{% endfor %}}so "
PARTS, MARKED = ROLES.format("{{ m['content'] | map(attribute='text') | join }}"), "{{ m.content[0].text }}"
ASKS = {"add_generation_prompt": True, "hint": "shortly", "restore_suffix": True}
FORMS: dict[str, tuple[str, str | None, dict[str, Any]]] = {  # template, the settings' format, its options
    "flat by its template": (ROLES.format("{{ m['content'] }}"), None, {}),
    "parts by its template": (ROLES.format(MARKED), None, {}),
    "parts, found by auto": (ROLES.format(MARKED), "auto", {}),
    "flat, found by auto": (ROLES.format("{{ m['content'] }}"), "auto", {}),
    "parts, as the settings say": (PARTS, "structured", {}),
    "flat, as the settings say": ("{# item.type #}" + ROLES.format("{{ m['content'] }}"), "flat", {}),
    "with options": (ROLES.format("{{ hint }} {{ m['content'] }}") + "{{ add_generation_prompt }}", None, ASKS),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_chat_template_gets_texts_or_parts_as_theirs_does(form: str, tiny_folder: Folder, tmp_path: Path) -> None:
    template, named, options = FORMS[form]
    folder = shutil.copytree(tiny_folder(ROBERTA), tmp_path / "chat")
    (folder / "chat_template.jinja").write_text(template)
    message = OUTPUT | ({"format": named} if named else {})
    own = {"modality_config": {"text": OUTPUT, "message": message}, "processing_kwargs": {"chat_template": options}}
    write_cross_encoder(folder, {}, TASK | own, PROMPTS)
    assert differences(folder, PAIRS[:2]) == pytest.approx([0, 0], abs=1e-4)
    if not (named or options):  # without files of theirs, too
        bare = shutil.copytree(folder, tmp_path / "bare", ignore=shutil.ignore_patterns("modules.json"))
        assert differences(bare, PAIRS[:2]) == pytest.approx([0, 0], abs=1e-4)


@pytest.mark.parametrize("named", [False, True])
def test_a_chat_template_among_several_by_name(named: bool, tiny_folder: Folder, tmp_path: Path) -> None:
    """Without files of theirs the default one; with them the one that the settings name."""
    folder = shutil.copytree(tiny_folder(ROBERTA), tmp_path / "chat")
    (folder / "chat_template.jinja").write_text(ROLES.format("{{ m['content'] }}"))
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "judge.jinja").write_text("paris " + ROLES.format("{{ m['content'] }}"))
    if named:
        options = {"processing_kwargs": {"chat_template": {"chat_template": "judge"}}}
        own = {"modality_config": {"text": OUTPUT, "message": OUTPUT | {"format": "flat"}}}
        write_cross_encoder(folder, {}, TASK | own | options, PROMPTS)
    assert differences(folder, PAIRS[:2]) == pytest.approx([0, 0], abs=1e-4)
    reranker = load_reranker(str(folder), device="cpu")
    read = reranker.tokenizer.decode(reranker.encode("berlin", "museums").inputs["input_ids"][0])
    assert ("paris" in read) == named


@pytest.mark.parametrize("wrong", ["{{ messages[0].content.nothing() }}", "{% if %}", "{{ messages[7]['content'] }}"])
def test_a_chat_template_that_fails_is_named_with_what_to_do(wrong: str, tiny_folder: Folder, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "chat")
    (folder / "chat_template.jinja").write_text(wrong)
    with pytest.raises(
        ModelError, match=r"chat template of .* cannot write a pair \(\w+: .*\)\. Give the folder a chat_template"
    ) as said:
        load_reranker(str(folder))
    assert str(folder) in str(said.value)


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


CHAINS: dict[str, tuple[str, str, list[Any]]] = {
    "BertForSequenceClassification": ("bert", "cls", [Dense(32, 8, activation_function=torch.nn.GELU()), LayerNorm(8)]),
    "ModernBertForSequenceClassification": ("model", "mean", []),
    "XLMRobertaForSequenceClassification": ("roberta", "max", [Dropout(0.1)]),
    "Qwen3ForSequenceClassification": ("model", "lasttoken", [Dense(32, 8)]),
}


@pytest.mark.parametrize("architecture", CHAINS)
def test_a_chain_of_modules(architecture: str, tiny: Tiny, tmp_path: Path) -> None:
    """Transformer, pooling, dense layers: the same scores, and every method runs."""
    base, pooling, middle = CHAINS[architecture]
    reranker = tiny(architecture)
    headless = tmp_path / "headless"
    reranker.model.get_submodule(base).save_pretrained(headless)
    reranker.tokenizer.save_pretrained(headless)
    torch.manual_seed(0)
    width = 8 if any(isinstance(module, Dense) for module in middle) else 32
    last = Dense(width, 1, activation_function=None, module_output_name="scores")
    chain = CrossEncoder(modules=[Transformer(str(headless)), Pooling(32, pooling), *middle, last], device="cpu")
    chain.save(str(tmp_path / "chain"))
    assert differences(tmp_path / "chain", PAIRS) == pytest.approx([0] * len(PAIRS), abs=1e-4)
    loaded = load_reranker(str(tmp_path / "chain"), device="cpu")
    singly = [loaded.score(query, [document])[0] for query, document in PAIRS[:1] * 2]
    assert loaded.score(QUERY, [PAIRS[0][1], PAIRS[1][1]])[0] == pytest.approx(singly[0], abs=1e-4)
    for method in ("saliency", "integrated_gradients", "attention", "layerwise_relevance"):
        explanation = explain(loaded, QUERY, PAIRS[0][1], method)
        assert explanation.logit == pytest.approx(singly[0], abs=1e-5)
        assert all(path.relative_delta <= 0.01 for path in explanation.paths)
    inside = look_inside(loaded, loaded.encode(QUERY, PAIRS[0][1]))
    assert inside.readout[-1] == pytest.approx(inside.logit, abs=1e-5)


def test_a_language_model_saved_to_read_bare_pairs(tiny_folder: Folder, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder(QWEN), tmp_path / "bare")
    transformer = json.loads((folder / "sentence_bert_config.json").read_text())
    transformer["modality_config"] = TEXT
    (folder / "sentence_bert_config.json").write_text(json.dumps(transformer))
    assert differences(folder, PAIRS) == pytest.approx([0] * len(PAIRS), abs=1e-4)


@pytest.mark.parametrize(("asked", "read"), [(40, 40), (10_000, None)])
def test_a_calls_own_length_takes_the_tokenizers_place_and_not_the_models(
    asked: int, read: int | None, tiny_folder: Folder, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "call")
    own = {"processor_kwargs": {"model_max_length": 30}, "processing_kwargs": {"text": {"max_length": asked}}}
    write_cross_encoder(folder, {}, TASK | {"modality_config": TEXT} | own, {})
    reranker = load_reranker(str(folder))
    assert reranker.max_length == (read or reranker.model.config.max_position_embeddings)


REFUSED: dict[str, dict[str, Any]] = {
    "processing_kwargs.text.stride": {"processing_kwargs": {"text": {"stride": 4}}},
    "processing_kwargs.text.truncation = False": {"processing_kwargs": {"text": {"truncation": False}}},
    "chat_template.max_length": {"processing_kwargs": {"chat_template": {"max_length": 20}}},
    "chat_template.truncation": {"processing_kwargs": {"chat_template": {"truncation": False}}},
    "restore_suffix = False": {"processing_kwargs": {"chat_template": {"restore_suffix": False}}},
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


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "by no rule that is known;"),
        ({"pooling_mode": "weightedmean"}, "by weightedmean;"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "by cls, mean;"),
        ({"pooling_mode": "max", "include_prompt": False}, "by max, its prompt left out;"),
    ],
)
def test_a_pooling_that_is_not_followed_is_refused(config: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=re.escape(f"pools {said} this program pools by one of cls, mean,")):
        pooling_of(config, tmp_path)


def test_a_module_that_is_not_followed_is_refused(tiny_folder: Folder, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder(BERT), tmp_path / "module")
    write_cross_encoder(folder, {"my_code.Rescale": {}}, TASK | {"modality_config": TEXT}, {})
    with pytest.raises(ModelError, match="the module Rescale"):
        load_reranker(str(folder))
