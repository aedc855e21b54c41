"""A unit is what the model read as one: every tokenizer, any text, and the same units in every room."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import regex
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerBase

from attribution import explain, load_reranker
from attribution.errors import InputError
from attribution.evidence.faithfulness.measure import measure
from attribution.lab.autograd import run_lab
from attribution.lab.internals import look_inside
from attribution.removal import seen_words
from attribution.rerankers.encoding import encode_pair
from attribution.rerankers.reranker import Reranker
from attribution.types import Segment, Token, TokenizedPair, Unit
from attribution.words import read_units, split_words, sum_to_words, template_sum, to_words, units
from tests.conftest import Tiny
from tests.tiny import CONFIGS, tiny_tokenizer

BERT, XLMR, ROBERTA = (f"{name}ForSequenceClassification" for name in ("Bert", "XLMRoberta", "Roberta"))
SEGMENTS: tuple[Segment, Segment] = ("query", "document")
SIGNS = "机器学习很有趣柏林人口"
NASTY = [
    "fast shipping\U0001f600\U0001f600 here",
    "a [SEP] b </s> c <|im_end|> d<mask>",
    "ber\x00lin \x01 x\ufffdy",
    "กรุงเทพเป็นเมืองหลวง",
    "机器学习很有趣。柏林人口",
    "a\u200bb \u200b c\u2060d \ufeff e",
    "so \U0001f600 good",
    "\u200b",
    " berlin  \n paris\t",
    "e\u0301te\u0301 \ufb01n İstanbul ½ العربية",
]
BLANK = regex.compile(r"[\s\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}]*", regex.VERSION1)
nasty_text = st.lists(st.sampled_from([*NASTY, *SIGNS, "berlin", " ", "3.7", "\U0001f600", "\x00", "\u200b"])).map(
    "".join
)
any_text = nasty_text | st.text(st.characters(exclude_categories=["Cs"]))


@cache
def tokenizer_of(kind: str) -> PreTrainedTokenizerBase:
    """A family's tiny tokenizer; "two signs" has pieces of two Chinese signs, as XLM-R's real vocabulary has."""
    if kind == "bundled":
        return load_reranker(device="cpu").tokenizer
    if kind != "two signs":
        return tiny_tokenizer(kind)
    xlmr = tiny_tokenizer(XLMR)
    vocabulary = sorted(xlmr.get_vocab().items(), key=lambda item: item[1])
    pieces = [(piece, -9.0) for piece, _ in vocabulary]
    more = [(piece, -1.0) for piece in ("机器", "\u2581机器", "学习很", "有趣", "柏林", "人口", "\u2581人口")]
    whole: Tokenizer = xlmr.backend_tokenizer
    whole.model = models.Unigram([*pieces, *more], xlmr.unk_token_id)
    return xlmr


# Many families share a tokenizer: one family each of those that read this differently.
READ = {tuple(tiny_tokenizer(kind)(" ".join(NASTY))["input_ids"]): kind for kind in reversed(CONFIGS)}
KINDS = [*reversed(READ.values()), "two signs", "bundled"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def read(kind: str, query: str, document: str, max_length: int = 128) -> TokenizedPair:
    try:
        return encode_pair(tokenizer_of(kind), query, document, max_length)
    except InputError:
        reject()


def seen_by(token: Token, text: str) -> set[int]:
    """The visible characters that a token covers."""
    return {i for i in range(token.start or 0, token.end or 0) if not BLANK.fullmatch(text[i])}


def partition(pair: TokenizedPair, segment: Segment) -> list[tuple[int, int]]:
    """By brute force: the words, any two beside each other joined when a token covers characters of both."""
    text = pair.query if segment == "query" else pair.document
    covers = [seen_by(token, text) for token in pair.tokens if token.segment == segment]
    spans = split_words(text)[:1]
    for start, end in split_words(text)[1:]:
        before, after = (range(*span) for span in (spans[-1], (start, end)))
        one = any(seen & set(before) and seen & set(after) for seen in covers)
        spans = [*spans[:-1], (spans[-1][0], end)] if one else [*spans, (start, end)]
    return spans


@every_kind
@settings(max_examples=20)
@given(query=any_text, document=any_text)
@example(query=NASTY[0], document=" ".join(NASTY))
@example(query=NASTY[4], document="".join(NASTY))
def test_units_are_words_joined_where_a_token_joins_them(kind: str, query: str, document: str) -> None:
    pair = read(kind, query, document, 512)
    for segment in SEGMENTS:
        text = query if segment == "query" else document
        found = units(pair, segment)
        assert [(unit.start, unit.end) for unit in found] == partition(pair, segment)
        assert "".join(unit.text for unit in found) == text
        assert all(unit.text == text[unit.start : unit.end] for unit in found)
        at = [i for unit in found for i in unit.positions]
        assert sorted(at) == [i for i, token in enumerate(pair.tokens) if token.segment == segment]
        for unit in found:
            inside = set(range(unit.start, unit.end))
            assert all(seen_by(pair.tokens[i], text) <= inside for i in unit.positions)
            assert unit.positions == tuple(sorted(unit.positions))


@every_kind
@settings(max_examples=20)
@given(query=any_text, document=any_text, data=st.data())
@example(query=NASTY[4], document="".join(NASTY), data=None)
def test_no_unit_that_a_token_covers_reads_nothing(
    kind: str, query: str, document: str, data: st.DataObject | None
) -> None:
    pair = read(kind, query, document)
    values = [1.0 + i % 7 for i in range(len(pair.tokens))]  # a method that gives no token 0
    total = 0.0
    for segment in SEGMENTS:
        text = query if segment == "query" else document
        words = sum_to_words(pair, values, segment)
        covered = set().union(*(seen_by(token, text) for token in pair.tokens if token.segment == segment))
        for word in words:
            assert (word.attribution is None) or word.attribution >= 1.0
            assert word.attribution is not None or not covered & set(range(word.start, word.end))
        found = [values[i] for positions in seen_words(pair, segment) for i in positions]
        assert math.fsum(found) == math.fsum(word.attribution or 0.0 for word in words)
        assert len(seen_words(pair, segment)) == sum(word.attribution is not None for word in words)
        total += math.fsum(found)
    template = [value for value, token in zip(values, pair.tokens, strict=True) if token.segment == "template"]
    assert total + math.fsum(template) == math.fsum(values)


@every_kind
@settings(max_examples=20)
@given(query=nasty_text, document=nasty_text, max_length=st.integers(8, 40), side=st.sampled_from(["left", "right"]))
@example(query="a", document="so \U0001f600 good \U0001f600\U0001f600 " + SIGNS, max_length=10, side="right")
@example(query="a", document="berlin inhabitants inhabitants inhabitants", max_length=9, side="left")
def test_a_unit_is_cut_when_the_limit_took_some_of_its_tokens(
    kind: str, query: str, document: str, max_length: int, side: str
) -> None:
    tokenizer = tokenizer_of(kind)
    before, tokenizer.truncation_side = tokenizer.truncation_side, side
    try:
        whole, pair = read(kind, query, document, 10_000), read(kind, query, document, max_length)
    finally:
        tokenizer.truncation_side = before
    for segment in SEGMENTS:
        text = query if segment == "query" else document
        tokens = [whole.tokens[i] for i in whole.positions(segment)]
        n_read = len(pair.positions(segment))
        lost = tokens[n_read:] if side == "right" else tokens[: len(tokens) - n_read]
        gone = set().union(*(seen_by(token, text) for token in lost))
        for unit in units(pair, segment):
            assert unit.cut == bool(unit.positions and gone & set(range(unit.start, unit.end)))


def texts(kind: str, document: str) -> list[str]:
    return [unit.text for unit in read_units(read(kind, "berlin", document), "document")]


@pytest.mark.parametrize(
    ("kind", "document", "expected"),
    [
        (BERT, NASTY[0], ["fast", " shipping\U0001f600\U0001f600", " here"]),  # one unknown token
        ("bundled", NASTY[0], ["fast", " shipping\U0001f600\U0001f600", " here"]),
        (BERT, "a [SEP] b", ["a", " [SEP]", " b"]),
        (XLMR, "a </s> b", ["a", " </s>", " b"]),
        (ROBERTA, "a <mask>b", ["a", " <mask>", "b"]),
        ("bundled", "a ber\x00lin", ["a", " ber\x00lin"]),
        ("bundled", "a ber\u200blin\u200b", ["a", " ber\u200blin\u200b"]),
        (BERT, "กรุงเทพ", ["กรุงเทพ"]),
        ("two signs", "机器学习很有趣", ["机器", "学习很", "有趣"]),
        ("two signs", "柏林 人口", ["柏林", " 人口"]),
        (ROBERTA, "so \U0001f600 good", ["so", " \U0001f600", " good"]),  # four byte tokens of one span
        (XLMR, "  berlin \u2060 ", ["  berlin \u2060 "]),  # empty spans, white space around
        (BERT, "x \ufffd y", ["x", " y"]),  # the tokenizer drops the sign, so nothing speaks of it
    ],
)
def test_kinds_of_units(kind: str, document: str, expected: list[str]) -> None:
    assert texts(kind, document) == expected


def test_what_the_tokenizer_drops_stays_on_the_page_without_a_number(tiny_bert: Reranker) -> None:
    words = to_words(explain(tiny_bert, "x", "x \ufffd y", "embedding_magnitude"), "document")
    assert [(word.text, word.attribution is None) for word in words] == [("x", False), (" \ufffd", True), (" y", False)]


@pytest.mark.parametrize(
    ("span", "unit"),
    [
        ((0, 2), "ab"),
        ((1, 4), "ab cd"),  # in two words: they are one
        ((0, 3), "ab"),  # white space of the next is no part of it
        ((2, 3), " cd"),  # the white space alone
        ((2, 5), " cd"),
        ((2, 2), " cd"),  # an empty span, between two words
        ((0, 0), "ab"),
        ((4, 6), " cd! "),
        ((5, 6), "! "),
        ((4, 7), " cd! "),
        ((6, 7), "! "),  # white space at the end
        ((7, 7), "! "),  # an empty span at the very end
    ],
)
@pytest.mark.parametrize("segment", SEGMENTS)
def test_a_token_goes_where_its_characters_are(span: tuple[int, int], unit: str, segment: Segment) -> None:
    text = "ab cd! "
    other: Segment = "document" if segment == "query" else "query"
    tokens = (Token("[CLS]", "template", None, None), Token("x", other, 0, 1), Token("y", segment, *span))
    pair = TokenizedPair(text, text, {}, tokens, False)
    assert [(u.text, u.positions) for u in read_units(pair, segment)] == [(unit, (2,))]


@pytest.mark.parametrize("architecture", [BERT, XLMR])
@pytest.mark.parametrize("document", [" ".join(NASTY), "".join(NASTY)])
def test_the_same_units_in_every_room(architecture: str, document: str, tiny: Tiny) -> None:
    """Cards, faithfulness, occlusion, Inside and the lab; what is masked is read from the model's own inputs."""
    reranker, query = tiny(architecture), NASTY[4]
    explanation = explain(reranker, query, document, "saliency")
    cards = [word for word in to_words(explanation, "document") if word.attribution is not None]
    expected = read_units(explanation, "document")
    assert [word.text for word in cards] == [unit.text for unit in expected]
    inside = look_inside(reranker, reranker.encode(query, document))
    assert [unit.text for unit in inside.words("document")] == [word.text.strip() for word in cards]
    assert [unit.positions for unit in inside.words("document")] == [unit.positions for unit in expected]
    row = next(run_lab(reranker, query, document))
    assert [word.text for word in row.words if word.attribution is not None] == [word.text for word in cards]
    removed = masked_by(reranker, lambda: measure(reranker, {"saliency": explanation}, n_random=2))
    whole = [set(unit.positions) for unit in expected]
    assert all(gone == set().union(*(unit for unit in whole if unit <= gone)) for gone in removed)
    alone = masked_by(reranker, lambda: explain(reranker, query, document, "occlusion"))
    typed = {i for i, token in enumerate(explanation.tokens) if token.text == reranker.tokenizer.mask_token}
    assert [gone for gone in alone if gone and gone <= set().union(*whole)] == [
        unit - typed for unit in whole if unit - typed
    ]


def masked_by(reranker: Reranker, action: Callable[[], object]) -> list[set[int]]:
    """The positions that each sequence through the embeddings had masked."""
    mask = reranker.tokenizer.mask_token_id
    rows: list[list[int]] = []

    def remember(_module: Any, inputs: tuple[Any, ...]) -> None:
        rows.extend(inputs[0].tolist())

    handle = reranker.word_embeddings.register_forward_pre_hook(remember)
    try:
        action()
    finally:
        handle.remove()
    whole = min(rows, key=lambda row: row.count(mask))
    return [{i for i, (a, b) in enumerate(zip(row, whole, strict=True)) if a != b} for row in rows]


def test_sums_hold_in_an_explanation_of_every_kind_of_text(tiny: Tiny) -> None:
    explanation = explain(tiny(XLMR), " ".join(NASTY[:3]), " ".join(NASTY), "saliency")
    words = [word for segment in SEGMENTS for word in to_words(explanation, segment)]
    total = math.fsum(word.attribution for word in words if word.attribution is not None)
    assert total + template_sum(explanation) == pytest.approx(math.fsum(explanation.attributions))


def test_a_cut_word_says_so(tiny_bert: Reranker) -> None:
    short = dataclasses.replace(tiny_bert, max_length=7)
    words = to_words(explain(short, "a", "berlin berlin museums", "embedding_magnitude"), "document")
    assert [(word.text, word.cut, word.attribution is None) for word in words] == [
        ("berlin", False, False),
        (" berlin", True, False),
        (" museums", False, True),
    ]


def test_a_unit_knows_its_place() -> None:
    pair = TokenizedPair("q", "ab cd", {}, (Token("cd", "document", 3, 5),), False)
    assert units(pair, "document") == [
        Unit("ab", "document", (), 0, 2),
        Unit(" cd", "document", (0,), 2, 5),
    ]
