"""Every family, on a tiny random model: the logit explained is the plain model's, however padded, by any method."""

from __future__ import annotations

import json
import shutil
import warnings
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from attribution import METHODS, explain, load_reranker
from attribution.errors import AttributionError, InputError, ModelError, OptionError
from attribution.rerankers.encoding import typed_control
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.reranker import Reranker
from attribution.views.score import score_html
from tests.conftest import Folder, Tiny
from tests.tiny import CHEAP, save_tiny
from tests.tiny_published import PUBLISHED

QUERY, DOCUMENT = "how many live in berlin?", "berlin has 3.7 million ."
DOCUMENTS = [DOCUMENT, "museums", "paris is the capital of france . the quick brown fox jumps over the lazy dog ."]
GTE, HYBRID = "NewForSequenceClassification", "Qwen3_5ForCausalLM"
QWEN, GEMMA = "Qwen3ForCausalLM", "GemmaForCausalLM"
every_family = pytest.mark.parametrize("architecture", FAMILIES)


@torch.no_grad()
def plain_logit(reranker: Reranker, folder: Any, inputs: dict[str, Tensor]) -> float:
    """The files through the library alone, and the logit read as their makers read it."""
    model = reranker.family.auto_class.from_pretrained(folder, dtype=torch.float32).eval()
    t5 = model.config.is_encoder_decoder
    logits = model(**inputs, **({"decoder_input_ids": torch.zeros(1, 1, dtype=torch.long)} if t5 else {})).logits
    if logits.ndim == 2:
        return float(logits[0, 0])
    words = ("\u2581true", "\u2581false", "Yes") if t5 else ("yes", "no", "Yes")
    yes, no, only = (reranker.tokenizer.convert_tokens_to_ids(word) for word in words)
    last = logits[0, -1]
    return float(last[only] if reranker.settings.false is None else last[yes] - last[no])


def padded(reranker: Reranker, left: bool) -> dict[str, Tensor]:
    """All `DOCUMENTS` in one batch, padded as a caller may."""
    pairs = [reranker.encode(QUERY, document) for document in DOCUMENTS]
    length = max(len(pair.tokens) for pair in pairs)
    fill = {"input_ids": reranker.pad_id}

    def pad(name: str, value: Tensor) -> Tensor:
        missing = length - value.shape[1]
        return torch.nn.functional.pad(value, (missing, 0) if left else (0, missing), value=fill.get(name, 0))

    return {name: torch.cat([pad(name, pair.inputs[name]) for pair in pairs]) for name in pairs[0].inputs}


@every_family
def test_positions_start_after_the_padding_where_the_model_keeps_none_for_it(architecture: str, tiny: Tiny) -> None:
    modules = tiny(architecture).model.named_modules()
    places = [
        one for name, one in modules if name.endswith("position_embeddings") and isinstance(one, torch.nn.Embedding)
    ]
    assert FAMILIES[architecture].offset_positions == any(one.padding_idx is not None for one in places)


@every_family
def test_one_logit_by_every_route(architecture: str, tiny: Tiny, tiny_folder: Folder) -> None:
    reranker = tiny(architecture)
    pair = reranker.encode(QUERY, DOCUMENT)
    singly = [reranker.score(QUERY, [document])[0] for document in DOCUMENTS]
    assert max(singly) - min(singly) > 0.05  # a score that depends on its input
    if architecture not in PUBLISHED:  # their own code is never run; tested in test_published
        assert plain_logit(reranker, tiny_folder(architecture), dict(pair.inputs)) == pytest.approx(singly[0], abs=1e-5)
    with torch.no_grad():
        assert reranker.forward_func(pair)(reranker.embed(pair)).item() == pytest.approx(singly[0], abs=1e-5)
        assert reranker.logit_from_block(pair)[1].item() == pytest.approx(singly[0], abs=1e-5)
        for left in (True, False) if reranker.family.pad_left else (False,):
            assert reranker.forward(padded(reranker, left)).tolist() == pytest.approx(singly, abs=1e-4)
    before = reranker.tokenizer.padding_side
    for side in ("left", "right"):
        reranker.tokenizer.padding_side = side
        assert reranker.score(QUERY, DOCUMENTS) == pytest.approx(singly, abs=1e-4)
    reranker.tokenizer.padding_side = before


@every_family
def test_every_method_runs_or_says_what_to_do(architecture: str, tiny: Tiny) -> None:
    reranker = tiny(architecture)
    logit = reranker.score(QUERY, [DOCUMENT])[0]
    refused = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for method in METHODS:
            try:
                explanation = explain(reranker, QUERY, DOCUMENT, method, **CHEAP.get(method, {}))
            except AttributionError as error:
                refused.append((method, str(error)))
                continue
            assert explanation.logit == pytest.approx(logit, abs=1e-5)
            assert any(explanation.attributions)
            for path in explanation.paths:
                assert path.baseline == reranker.default_baseline
                if method == "integrated_gradients":
                    assert path.relative_delta <= 0.01
    unread = [] if reranker.family.states else ["attention", "attention_rollout"]
    if architecture == HYBRID:  # three layers in four have no attention weights and a norm of another kind
        unread = ["layerwise_relevance", "attention", "attention_rollout"]
    assert [method for method, _ in refused] == unread
    assert all("Choose" in said for _, said in refused)


@every_family
def test_tokens_are_the_texts_in_order(architecture: str, tiny: Tiny) -> None:
    """Spans cover each text, also where a token straddles the prompt's border; control words typed are text."""
    reranker = tiny(architecture)
    control = reranker.tokenizer.all_special_tokens[0]
    for query, document in ((QUERY, DOCUMENT), ("berlin?", f"paris {control} park")):
        pair = reranker.encode(query, document)
        for segment, text in (("query", query), ("document", document)):
            tokens = [token for token in pair.tokens if token.segment == segment]
            spans = [(token.start or 0, token.end or 0) for token in tokens]
            assert spans == sorted(spans)
            assert {i for start, end in spans for i in range(start, end)} >= {
                i for i, character in enumerate(text) if not character.isspace()
            }
        assert not pair.truncated
        assert all(token.start is token.end is None for token in pair.tokens if token.segment == "template")
    assert typed_control(reranker.tokenizer, pair) == (control,)
    around, without = (
        [token.text for token in p.tokens if token.segment == "template"]
        for p in (pair, reranker.encode("berlin?", "paris park"))
    )
    assert around == without, "a text that ends the prompt changed what is around it"


def test_a_model_offers_the_baselines_it_has(tiny: Tiny) -> None:
    bert, roberta = tiny("BertForSequenceClassification"), tiny("RobertaForSequenceClassification")
    assert bert.baseline_names == ["mask", "unk", "pad", "zero"]
    assert roberta.baseline_names == ["mask", "space", "unk", "pad", "zero"]
    with pytest.raises(OptionError, match="Valid: mask, unk, pad, zero"):
        bert.baseline_id("space")


@pytest.mark.parametrize("architecture", [QWEN, GEMMA, "Qwen3ForSequenceClassification"])
def test_baselines_without_a_mask_token(architecture: str, tiny: Tiny) -> None:
    """A single space in place of every word, by embedding: the ids, and so what is read, stay."""
    reranker = tiny(architecture)
    pair = reranker.encode(QUERY, DOCUMENT)
    assert reranker.default_baseline == "space"
    assert not str(reranker.tokenizer.decode([reranker.baseline_id("space")])).strip()
    ids = pair.inputs["input_ids"].clone()
    ids[:, pair.positions("document")] = reranker.baseline_id("space")
    with torch.no_grad():
        expected = reranker.forward({**pair.inputs, "input_ids": ids}).item()
        assert reranker.forward_func(pair)(reranker.baselines(pair, "space")).item() == pytest.approx(
            expected, abs=1e-5
        )
        # Padding ids at a text's end would move a classifier's read-out; their embeddings do not.
        as_pad = reranker.forward_func(pair)(reranker.baselines(pair, "pad", ("query", "document")))
    (path,) = explain(reranker, QUERY, DOCUMENT, baselines="pad", joint=True, tolerance=1.0).paths
    assert path.baseline_logit == pytest.approx(as_pad.item(), abs=1e-5)


def test_a_classifier_whose_text_ends_with_its_padding_id(tiny: Tiny) -> None:
    """The model reads the last id that is not padding; so do the attention and the probe of what is read."""
    reranker = tiny("Qwen3ForSequenceClassification")
    document = f"berlin has many {reranker.tokenizer.pad_token}"
    pair = reranker.encode(QUERY, document)
    assert reranker.family.read_positions(reranker.model, dict(pair.inputs)) == [len(pair.tokens) - 2]
    attention = explain(reranker, QUERY, document, "attention").attributions
    assert attention[-1] == pytest.approx(0, abs=1e-6)  # behind what is read
    assert attention[-2] > 0


def test_a_classifier_that_finds_padding_ids_alone_reads_the_first(tiny: Tiny) -> None:
    reranker = tiny("Qwen3ForSequenceClassification")
    pad = reranker.tokenizer.pad_token
    pair = reranker.encode(pad, pad)
    assert set(pair.inputs["input_ids"][0].tolist()) == {reranker.pad_id}
    twin = reranker.trainable()
    output = twin.outputs(dict(pair.inputs), output_hidden_states=True)
    (grad,) = torch.autograd.grad(twin.read_logit(output)[0], output.hidden_states[-1])
    assert grad[0].norm(dim=-1).nonzero()[:, 0].tolist() == [0]
    assert reranker.family.read_positions(reranker.model, dict(pair.inputs)) == [0]


def test_the_document_alone_is_cut(tiny: Tiny) -> None:
    reranker = tiny(QWEN)
    short = reranker.encode(QUERY, DOCUMENT)
    long = reranker.encode(QUERY, DOCUMENT * 40)
    assert len(long.tokens) == reranker.max_length
    suffix = len(short.tokens) - 1 - short.positions("document")[-1]
    assert [token.text for token in long.tokens[-suffix:]] == [token.text for token in short.tokens[-suffix:]]
    assert [cut.segment for cut in long.cuts] == ["document"]
    assert (DOCUMENT * 40)[: long.cuts[0].start].startswith(DOCUMENT * 2)
    with pytest.raises(InputError, match="Shorten the query"):
        reranker.encode(QUERY * 40, DOCUMENT)
    reranker.tokenizer.truncation_side = "left"  # would cut the prompt's own instructions
    with pytest.raises(InputError, match=r"cuts at the left end.*Shorten the document"):
        reranker.encode(QUERY, DOCUMENT * 40)
    assert reranker.encode(QUERY, DOCUMENT).tokens == short.tokens
    reranker.tokenizer.truncation_side = "right"


def test_a_language_model_without_a_prompt(tmp_path: Any) -> None:
    """Refused, with the ways out; a published template is one of them, and is taken whole where files name another."""
    folder = save_tiny(QWEN, tmp_path)
    asks_otherwise = load_reranker(str(folder), template="mxbai-rerank-v2", max_length=512)
    assert asks_otherwise.settings.reads.startswith("the logit of '1' less that of '0'")
    for name in ("modules.json", "chat_template.jinja"):
        (folder / name).unlink()
    with pytest.raises(ModelError, match=r"without a prompt.*qwen3-reranker.*chat_template\.jinja"):
        load_reranker(str(folder))
    with pytest.raises(OptionError, match="template is 'qwen'"):
        load_reranker(str(folder), template="qwen")
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    with pytest.raises(ModelError, match="the document 0 times"):
        load_reranker(str(folder))
    reranker = load_reranker(str(folder), template="qwen3-reranker", max_length=512)
    pair = reranker.encode("a {document} b", "c {query} d")
    text = reranker.tokenizer.decode(pair.inputs["input_ids"][0])
    assert "<Query>: a {document} b\n<Document>: c {query} d<|im_end|>" in text
    assert "'yes' less that of 'no'" in reranker.settings.reads
    with pytest.raises(ModelError, match=r"a prompt of \d+ tokens, and reads 64 in all.*max_length=\d+ or more"):
        load_reranker(str(folder), template="qwen3-reranker", max_length=64)
    assert "the logit of '1'" in load_reranker(str(folder), template="mxbai-rerank-v2", max_length=512).settings.reads


def test_gte_as_published(tiny: Tiny, tiny_folder: Folder) -> None:
    """The saved weights with the frequencies that their own code computes: NTK scaling of theta, and of each."""
    model = transformers.GteForSequenceClassification.from_pretrained(
        tiny_folder("GteForSequenceClassification")
    ).eval()
    steps = torch.arange(0, 8, 2) / 8
    model.gte.rotary_emb.inv_freq = 1 / (20000 * 8) ** steps / 8 ** (2 / 8)
    reranker = tiny(GTE)
    pair = reranker.encode(QUERY, DOCUMENT)
    with torch.no_grad():
        expected = model(**pair.inputs).logits[0, 0].item()
    assert reranker.score(QUERY, [DOCUMENT]) == pytest.approx([expected], abs=1e-5)
    assert abs(tiny("GteForSequenceClassification").score(QUERY, [DOCUMENT])[0] - expected) > 1e-4


def test_gte_of_another_kind_is_refused(tmp_path: Any) -> None:
    folder = save_tiny(GTE, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"logn_attention_scale": True}))
    with pytest.raises(ModelError, match=r"needs code of its own.*logn_attention_scale = True"):
        load_reranker(str(folder))


@pytest.mark.parametrize(
    ("architecture", "config", "said"),
    [
        ("JinaForRanking", {}, "a list of documents at once"),
        ("ConvBertForSequenceClassification", {}, "reads padding"),
        ("BigBirdForSequenceClassification", {"attention_type": "block_sparse"}, "original_full"),
        ("JinaBertForSequenceClassification", {"auto_map": {"AutoModel": "x.Y"}}, "needs code of its own"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    architecture: str, config: dict[str, Any], said: str, tiny_folder: Folder, tmp_path: Any
) -> None:
    folder = shutil.copytree(tiny_folder("BertForSequenceClassification"), tmp_path / "other")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | config | {"architectures": [architecture]}))
    with pytest.raises(ModelError, match=said) as refused:
        load_reranker(str(folder))
    assert architecture in str(refused.value) or "attention_type" in str(refused.value)


def test_labels(tmp_path: Any) -> None:
    """Two: the second's logit less the first's, or the one named; three: the one named, else a refusal listing them."""
    bert = "BertForSequenceClassification"
    for n in (2, 3):
        folder = save_tiny(bert, tmp_path / str(n), num_labels=n)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
        with torch.no_grad():
            logits = model(**tokenizer(QUERY, DOCUMENT, return_tensors="pt")).logits[0]
        for label, at in (("LABEL_0", 0), (1, 1), ("LABEL_1", 1)):
            named = load_reranker(str(folder), label=label)
            assert named.score(QUERY, [DOCUMENT]) == pytest.approx([logits[at].item()], abs=1e-5)
            explanation = explain(named, QUERY, DOCUMENT, "saliency")
            assert f"LABEL_{at}" in explanation.reads
            assert f"The number is {explanation.reads}" in score_html(explanation)
        with pytest.raises(OptionError, match=r"no label 'LABEL_7'.*LABEL_0, LABEL_1"):
            load_reranker(str(folder), label="LABEL_7")
        if n == 2:
            odds = (logits[1] - logits[0]).item()
            assert load_reranker(str(folder)).score(QUERY, [DOCUMENT]) == pytest.approx([odds], abs=1e-5)
            path = explain(load_reranker(str(folder)), QUERY, DOCUMENT).paths[0]
            assert path.relative_delta <= 0.01
        else:
            with pytest.raises(ModelError, match=r"3 labels.*label=.*LABEL_0, LABEL_1, LABEL_2"):
                load_reranker(str(folder))
