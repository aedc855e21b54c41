"""A pair of texts -> the ids a model reads, each with its segment and span; cut as sentence-transformers cuts.

The tokenizer is only ever asked for whole texts, and ids are cut here: asking it to truncate writes into the tokenizer
that all threads share, and then a long text of one visitor comes back uncut to another.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedTokenizerBase

from attribution.errors import InputError
from attribution.rerankers.prompts import Prompt
from attribution.types import SIDES, Cut, Segment, Token, TokenizedPair

WHOLE: dict[str, Any] = {"return_offsets_mapping": True, "padding": False, "truncation": False, "verbose": False}
Span = tuple[int, int]


class EncodedRow(NamedTuple):
    """One token: its segment, its characters there, which mean nothing in the template, and what the model is given."""

    segment: Segment
    start: int
    end: int
    inputs: dict[str, int]


Rows = list[EncodedRow]


def encode_pair(
    tokenizer: PreTrainedTokenizerBase, query: str, document: str, max_length: int, before: str = ""
) -> TokenizedPair:
    """The tokenizer's own pair template with `before` put before the query, the longer text cut to fit `max_length`.

    As `longest_first` says. Raises `InputError`.
    """
    encoded: Any = tokenizer(before + query, document, **WHOLE)
    sides = encoded.sequence_ids(0)
    offsets = encoded.pop("offset_mapping")
    rows: Rows = []
    for side, (start, end), inputs in zip(sides, offsets, _by_token(encoded), strict=True):
        segment: Segment = "template" if side is None else SIDES[side]
        if segment == "query":  # what stands before the query is not the visitor's
            segment = "template" if before and end <= len(before) else "query"
            start, end = max(0, start - len(before)), max(0, end - len(before))
        rows.append(EncodedRow(segment, start, end, inputs))
    places = [[i for i, of in enumerate(sides) if of == side] for side in (0, 1)]
    room = max_length - (len(sides) - len(places[0]) - len(places[1]))
    stay = longest_first(len(places[0]), len(places[1]), room)
    left = tokenizer.truncation_side == "left"
    gone = {i for at, n in zip(places, stay, strict=True) for i in (at[: len(at) - n] if left else at[n:])}
    return _pair(tokenizer, (query, document), [row for i, row in enumerate(rows) if i not in gone], rows, left)


def longest_first(n_query: int, n_document: int, room: int) -> tuple[int, int]:
    """How many tokens of each text stay: the longer is cut to the shorter before both are, as in `tokenizers`."""
    short, long = sorted((n_query, n_document))
    long = short if short > room else max(short, room - short) if short + long > room else long
    if short + long > room:
        short, long = room // 2, room // 2 + room % 2
    return (long, short) if n_query > n_document else (short, long)


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase, query: str, document: str, max_length: int, prompt: Prompt
) -> TokenizedPair:
    """One text written by `prompt`, cut at its end: of the document, or the query after it. Raises `InputError`."""
    text, spans = prompt.write(query, document)
    encoded: Any = tokenizer(text, add_special_tokens=prompt.add_special_tokens, **WHOLE)
    offsets = encoded.pop("offset_mapping")
    rows = [
        EncodedRow(*_placed(offset, spans), inputs) for offset, inputs in zip(offsets, _by_token(encoded), strict=True)
    ]
    if len(rows) >= max_length and tokenizer.truncation_side == "left":
        raise InputError(
            f"This pair takes {len(rows)} tokens of the {max_length} that this model reads, and its tokenizer cuts at "
            "the left end, where the instructions of its prompt are. Shorten the document."
        )
    kept = rows if len(rows) < max_length else cut_end(rows, max_length, prompt)
    return _pair(tokenizer, (query, document), kept, rows, left=False)


def cut_end(rows: Rows, max_length: int, prompt: Prompt) -> Rows:
    """To `max_length`, the prompt's end over the last tokens, as sentence-transformers has it. Raises `InputError`."""
    ones = {name: 1 if name == "attention_mask" else 0 for name in rows[0].inputs}
    end = [EncodedRow("template", 0, 0, {**ones, "input_ids": token_id}) for token_id in prompt.suffix_ids]
    kept = rows[: max_length - len(end)]
    last: Segment = "document" if prompt.first == "query" else "query"
    if any(row.segment == last for row in rows) and all(row.segment != last for row in kept):
        before = next(i for i, row in enumerate(rows) if row.segment == last)
        raise InputError(
            f"The {prompt.first} and the prompt around it are {before + len(end)} tokens long and leave no room for "
            f"the {last}: this model reads {max_length} tokens in all. Shorten the {prompt.first}."
        )
    return kept + end


def _by_token(encoded: Mapping[str, Sequence[int]]) -> list[dict[str, int]]:
    """What the model is given for each token, by the input's name."""
    names = list(encoded)
    return [dict(zip(names, values, strict=True)) for values in zip(*encoded.values(), strict=True)]


def _placed(offset: Span, spans: dict[Segment, Span]) -> tuple[Segment, int, int]:
    """The text that a token overlaps, and its characters there; one that straddles a border is of the visitor's."""
    segment, (start, end) = max(spans.items(), key=lambda of: min(offset[1], of[1][1]) - max(offset[0], of[1][0]))
    first, last = max(offset[0], start) - start, min(offset[1], end) - start
    return segment if first < last else "template", first, last


def _pair(
    tokenizer: PreTrainedTokenizerBase, texts: tuple[str, str], kept: Rows, whole: Rows, left: bool
) -> TokenizedPair:
    """`kept`: the rows the model reads, out of the `whole` pair's; cut at the texts' `left` end, else the right."""
    for segment in SIDES:
        if not any(row.segment == segment for row in kept):
            raise InputError(f"The {segment} holds no character this model can read. Type or paste some words.")
    names = tokenizer.convert_ids_to_tokens([row.inputs["input_ids"] for row in kept])
    tokens = tuple(
        Token(name, row.segment, *((None, None) if row.segment == "template" else (row.start, row.end)))
        for name, row in zip(names, kept, strict=True)
    )
    cuts = []
    for segment, typed in zip(SIDES, texts, strict=True):
        seen, all_of_it = ([row for row in rows if row.segment == segment] for rows in (kept, whole))
        lost = all_of_it[: len(all_of_it) - len(seen)] if left else all_of_it[len(seen) :]
        if lost:
            cuts.append(Cut(segment, 0, lost[-1].end) if left else Cut(segment, lost[0].start, len(typed)))
    inputs = {name: torch.tensor([row.inputs[name] for row in kept])[None] for name in kept[0].inputs}  # (1, seq) each
    return TokenizedPair(*texts, inputs, tokens, bool(cuts), tuple(cuts))


def typed_control(tokenizer: PreTrainedTokenizerBase, pair: TokenizedPair) -> tuple[str, ...]:
    """The control tokens of the tokenizer that stand in the texts themselves, each once, in order."""
    special = set(tokenizer.all_special_ids)
    special |= {key for key, token in tokenizer.added_tokens_decoder.items() if token.special}
    texts = {"query": pair.query, "document": pair.document}
    ids = pair.inputs["input_ids"][0].tolist()
    typed = [
        token.text
        for token, key in zip(pair.tokens, ids, strict=True)
        if key in special and token.segment in texts and texts[token.segment][token.start : token.end] == token.text
    ]
    return tuple(dict.fromkeys(typed))
