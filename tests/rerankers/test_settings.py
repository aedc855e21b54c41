"""What a checkpoint's files say is followed or refused: lengths, labels, modules, pooling, positions; by hand."""

from __future__ import annotations

import logging
import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from attribution import MODELS, load_reranker
from attribution.errors import ModelError, OptionError
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.families.published import read_published
from attribution.rerankers.loading.files import check_modules
from attribution.rerankers.loading.readout import read_answers, read_labels
from attribution.rerankers.loading.sentence_transformers import (
    HARMLESS,
    LONGEST,
    advice,
    length_note,
    max_length_of,
    refuse_unknown,
)
from attribution.rerankers.prompts import check_room, make_prompt
from attribution.types import ONE_LOGIT
from tests.conftest import Folder
from tests.tiny import tiny_tokenizer


@pytest.mark.parametrize(
    ("own", "config", "tokenizer", "read"),
    [
        ({}, {"max_position_embeddings": 130}, 128, 128),
        ({}, {"max_position_embeddings": 130}, 10**30, 130),
        ({}, {}, 10**30, 512),
        ({}, {"max_position_embeddings": None}, 10**30, 512),
        ({}, {"max_position_embeddings": 100_000}, 10**30, 8192),
        ({"max_seq_length": 20}, {"max_position_embeddings": 130}, 128, 20),
        ({"max_seq_length": 129}, {"max_position_embeddings": 130}, 128, 129),
        ({"processor_kwargs": {"model_max_length": 30}, "max_seq_length": 20}, {}, 128, 30),
        ({"tokenizer_args": {"model_max_length": 30}}, {}, 128, 30),
        ({"processing_kwargs": {"text": {"max_length": 40}}, "max_seq_length": 20}, {}, 128, 40),
    ],
)
def test_a_pair_is_read_to_the_smallest_length_that_is_stated(
    own: dict[str, Any], config: dict[str, Any], tokenizer: int, read: int
) -> None:
    """By hand. What sentence-transformers' files say comes before the tokenizer's word, the positions before both."""
    of: Any = SimpleNamespace(model_max_length=tokenizer)
    bert, roberta = FAMILIES["BertForSequenceClassification"], FAMILIES["RobertaForSequenceClassification"]
    assert max_length_of(own, SimpleNamespace(**config), of, bert, None, "a/b") == read
    for pad in (0, 1, 5):  # the first position that a text has is one behind it
        there = {**config, "max_position_embeddings": 130, "pad_token_id": pad}
        assert max_length_of({}, SimpleNamespace(**there), of, roberta, None, "a/b") == min(tokenizer, 130 - pad - 1)


def test_what_is_not_read_of_what_could_be_is_told() -> None:
    tokenizer: Any = SimpleNamespace(model_max_length=4 * LONGEST)
    for could, told in ((LONGEST - 1, False), (LONGEST, False), (2 * LONGEST, True), (None, False)):
        said = length_note(SimpleNamespace(max_position_embeddings=could), tokenizer, LONGEST)
        assert ("8,192 tokens of a pair are read here, of 16,384" in said) == told
        assert length_note(SimpleNamespace(max_position_embeddings=could), tokenizer, LONGEST - 2) == ""


@pytest.mark.parametrize("architecture", ["T5ForConditionalGeneration", "Qwen2ForSequenceClassification"])
def test_templates_are_for_what_reads_a_prompt(architecture: str) -> None:
    assert advice(FAMILIES[architecture]).startswith("Name a template: ")
    assert advice(FAMILIES["BertForSequenceClassification"]).startswith("Give the folder ")


def test_a_length_is_asked_for_from_8_to_all_that_the_model_has() -> None:
    of: Any = SimpleNamespace(model_max_length=20)
    config, family = SimpleNamespace(max_position_embeddings=130), FAMILIES["BertForSequenceClassification"]
    for asked in (8, 20, 130):
        assert max_length_of({"max_seq_length": 9}, config, of, family, asked, "a/b") == asked
    for asked in (7, 131):
        with pytest.raises(OptionError, match=f"max_length is {asked}; it must be .*8.*130"):
            max_length_of({}, config, of, family, asked, "a/b")


def test_models_that_read_long_texts_are_offered_with_what_is_read_of_them() -> None:
    said = [row.about for row in MODELS.values() if re.search(r"reads \d", row.about)]
    assert len(said) == 3
    assert all(about.endswith(f"reads {LONGEST:,} tokens") for about in said)


@pytest.mark.parametrize(
    ("n", "label", "read"),
    [
        (1, None, (0, None, ONE_LOGIT)),
        (2, None, (1, 0, "the logit of bad less that of good")),
        (2, "good", (0, None, "the logit of good")),
        (2, 0, (0, None, "the logit of good")),
        (3, 2, (2, None, "the logit of 2")),
        (3, "2", (2, None, "the logit of 2")),
        (3, "bad", (1, None, "the logit of bad")),
        (2, 2, None),
        (2, -1, None),
        (1, "bad", None),
        (1, 1, None),
    ],
)
def test_a_label_is_read_by_its_name_or_its_number(n: int, label: Any, read: Any) -> None:
    config = SimpleNamespace(num_labels=n, id2label={0: "good", 1: "bad"})
    if read is None:
        with pytest.raises(OptionError, match=rf"^m has no label {label!r}\. Its labels: good"):
            read_labels(config, "m", label)
        return
    settings = read_labels(config, "m", label)
    assert (settings.true, settings.false, settings.reads) == read
    columns = torch.tensor([[0.5, 2.0, 7.0], [1.0, -3.0, 0.0]])[:, :n]
    expected = columns[:, read[0]] - (0 if read[1] is None else columns[:, read[1]])
    assert settings.read(columns).tolist() == expected.tolist()


@pytest.mark.parametrize("label", [0, 1, "yes"])
def test_a_language_model_has_no_labels(label: Any, tiny_folder: Folder) -> None:
    says = "has no labels: its score is the logit of 'yes' less that of 'no' as the next token. Leave label out."
    with pytest.raises(OptionError, match=re.escape(says)):
        load_reranker(str(tiny_folder("Qwen3ForCausalLM")), device="cpu", label=label)


class Answers(dict[str, int]):
    """A tokenizer's words by their ids; what it does not know is unknown, or, without such a token, nothing."""

    unk_token_id: int | None = None

    def convert_tokens_to_ids(self, word: str) -> int | None:
        return self.get(word, self.unk_token_id)

    def convert_ids_to_tokens(self, key: int) -> str:
        return next(word for word, i in self.items() if i == key)


@pytest.mark.parametrize("unknown", [None, 9])
def test_the_answers_are_the_tokens_that_files_or_templates_name(unknown: int | None) -> None:
    words: Any = Answers({"yes": 0, "no": 3, "true": 7})
    words.unk_token_id = unknown

    def read(score: dict[str, Any], true: str, false: str | None) -> tuple[int, int | None, str]:
        found = read_answers(score, words, "m", true, false)
        return found.true, found.false, found.reads

    assert read({}, "yes", "no") == (0, 3, "the logit of 'yes' less that of 'no' as the next token")
    assert read({}, "no", "yes") == (3, 0, "the logit of 'no' less that of 'yes' as the next token")
    assert read({}, "yes", None) == (0, None, "the logit of 'yes' as the next token")
    named = {"true_token_id": 7, "false_token_id": 0}
    assert read(named, "yes", "no") == (7, 0, "the logit of 'true' less that of 'yes' as the next token")
    assert read({"true_token_id": 3}, "yes", "no") == (3, None, "the logit of 'no' as the next token")
    for true, false, said in (("Ja", "no", "'Ja'"), ("yes", "Nein", "'Nein'"), ("Ja", "Nein", "'Ja' and no 'Nein'")):
        with pytest.raises(ModelError, match=rf"^m has no token {said}, whose logit would be its score\. Give"):
            read({}, true, false)


@pytest.mark.parametrize(
    ("text", "first", "pieces"),
    [
        ("ask : {query} of {document} so ?", "query", ("ask : ", " of ", " so ?")),
        ("of {document} ask : {query} so ?", "document", ("of ", " ask : ", " so ?")),
        ("{query} {document}", "query", ("", " ", "")),
    ],
)
def test_a_prompts_pieces_are_what_stands_around_the_texts(text: str, first: str, pieces: tuple[str, ...]) -> None:
    """And its suffix the tokens that follow both texts, whatever they are."""

    def render(query: str, document: str) -> str:
        return text.format(query=query, document=document)

    tokenizer = tiny_tokenizer("Qwen3ForCausalLM")
    prompt = make_prompt(render, tokenizer, "m")
    assert (prompt.first, prompt.pieces) == (first, pieces)
    assert tokenizer.decode(prompt.suffix_ids) == pieces[2]
    for texts in (("berlin", "paris"), ("how many people", "7"), ("a", "museums of berlin .")):
        ids = tokenizer(prompt.render(*texts))["input_ids"]
        assert ids[len(ids) - len(prompt.suffix_ids) :] == list(prompt.suffix_ids)


@pytest.mark.parametrize("said", ["query 0", "query 2", "document 0", "document 3"])
def test_a_template_holds_each_text_once(said: str) -> None:
    name, n = said.split()
    times = {"query": 1, "document": 1} | {name: int(n)}

    def render(query: str, document: str) -> str:
        return " ; ".join([query] * times["query"] + [document] * times["document"])

    with pytest.raises(ModelError, match=f"holds the {name} {n} times instead of once"):
        make_prompt(render, tiny_tokenizer("Qwen3ForCausalLM"), "m")


def test_a_first_module_in_a_folder_of_its_own_is_refused() -> None:
    types, pooling = ["Transformer", "Pooling"], {"path": "1_Pooling"}
    check_modules("m", types, [{"path": ""}, pooling])
    with pytest.raises(ModelError, match="differ from what its users get: a first module in a folder of its own"):
        check_modules("m", types, [{"path": "0_Transformer"}, pooling])


def test_each_module_that_is_not_followed_is_named_once() -> None:
    for types, said in (
        (["Dense"], "Dense as its first module"),
        (["Own of theirs", "Pooling"], "the module Own of theirs"),
        (["Transformer", "Own of theirs"], "the module Own of theirs"),
    ):
        with pytest.raises(ModelError, match=f"differ from what its users get: {said}\\. Save"):
            check_modules("m", types, [])


def test_settings_that_change_no_score_pass() -> None:
    own: dict[str, Any] = dict.fromkeys([*HARMLESS, "query_expansion"])
    own |= {"unpad_inputs": True, "transformer_task": "any", "module_output_name": "scores", "query_length": 3}
    own |= {"model_kwargs": {"dtype": "float16"}, "config_args": {"num_labels": 1}, "model_args": None}
    own |= {"processor_kwargs": {"padding_side": "left"}, "tokenizer_args": None}
    own["processing_kwargs"] = {"text": {"padding": True, "truncation": "longest_first"}, "audio": None}
    refuse_unknown(own, "m")
    own["processing_kwargs"] = {"audio": {"rate": 1}}
    own["processor_kwargs"] = {"strip_accents": True}
    with pytest.raises(ModelError, match=r"get: processing_kwargs\.audio, processor_kwargs\.strip_accents\. Save"):
        refuse_unknown(own, "m")


GTE: dict[str, Any] = {
    "hidden_size": 32,
    "num_attention_heads": 4,
    "num_hidden_layers": 1,
    "intermediate_size": 8,
    "vocab_size": 9,
    "num_labels": 1,
}


@pytest.mark.parametrize("theta", [None, 500.0])
@pytest.mark.parametrize("factor", [None, 1.0, 8.0])
def test_published_positions_turn_as_their_code_says(theta: float | None, factor: float | None) -> None:
    """NTK scaling by hand: of theta, and of every frequency; without any, theta as it is, 10,000 by default."""
    config = GTE | ({"rope_theta": theta} if theta else {})
    config |= {"rope_scaling": {"type": "ntk", "factor": factor}} if factor else {}
    model = FAMILIES["GteForSequenceClassification"].auto_class.from_config(read_published(config, "m"))
    dim, scale = 8, factor or 1.0
    expected = [1 / ((theta or 10_000) * scale) ** (i / dim) / scale ** (2 / dim) for i in range(0, dim, 2)]
    assert model.gte.rotary_emb.inv_freq.tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("position_embedding_type", "absolute", "position_embedding_type = 'absolute'"),
        ("layer_norm_type", "rms_norm", "layer_norm_type = 'rms_norm'"),
        ("logn_attention_scale", True, "logn_attention_scale = True"),
        ("pack_qkv", False, "pack_qkv = False"),
        ("rope_scaling", {"type": "linear", "factor": 2.0}, "rope_scaling = {'type': 'linear'"),
        ("rope_scaling", {"rope_type": "yarn", "factor": 2.0}, "rope_scaling = {'rope_type': 'yarn'"),
        ("rope_scaling", {"type": "ntk", "factor": 2.0, "mixed_b": 0.5}, "'mixed_b': 0.5"),
    ],
)
def test_what_only_their_own_code_computes_is_refused(key: str, value: Any, said: str) -> None:
    usual = {"position_embedding_type": "rope", "layer_norm_type": "layer_norm", "logn_attention_scale": False}
    read_published(GTE | usual | {"pack_qkv": True, "rope_scaling": {"rope_type": "ntk", "factor": 2.0}}, "m")
    with pytest.raises(ModelError, match=re.escape(said)):
        read_published(GTE | {key: value}, "m")


class Heard(logging.Handler):
    """What is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_room_for_a_pair_in_a_prompt_holds_to_the_token_and_a_long_one_is_no_warning(
    tiny_folder: Folder,
) -> None:
    """The length that the refusal names is enough, one less is not; all are beyond what the tokenizer states, 128."""
    folder = str(tiny_folder("Qwen3ForCausalLM"))
    log, heard = logging.getLogger("transformers"), Heard()
    before = log.level
    log.addHandler(heard)
    log.setLevel(logging.WARNING)
    try:
        reranker = load_reranker(folder, device="cpu", template="qwen3-reranker", max_length=400)
        prompt, tokenizer = reranker.settings.prompt, reranker.tokenizer
        assert prompt
        around = len(tokenizer(prompt.render("", ""), verbose=False)["input_ids"])
        check_room(prompt, tokenizer, around + 16, "m")
        with pytest.raises(ModelError, match=f"of {around} tokens, and reads {around + 16 - 1} in all") as refused:
            check_room(prompt, tokenizer, around + 16 - 1, "m")
        assert f"max_length={around + 16} or more" in str(refused.value)
        long = reranker.encode("paris", "berlin has many people . " * 40)
        assert long.truncated
        assert len(long.tokens) == 400 > around > tokenizer.model_max_length
    finally:
        log.removeHandler(heard)
        log.setLevel(before)
    assert heard.records == []
