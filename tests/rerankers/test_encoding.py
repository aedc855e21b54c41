"""What the model reads of a pair is what the plain tokenizer cuts it to, from any side, whoever else is reading."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from attribution import explain, interaction, load_reranker
from attribution.errors import OptionError
from attribution.removal import seen_words
from attribution.rerankers.encoding import encode_pair, longest_first
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.reranker import Reranker
from attribution.types import Cut, Segment
from tests.conftest import Plain, Tiny

BERT, ROBERTA = "BertForSequenceClassification", "RobertaForSequenceClassification"
XLM, MODERN = "XLMRobertaForSequenceClassification", "ModernBertForSequenceClassification"
QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."
LONG = "the quick brown fox jumps over the lazy dog while paris sleeps . "


@pytest.mark.parametrize("architecture", [BERT, ROBERTA, XLM, MODERN])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("n_query", "n_document"), [(1, 9), (9, 1), (2, 9), (9, 9), (3, 3), (4, 5), (1, 1)])
def test_ids_are_those_of_the_plain_tokenizer_cut(
    architecture: str, side: str, n_query: int, n_document: int, tiny: Tiny, plain: Plain
) -> None:
    """The longest first, as `truncation=True` and sentence-transformers cut; and what was cut is said."""
    tokenizer, _ = plain(architecture)
    query, document = LONG * n_query, (LONG * n_document).strip()
    ours = tiny(architecture).tokenizer
    before, ours.truncation_side = ours.truncation_side, side
    try:
        pair = encode_pair(ours, query, document, 90)
        tokenizer.truncation_side = side
        expected = tokenizer(query, document, truncation=True, max_length=90, return_tensors="pt")
    finally:
        ours.truncation_side = tokenizer.truncation_side = before
        tokenizer.backend_tokenizer.no_truncation()
    assert dict(pair.inputs).keys() == dict(expected).keys()
    assert all(torch.equal(pair.inputs[name], expected[name]) for name in expected)
    whole = tokenizer(query, document, return_offsets_mapping=True, verbose=False)
    assert pair.truncated == bool(pair.cuts) == (len(whole["input_ids"]) > 90)
    texts: dict[Segment, str] = {"query": query, "document": document}
    for number, (segment, text) in enumerate(texts.items()):
        offsets = [
            span for span, of in zip(whole["offset_mapping"], whole.sequence_ids(0), strict=True) if of == number
        ]
        n_read = len(pair.positions(segment))
        lost = offsets[: len(offsets) - n_read] if side == "left" else offsets[n_read:]
        end = lost and (Cut(segment, 0, lost[-1][1]) if side == "left" else Cut(segment, lost[0][0], len(text)))
        assert [cut for cut in pair.cuts if cut.segment == segment] == ([end] if lost else [])


@pytest.mark.parametrize("room", range(9))
def test_longest_first_is_the_librarys_rule(room: int, plain: Plain) -> None:
    tokenizer, _ = plain(BERT)
    for n_query in range(1, 8):
        for n_document in range(1, 8):
            cut = tokenizer("? " * n_query, ". " * n_document, truncation=True, max_length=room + 3)
            sides = cut.sequence_ids(0)
            assert longest_first(n_query, n_document, room) == (sides.count(0), sides.count(1))
    tokenizer.backend_tokenizer.no_truncation()


@pytest.mark.parametrize("architecture", [BERT, ROBERTA, XLM, MODERN, "MPNetForSequenceClassification"])
def test_padding_side_changes_no_score(architecture: str, tiny: Tiny) -> None:
    """Left padding moves positions and the read-out of encoders; ours is always on the side the family reads."""
    reranker = tiny(architecture)
    documents = [DOCUMENT, "museums", LONG * 3]
    singly = [reranker.score(QUERY, [document])[0] for document in documents]
    before, reranker.tokenizer.padding_side = reranker.tokenizer.padding_side, "left"
    try:
        assert reranker.score(QUERY, documents) == pytest.approx(singly, abs=1e-5)
    finally:
        reranker.tokenizer.padding_side = before


@pytest.mark.parametrize("architecture", [ROBERTA, XLM, BERT])
def test_a_typed_padding_token_keeps_its_position_when_masked(architecture: str, tiny: Tiny) -> None:
    """Masking it by id would move every RoBERTa position after it; occlusion and IG must mean the same baseline."""
    reranker = tiny(architecture)
    document = f"berlin {reranker.tokenizer.pad_token} has many people"
    pair = reranker.encode(QUERY, document)
    assert reranker.tokenizer.pad_token in [token.text for token in pair.tokens if token.segment == "document"]
    (path,) = [p for p in explain(reranker, QUERY, document, "shapley", n_samples=2).paths if p.segments[0] != "query"]
    with torch.no_grad():
        by_embedding = reranker.forward_func(pair)(reranker.baselines(pair, "mask")).item()
    assert path.baseline_logit == pytest.approx(by_embedding, abs=1e-5)


def test_the_interaction_of_a_typed_padding_token_moves_no_position(tiny: Tiny) -> None:
    """The document's attributions with `<pad>` masked, and not, add up to differences of plain embeddings' logits."""
    reranker = tiny(ROBERTA)
    query, document = "how <pad> many people", "berlin has many people"
    found = interaction(reranker, query, document, form="integrated_gradients", n_words=9)
    (row,) = [i for i, word in enumerate(found.query_words) if word.text.strip() == "<pad>"]
    pair = reranker.encode(query, document)
    places = seen_words(pair, "query")[row]
    assert "<pad>" in [pair.tokens[i].text for i in places]
    mask = reranker.word_embeddings.get_parameter("weight")[reranker.tokenizer.mask_token_id]

    def logit(embeddings: Tensor, masked: bool) -> float:
        embeddings = embeddings.clone()
        if masked:
            embeddings[:, places] = mask
        with torch.no_grad():
            return reranker.forward_func(pair)(embeddings).item()

    ends = [reranker.embed(pair), reranker.baselines(pair, "mask")]
    whole, without = ([logit(end, masked) for end in ends] for masked in (False, True))
    expected = (whole[0] - whole[1]) - (without[0] - without[1])
    assert sum(found.values[row]) == pytest.approx(expected, abs=2e-3 * max(map(abs, [*whole, *without])))


@pytest.mark.parametrize("architecture", [BERT, ROBERTA, XLM, MODERN])
def test_control_tokens_typed_are_the_visitors_text(architecture: str, tiny: Tiny, plain: Plain) -> None:
    """The model reads them as the plain tokenizer does; the explanation gives them a place in the text."""
    reranker = tiny(architecture)
    separator = reranker.tokenizer.sep_token
    document = f"berlin {separator} paris"
    pair = reranker.encode(QUERY, document)
    ids = plain(architecture)[0](QUERY, document, return_tensors="pt")["input_ids"]
    assert torch.equal(pair.inputs["input_ids"], ids)
    (typed,) = [token for token in pair.tokens if token.text == separator and token.segment == "document"]
    assert document[typed.start : typed.end].strip() == separator


def test_threads_share_no_truncation(tiny_bert: Reranker) -> None:
    """Eight at once, long and short by turns: every one is told what was cut of its own text."""
    texts = [LONG * 20, DOCUMENT] * 15
    gate = threading.Barrier(8)

    def read(share: int) -> list[Any]:
        gate.wait()
        pairs = [tiny_bert.encode(QUERY, text) for text in texts[share:] + texts[:share]]
        return [(pair.document, len(pair.tokens), pair.cuts) for pair in pairs]

    expected = {text: read_alone(tiny_bert, text) for text in set(texts)}
    with ThreadPoolExecutor(8) as pool:
        for share in pool.map(read, range(8)):
            assert all((n, cuts) == expected[text] for text, n, cuts in share)
    assert tiny_bert.tokenizer.backend_tokenizer.truncation is None


def read_alone(reranker: Reranker, text: str) -> tuple[int, tuple[Cut, ...]]:
    pair = reranker.encode(QUERY, text)
    return len(pair.tokens), pair.cuts


def test_max_length_option(tiny_folder: Any, plain: Plain) -> None:
    folder = str(tiny_folder(BERT))
    reranker = load_reranker(folder, max_length=24)
    tokenizer, model = plain(BERT)
    inputs = tokenizer(QUERY, LONG * 9, truncation=True, max_length=24, return_tensors="pt")
    tokenizer.backend_tokenizer.no_truncation()
    with torch.no_grad():
        expected = model(**inputs).logits[0, 0].item()
    assert reranker.score(QUERY, [LONG * 9]) == pytest.approx([expected], abs=1e-5)
    assert explain(reranker, QUERY, LONG * 9, "saliency").truncated
    for wrong in (7, 131, "many"):
        with pytest.raises(OptionError, match="max_length is"):
            load_reranker(folder, max_length=wrong)  # type: ignore[arg-type]


def test_a_baseline_the_model_has_no_embedding_for(tiny_bert: Reranker, tmp_path: Path) -> None:
    """A mask token added to the tokenizer alone is not on offer; the next one is used, and named."""
    tiny_bert.model.save_pretrained(tmp_path)
    tiny_bert.tokenizer.save_pretrained(tmp_path)
    reranker = load_reranker(str(tmp_path))
    reranker.tokenizer.add_special_tokens({"mask_token": "[ANOTHER]"})
    assert replace(reranker).default_baseline == "unk"


@pytest.mark.parametrize("architecture", [name for name, family in FAMILIES.items() if family.prompt])
def test_tokens_of_a_prompt_lie_one_after_another_on_all_of_both_texts(architecture: str, tiny: Tiny) -> None:
    texts = {"query": "how many people", "document": "berlin has about 3.7 million inhabitants ."}
    pair = tiny(architecture).encode(texts["query"], texts["document"])
    for segment, text in texts.items():
        spans = [(token.start, token.end) for token in pair.tokens if token.segment == segment]
        assert spans == sorted(spans)
        covered = {i for start, end in spans if start is not None and end is not None for i in range(start, end)}
        assert covered >= {i for i, character in enumerate(text) if not character.isspace()}
        assert len(spans) >= len(text.split())
    assert {(t.start, t.end) for t in pair.tokens if t.segment == "template"} == {(None, None)}


@pytest.mark.parametrize("architecture", [BERT, ROBERTA, XLM])
@pytest.mark.parametrize("before", ["look on the web : ", "x", "berlin "])
def test_what_is_put_before_a_query_is_no_word_of_the_visitor(
    architecture: str, before: str, tiny: Tiny, plain: Plain
) -> None:
    """The model reads it; the query's tokens lie one after another on all of the query, counted from its start."""
    tokenizer, _ = plain(architecture)
    pair = encode_pair(tiny(architecture).tokenizer, QUERY, DOCUMENT, 128, before)
    assert torch.equal(pair.inputs["input_ids"], tokenizer(before + QUERY, DOCUMENT, return_tensors="pt")["input_ids"])
    spans = [(token.start or 0, token.end or 0) for token in pair.tokens if token.segment == "query"]
    assert spans == sorted(spans)
    assert {i for start, end in spans for i in range(start, end)} >= {i for i, c in enumerate(QUERY) if c != " "}
    assert all(0 <= start < end for start, end in spans)
    assert max(end for _, end in spans) == len(QUERY)
    bare = encode_pair(tiny(architecture).tokenizer, QUERY, DOCUMENT, 128)
    assert [t for t in pair.tokens if t.segment == "document"] == [t for t in bare.tokens if t.segment == "document"]
