"""What a caller chooses: template, label, precision, limits; and what a result says of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from attribution import METHODS, explain, load_reranker
from attribution.errors import InputError, ModelError, OptionError
from attribution.rerankers import memory
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.prompts import TEMPLATES
from tests.conftest import Folder
from tests.tiny import CHEAP, KINDS, save_tiny

BERT, QWEN, MT5 = "BertForSequenceClassification", "Qwen3ForCausalLM", "MT5ForConditionalGeneration"
QUERY, DOCUMENT = "how many live in berlin?", "berlin has 3.7 million ."
ENCODERS = [name for name in KINDS if not (FAMILIES[name].prompt or FAMILIES[name].pad_left)]


@pytest.mark.parametrize("architecture", ENCODERS)
def test_a_template_is_refused_where_no_prompt_is_read(architecture: str, tiny_folder: Folder) -> None:
    with pytest.raises(OptionError, match=r"template is 'qwen3-reranker', but .* is an encoder.*Leave template out"):
        load_reranker(str(tiny_folder(architecture)), device="cpu", template="qwen3-reranker")


WRITTEN = {
    "zerank-1": "<|im_start|>system\n{q}<|im_end|>\n<|im_start|>user\n{d}<|im_end|>\n<|im_start|>assistant\n",
    "ctxl-rerank": (
        "Check whether a given document contains information helpful to answer the query.\n<Document> {d}\n"
        "<Query> {q} ??"
    ),
}


@pytest.mark.parametrize(("template", "read"), [("zerank-1", "Yes"), ("ctxl-rerank", 0)])
def test_templates_as_their_makers_write_them(template: str, read: str | int, tiny_folder: Folder) -> None:
    """The next token's logit: of "Yes" (modeling_zeranker.py), or of token 0 (the card of ctxl-rerank-v2)."""
    folder = tiny_folder(QWEN)
    reranker = load_reranker(str(folder), device="cpu", template=template, max_length=400)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(WRITTEN[template].format(q=QUERY, d=DOCUMENT), return_tensors="pt")["input_ids"]
    with torch.no_grad():
        last = model(input_ids=ids).logits[0, -1]
    expected = last[read if isinstance(read, int) else tokenizer.convert_tokens_to_ids(read)].item()
    assert reranker.score(QUERY, [DOCUMENT]) == pytest.approx([expected], abs=1e-5)


def test_a_long_pair_keeps_the_end_of_its_template(tiny_folder: Folder) -> None:
    """What asks for the answer is read, whatever is cut."""
    reranker = load_reranker(str(tiny_folder(QWEN)), device="cpu", template="zerank-1", max_length=400)
    ends = reranker.tokenizer("<|im_end|>\n<|im_start|>assistant\n")["input_ids"]
    pair = reranker.encode(QUERY, DOCUMENT * 100)
    assert pair.truncated
    assert pair.inputs["input_ids"][0, -len(ends) :].tolist() == ends


def test_a_template_with_the_document_first_is_cut_at_its_end(tiny_folder: Folder) -> None:
    """As a tokenizer's own truncation cuts it: of the query, which is last; nothing is said to be read that is not."""
    folder = str(tiny_folder(QWEN))
    query = f"{QUERY} {QUERY}"
    text = TEMPLATES["ctxl-rerank"].render(query, DOCUMENT)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    whole = tokenizer(text)["input_ids"]
    reranker = load_reranker(folder, device="cpu", template="ctxl-rerank", max_length=len(whole) - 4)
    pair = reranker.encode(query, DOCUMENT)
    assert pair.inputs["input_ids"][0].tolist() == whole[: len(whole) - 4]
    assert [cut.segment for cut in pair.cuts] == ["query"]
    with pytest.raises(InputError, match=r"document and the prompt around it are \d+ tokens long and leave no room"):
        reranker.encode(QUERY, DOCUMENT * 20)


def test_an_ordinary_chat_template_hears_of_the_templates_that_fit(tmp_path: Path) -> None:
    folder = save_tiny(QWEN, tmp_path)
    (folder / "modules.json").unlink()
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"
    )
    with pytest.raises(ModelError, match=r"Name a template: load_reranker\(\.\.\., template='qwen3-reranker'\) or"):
        load_reranker(str(folder))


def test_mt5_by_the_words_of_mmarco(tiny_folder: Folder) -> None:
    folder = tiny_folder(MT5)
    reranker = load_reranker(str(folder), device="cpu", template="mmarco-mt5")
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = reranker.tokenizer(f"Query: {QUERY} Document: {DOCUMENT} Relevant:", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        logits = model(input_ids=ids, decoder_input_ids=torch.zeros(1, 1, dtype=torch.long)).logits[0, 0]
    yes, no = (reranker.tokenizer.convert_tokens_to_ids(word) for word in ("▁yes", "▁no"))
    assert reranker.score(QUERY, [DOCUMENT]) == pytest.approx([(logits[yes] - logits[no]).item()], abs=1e-5)


def test_a_label_is_named_by_its_number_in_words_too(tmp_path: Path) -> None:
    folder = str(save_tiny(BERT, tmp_path, num_labels=3))
    one, same = (load_reranker(folder, device="cpu", label=label) for label in (1, "1"))
    assert one.score(QUERY, [DOCUMENT]) == same.score(QUERY, [DOCUMENT])
    with pytest.raises(OptionError, match="has no label"):
        load_reranker(folder, label="3")


def test_a_score_too_large_for_float16_is_said_so(tmp_path: Path) -> None:
    folder = save_tiny(BERT, tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["bert.encoder.layer.1.intermediate.dense.weight"] *= 1e5
    save_file(
        {name: weight.float() for name, weight in weights.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float16"}))
    said = load_reranker(str(folder), device="cpu").precision
    assert "a test pair is NaN in float16, which is too small" in said
    assert "apart" not in said


@pytest.mark.parametrize("architecture", [BERT, QWEN])
def test_a_load_in_bfloat16_says_so_and_every_method_runs(architecture: str, tiny_folder: Folder) -> None:
    folder = str(tiny_folder(architecture))
    whole, half = (load_reranker(folder, device="cpu", dtype=dtype) for dtype in ("float32", "bfloat16"))
    assert half.weight_bytes == whole.weight_bytes / 2
    (exact,) = whole.score(QUERY, [DOCUMENT])
    assert half.score(QUERY, [DOCUMENT]) == pytest.approx([exact], rel=0.05, abs=0.1)
    for method in METHODS:
        options: dict[str, Any] = CHEAP.get(method, {})
        explanation = explain(half, QUERY, DOCUMENT, method, **options)
        assert explanation.logit == pytest.approx(exact, rel=0.05, abs=0.1)
        assert "Computed in bfloat16, as asked for" in explanation.precision
    with pytest.raises(OptionError, match="dtype is 'float16'; it must be one of float32, bfloat16"):
        load_reranker(folder, dtype="float16")


def test_limits_are_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a model that reads less than it could because of ours says so, unless the caller named the length."""
    folder = str(save_tiny(QWEN, tmp_path))
    monkeypatch.setattr("attribution.rerankers.loading.load._kept", memory.Loaded())  # the others' models stay
    monkeypatch.setenv("RERANKER_MAX_TOKENS", "100")
    reranker = load_reranker(folder, device="cpu")
    assert reranker.max_length == 100
    said = "At most 100 tokens of a pair are read here, of 128 that this model could read."
    assert said in explain(reranker, QUERY, DOCUMENT, "saliency").precision
    assert load_reranker(folder, device="cpu", max_length=90).precision == ""
    monkeypatch.setenv("RERANKER_MAX_GB", "0.00001")
    with pytest.raises(ModelError, match=r"allowed here\. Set the environment variable RERANKER_MAX_GB .*bfloat16"):
        load_reranker(folder, device="cpu", max_length=200)
    monkeypatch.setenv("RERANKER_MAX_GB", "many")
    with pytest.raises(OptionError, match="RERANKER_MAX_GB is 'many'; it must be a number above 0"):
        memory.limit()
