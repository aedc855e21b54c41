"""What is printed of which words met is the engine's table, sign by sign; the document's text is whole."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest

from attribution import interaction
from attribution.evidence.interaction import Interaction
from attribution.rerankers.reranker import Reranker
from attribution.views.interaction import N_TOLD, meet_html
from attribution.views.numbers import logit
from attribution.views.text import MAX_ALPHA, PLAIN_BELOW

QUERY, DOCUMENT = "how many people live in berlin ?", "  berlin has about 3.7 million\ninhabitants and museums . "


def shown(found: Interaction) -> str:
    return meet_html(found, name="A", label=None)


@pytest.mark.parametrize("sign", [1, -1])
def test_every_number_its_colour_and_the_text(sign: int, tiny_bert: Reranker) -> None:
    found = interaction(tiny_bert, QUERY, DOCUMENT, n_words=4)
    found = replace(found, values=tuple(tuple(sign * value for value in row) for row in found.values))
    page = shown(found)
    cells = [json.loads(html.unescape(got)) for got in re.findall(r'data-cells="([^"]*)"', page)]
    top = max(abs(value) for row in found.values for value in row)
    for row, values in zip(cells, found.values, strict=True):
        for (kind, alpha, label, _readout), value in zip(row, values, strict=True):
            share = abs(value) / top
            assert kind == (None if share < PLAIN_BELOW else "raises" if value > 0 else "lowers")
            assert alpha == f"{MAX_ALPHA * share:.2f}"
            assert label == logit(value, signed=True)
    assert any(kind for row in cells for kind, *_ in row)
    text = re.search(r'<p class="rl-text rl-link-document"[^>]*>(.*?)</p>', page, re.S)
    assert text
    assert html.unescape(re.sub(r"<[^>]+>", "", text[1])) == DOCUMENT
    partners = re.findall(r'data-j="(\d+)">([^<]*)<', text[1])
    assert [(int(j), word.strip()) for j, word in partners] == [
        (j, word.text) for j, word in enumerate(found.document_words)
    ]


def test_the_strongest_pairs_come_first_and_the_own_effects_last(tiny_bert: Reranker) -> None:
    found = interaction(tiny_bert, QUERY, DOCUMENT, n_words=4)
    page = shown(found)
    told = re.findall(r"‘([^’]*)’ with ‘([^’]*)’ (\S+)</span>", page)
    pairs = {
        (q.text, d.text): value
        for q, row in zip(found.query_words, found.values, strict=True)
        for d, value in zip(found.document_words, row, strict=True)
    }
    strongest = sorted(pairs, key=lambda pair: -abs(pairs[pair]))[:N_TOLD]
    assert told == [(*pair, logit(pairs[pair], signed=True)) for pair in strongest]
    own = [logit(word.attribution or 0.0, signed=True) for word in found.document_words]
    assert all(f">{effect}<" in page for effect in own)
    assert f"the 4 strongest of {found.n_words_seen} document words" in page
    assert f"Full colour: {logit(max(abs(v) for v in pairs.values()))}" in page
