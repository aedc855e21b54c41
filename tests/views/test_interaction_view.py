"""What is printed of the interactions is the engine's table, sign by sign; the document's text is whole."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from attribution import interaction
from attribution.evidence.compare.interaction import Interaction
from attribution.numbers import fixed, logit, signed_number
from attribution.rerankers.reranker import Reranker
from attribution.views.interaction import meet_html
from attribution.views.text import MAX_ALPHA, PLAIN_BELOW

QUERY, DOCUMENT = "how many people live in berlin ?", "  berlin has about 3.7 million\ninhabitants and museums . "


def shown(found: Interaction) -> str:
    return meet_html(found, name="A", label=None)


def content(found: Interaction) -> Interaction:
    """Without the query's stop words and punctuation; of the document none was chosen."""
    assert [word.text for word in found.query_words] == ["how", "many", "people", "live", "in", "berlin", "?"]
    rows = (1, 2, 3, 5)
    assert all(word.text in ("berlin", "3.7", "million", "inhabitants", "museums") for word in found.document_words)
    words = tuple(found.query_words[i] for i in rows)
    return replace(found, query_words=words, values=tuple(found.values[i] for i in rows))


@pytest.mark.parametrize("sign", [1, -1])
def test_every_number_its_colour_and_the_text(sign: int, tiny_bert: Reranker) -> None:
    found = interaction(tiny_bert, QUERY, DOCUMENT, n_words=4)
    found = replace(found, values=tuple(tuple(sign * value for value in row) for row in found.values))
    page, found = shown(found), content(found)
    assert '<p class="rl-link-query" dir="auto"' in page  # whose first word is at the right, in Arabic
    cells = [json.loads(html.unescape(got)) for got in re.findall(r'data-cells="([^"]*)"', page)]
    top = max(abs(value) for row in found.values for value in row)
    for row, values in zip(cells, found.values, strict=True):
        for (kind, alpha, label, _readout), value in zip(row, values, strict=True):
            share = abs(value) / top
            assert kind == (None if share < PLAIN_BELOW else "raises" if value > 0 else "lowers")
            assert alpha == f"{MAX_ALPHA * share:.2f}"
            assert label == logit(value)
    assert any(kind for row in cells for kind, *_ in row)
    assert [html.unescape(word) for word in re.findall(r'class="rl-link"[^>]*>([^<]*)</button>', page)] == [
        word.text for word in found.query_words
    ]
    heat = ElementTree.fromstring(re.findall(r"<table.*?</table>", page, re.S)[0])
    assert [head.findtext("span") for head in heat.findall("thead/tr/th")] == [w.text for w in found.document_words]
    for word, row, of, values in zip(found.query_words, heat.findall("tbody/tr"), cells, found.values, strict=True):
        assert row.findtext("th") == word.text
        for cell, (kind, alpha, label, _readout), value in zip(row.findall("td"), of, values, strict=True):
            assert (cell.text, cell.get("data-v")) == (label, signed_number(value))
            assert cell.get("class") == (kind and f"rl-in-{kind}")
            assert cell.get("style") == (kind and f"--a:{alpha}")
    text = re.search(r'<p class="rl-text rl-link-document"[^>]*>(.*?)</p>', page, re.S)
    assert text
    assert html.unescape(re.sub(r"<[^>]+>", "", text[1])) == DOCUMENT
    partners = re.findall(r'data-j="(\d+)">([^<]*)<', text[1])
    assert [(int(j), word.strip()) for j, word in partners] == [
        (j, word.text) for j, word in enumerate(found.document_words)
    ]


def test_words_that_do_not_meet_have_no_colour(tiny_bert: Reranker) -> None:
    found = interaction(tiny_bert, QUERY, DOCUMENT, n_words=4)
    page = shown(replace(found, values=tuple((0.0,) * len(row) for row in found.values)))
    cells = [cell for got in re.findall(r'data-cells="([^"]*)"', page) for cell in json.loads(html.unescape(got))]
    assert {(kind, label) for kind, _, label, _ in cells} == {(None, "0.00")}


@pytest.mark.parametrize("sign", [1, -1])
def test_the_strongest_pairs_come_first_and_the_own_effects_last(sign: int, tiny_bert: Reranker) -> None:
    found = interaction(tiny_bert, QUERY, DOCUMENT, n_words=4)
    found = replace(found, values=tuple(tuple(sign * abs(value) for value in row) for row in found.values))
    page, found = shown(found), content(found)
    told = re.findall(r"‘([^’]*)’ with ‘([^’]*)’ (\S+)</span>", page)
    pairs = {
        (q.text, d.text): value
        for q, row in zip(found.query_words, found.values, strict=True)
        for d, value in zip(found.document_words, row, strict=True)
    }
    strongest = sorted(pairs, key=lambda pair: -abs(pairs[pair]))[:3]
    assert told == [(*pair, logit(pairs[pair])) for pair in strongest]
    own = [logit(word.attribution or 0.0) for word in found.document_words]
    assert all(f">{effect}<" in page for effect in own)
    assert f"the 4 strongest of {found.n_words_seen} document words" in page
    assert f"Full colour: {fixed(max(abs(v) for v in pairs.values()), 2)}" in page


def test_stop_words_and_signs_are_left_out_unless_there_is_nothing_else(tiny_bert: Reranker) -> None:
    page = shown(interaction(tiny_bert, QUERY, "berlin : the and a .", n_words=4))
    assert re.findall(r'data-j="(\d)">([^<]*)<', page) == [("0", "berlin")]
    assert "the 1 strongest of 6 document words, stop words left out" in page
    page = shown(interaction(tiny_bert, "how in ?", "the : .", n_words=4))
    assert re.findall(r'data-j="(\d)">([^<]*)<', page) == [("0", "the"), ("1", ":"), ("2", ".")]
    assert page.count('class="rl-link"') == 3


def test_sentences_are_numbered_across_and_light_up_in_the_text(tiny_bert: Reranker) -> None:
    document = "Berlin is large. It has <b>3.7</b> million. Cats sleep."
    found = interaction(tiny_bert, QUERY, document, n_words=4, unit="sentence")
    page = shown(found)
    heat = ElementTree.fromstring(re.findall(r"<table.*?</table>", page, re.S)[0])
    assert [head.findtext("span") for head in heat.findall("thead/tr/th")] == [
        "1 Berlin is large.",
        "2 It has <b>3.7</b> million.",
        "3 Cats sleep.",
    ]
    partners = [html.unescape(text) for text in re.findall(r'data-j="\d">([^<]*)<', page)]
    assert partners == [word.text for word in found.document_words]
    assert "every document sentence" in page
    assert "words and sentences replaced by the mask token" in " ".join(page.split())


def test_what_is_told_below_the_table(tiny_bert: Reranker) -> None:
    """What was removed and how, the cost, and that it is no attention; all of it changes with the result."""
    found = replace(interaction(tiny_bert, QUERY, DOCUMENT, n_words=4), n_forward=31, n_backward=7, seconds=2.26)
    page = shown(found)
    assert "31 forward and 7 backward passes, 2.3 s" in page
    assert "Blue: each counts for more beside the other; orange, dotted: for less." in page
    assert "Truncated" not in page
    assert "Truncated" in shown(replace(found, truncated=True))
    for operator, says in (("mask", "words replaced by the mask token"), ("delete", "words deleted")):
        assert f"words {says.removeprefix('words ')}." in " ".join(shown(replace(found, operator=operator)).split())
    by_path = meet_html(found, name="B", label="Saliency")
    assert "Saliency of each document word, minus its value with the query word masked." in " ".join(by_path.split())
    assert "s(q, d)" not in by_path
