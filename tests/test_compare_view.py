"""The list of the Compare tab before and after its words have colours."""

from __future__ import annotations

from attribution import explain, rank
from attribution.rerankers.reranker import Reranker
from attribution.views.compare import Names, rows_html
from tests.test_render import read

QUERY = "how many people live in berlin ?"
DOCUMENTS = ["berlin has <b>3.7</b> million inhabitants .", "paris is in france .", "museums in berlin"]


def test_rows_are_whole_without_colours_and_keep_their_text_with_them(tiny_bert: Reranker) -> None:
    ranking = rank(tiny_bert, QUERY, DOCUMENTS)
    names = Names({1: "<i>one</i>", 2: "2", 3: "3"}, a=ranking.rows[0].place, b=ranking.rows[1].place)
    place = ranking.rows[1].place
    coloured = {place: explain(tiny_bert, QUERY, DOCUMENTS[place - 1], "layerwise_relevance")}
    plain, partly = (rows_html(ranking, names, of, by="x", changed={}) for of in ({}, coloured))
    assert "data-v" not in plain
    assert "Words by x" not in plain
    assert partly.count("data-v") == len(DOCUMENTS[place - 1].split())
    assert "Words by x" in partly
    for html in (plain, partly):
        page = read(html)
        assert all(document in page.text for document in DOCUMENTS)
        assert "doc <i>one</i>" in page.text
        assert html.count("rl-rank-A") == html.count("rl-rank-B") == 1
