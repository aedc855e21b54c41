"""A sentence a row: its number, its bar, its text to the letter, what its loss and it alone come to."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import jsonschema
import pytest

from attribution import explain, sentences
from attribution.export import FORMATS, SCHEMA, SENTENCES_SCHEMA
from attribution.numbers import logit
from attribution.rerankers.reranker import Reranker
from attribution.views.cards import cards_head, sentences_html
from attribution.words import to_words
from tests.views.reading import read

QUERY = "how many people live in berlin"
DOCUMENT = "Berlin is <b>large</b>. It has 3.7 million inhabitants!\nParis has fewer. Nobody knows why."


def numbers(html: str, name: str) -> list[str]:
    return re.findall(rf'data-n="{name}">([^<]*)<', html)


def test_rows_hold_every_number_and_text_and_the_words_of_their_sentence(tiny_bert: Reranker) -> None:
    found = sentences(tiny_bert, QUERY, DOCUMENT)
    explanation = explain(tiny_bert, QUERY, DOCUMENT, "occlusion")
    html = sentences_html(found)
    assert numbers(html, "share") == [logit(s.share or 0.0) for s in found.sentences]
    assert numbers(html, "left") == [logit(found.logit - (s.without or 0.0)) for s in found.sentences]
    assert numbers(html, "alone") == [logit(s.alone or 0.0) for s in found.sentences]
    assert "<b>large" not in html
    assert "Click a bar" in html
    assert "Click" not in sentences_html(found, fixed=True)
    words, at = to_words(explanation, "document"), 0
    for s in found.sentences:
        assert f'data-words="{at} {at + s.n_words}"' in html
        assert "".join(word.text for word in words[at : at + s.n_words]).strip() == s.text.strip()
        at += s.n_words
    assert at == len(words)
    assert html.count("rl-costliest") == html.count("Bold: without it") == (found.costliest is not None)


def test_before_the_shares_a_bar_is_a_loss_and_two_sentences_are_no_passage(tiny_bert: Reranker) -> None:
    found = sentences(tiny_bert, QUERY, DOCUMENT)
    early = replace(
        found,
        remainder=None,
        sentences=tuple(replace(s, share=None, error=None, alone=None) for s in found.sentences),
    )
    assert numbers(sentences_html(early), "without") == [logit(s.without or 0.0) for s in found.sentences]
    assert sentences_html(sentences(tiny_bert, QUERY, "One. Two.")) == ""
    assert sentences_html(sentences(tiny_bert, QUERY, "One. Two. Three."))
    assert sentences_html(None) == ""


def test_the_summary_begins_with_it_and_downloads_hold_it(tiny_bert: Reranker) -> None:
    found = sentences(tiny_bert, QUERY, DOCUMENT)
    done = {"occlusion": explain(tiny_bert, QUERY, DOCUMENT, "occlusion")}
    head = read(cards_head(done, None, found)).text
    assert head.index(found.says) < head.index("Which method to believe")
    document = json.loads(FORMATS["JSON"].write(done, None, found))
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    jsonschema.validate(document["sentences"], json.loads(SENTENCES_SCHEMA.read_text("utf-8")))
    assert [s["share"] for s in document["sentences"]["sentences"]] == [s.share for s in found.sentences]
    words = list(csv.DictReader(io.StringIO(FORMATS["CSV"].write(done, None, found).lstrip("\ufeff"), newline="")))
    for i, sentence in enumerate(found.sentences, start=1):
        own = [word for word in words if word["sentence"] == str(i)]
        assert "".join(word["text"] for word in own).strip() == sentence.text.strip()
        assert {float(word["share"]) for word in own} == {sentence.share}
        assert {float(word["without"]) for word in own} == {sentence.without}
    assert {word["segment"] for word in words if not word["sentence"]} == {"query"}
    words = list(csv.DictReader(io.StringIO(FORMATS["CSV"].write(done, None).lstrip("\ufeff"), newline="")))
    assert {word["sentence"] + word["share"] for word in words} == {""}, "nothing is known of sentences"
    html = FORMATS["HTML"].write(done, None, found)
    assert numbers(html, "share") == [logit(s.share or 0.0) for s in found.sentences]
    assert "<button" not in html.split('class="rl-root rl-sentences"')[1].split("</section>")[0]
    assert "rl-sentences" not in FORMATS["HTML"].write(done, None).split("</style>")[1]


@pytest.mark.parametrize("lowest", [-2.0, 2.0])
def test_bars_start_in_the_middle_and_the_strongest_is_half_as_long_as_the_rail(
    tiny_bert: Reranker, lowest: float
) -> None:
    found = sentences(tiny_bert, QUERY, DOCUMENT)
    shares = (lowest, 1.0, 0.0, 0.5)
    made = replace(found, sentences=tuple(replace(s, share=v) for s, v in zip(found.sentences, shares, strict=True)))
    html = sentences_html(made)
    assert f'style="left:{"0.0" if lowest < 0 else "50.0"}%;width:50.0%"' in html
    assert 'style="left:50.0%;width:25.0%"' in html
    assert html.count('class="rl-lowers"') == (lowest < 0)
