"""The line of the score: what it says in words, and what stands beside it only where there is something to note."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from attribution.rerankers.loading.models import MODELS
from attribution.types import Token
from attribution.views.score import SCRIPTS, score_html
from tests.views.reading import EXPLANATION, numbers, read


def score(**change: Any) -> str:
    return score_html(dataclasses.replace(EXPLANATION, **change))


@pytest.mark.parametrize(
    ("logit", "says"),
    [(0.5, "Undecided"), (-0.5, "Undecided"), (0.51, "Answers the query"), (-0.51, "Does not answer the query")],
)
def test_the_score_is_said_in_words_that_hold(logit: float, says: str) -> None:
    text = read(score(logit=logit)).text
    assert f"{says}, says this model" in " ".join(text.split())


@pytest.mark.parametrize(
    ("logit", "shown", "saturated"),
    [
        (7.5, "99.9 %", False),
        (7.61, "100.0 %", True),
        (-7.5, "0.1 %", False),
        (-7.61, "0.0 %", True),
        (0.0, "50.0 %", False),
    ],
)
def test_saturation_is_said_from_where_the_shown_percentage_stops(logit: float, shown: str, saturated: bool) -> None:
    html = score(logit=logit)
    assert numbers(html)["probability"] == [shown]
    assert ('data-note="saturated"' in html) == saturated


@pytest.mark.parametrize(
    ("logit", "place"), [(0.0, 50.0), (3.8, 75.0), (-3.8, 25.0), (7.6, 100.0), (90.0, 100.0), (-90.0, 0.0)]
)
def test_the_rail_shows_where_between_its_ends_a_logit_is(logit: float, place: float) -> None:
    assert f'style="left:{place:.1f}%"' in score(logit=logit)


def test_text_outside_of_what_the_model_learnt_gets_a_line() -> None:
    """Of four signs one is in a piece that the vocabulary lacks, and two are of another script."""
    key = next(key for key, model in MODELS.items() if SCRIPTS.get(model.languages) == "Latin")
    spans = {"[UNK]": (0, 1), "\u6771\u4eac": (1, 3), "a": (3, 4)}
    tokens = tuple(Token(text, "document", *span) for text, span in spans.items())
    html = score(model_id=key, document="x\u6771\u4eaca", tokens=tokens, attributions=(0.0,) * 3)
    assert (numbers(html)["unknown"], numbers(html)["foreign"]) == (["25 %"], ["50 %"])
    assert "another script than Latin" in read(html).text
    assert 'data-note="outside"' not in score()
    for unknown, noted in (("", False), ("x", False), ("xy", True)):  # none, half and all of two signs
        of = (Token("[UNK]", "document", 0, len(unknown)), Token("a", "document", len(unknown), 2))
        assert ('data-note="outside"' in score(document="xy", tokens=of, attributions=(0.0,) * 2)) == noted
    one = (Token("[UNK]", "document", 0, 1),)
    assert numbers(score(document="x", tokens=one, attributions=(0.0,)))["unknown"] == ["100 %"]


def test_truncation_is_said_with_numbers() -> None:
    read_on = {"document": "a" * 5000, "tokens": (Token("a", "document", 0, 1200),), "attributions": (0.0,)}
    html = score(truncated=True, **read_on)
    assert (numbers(html)["seen"], numbers(html)["length"]) == (["1,200"], ["5,000"])
    assert 'data-note="truncated"' not in score(**read_on)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("reads", {"reads": "the logit of '1'"}),
        ("reads", {"reads": "the sum of all"}),
        ("control", {"control": ("[SEP]", "<mask>")}),
        ("precision", {"precision": "It is 0.01 apart."}),
    ],
)
def test_the_score_notes_what_there_is_to_note_and_nothing_else(name: str, said: dict[str, Any]) -> None:
    html = score(**said)
    assert re.findall(r'data-note="(\w+)"', html) == [name]
    for value in said.values():
        assert all(part in read(html).text for part in ([value] if isinstance(value, str) else value))


def test_the_models_own_words_are_escaped_too() -> None:
    hostile = dataclasses.replace(EXPLANATION, model_id="<img src=x>", revision="<script>r</script>")
    reader = read(score_html(hostile))
    assert not {"img", "script"} & set(reader.tags)
    assert "<img src=x>, <script>r</script>" in reader.text


def test_the_score_says_what_was_cut_where_something_was() -> None:
    whole, cut = (score_html(dataclasses.replace(EXPLANATION, truncated=truncated)) for truncated in (False, True))
    assert 'data-note="truncated"' not in whole
    assert (numbers(cut)["seen"], numbers(cut)["length"]) == (["3"], [f"{len(EXPLANATION.document)}"])
    more = (*EXPLANATION.tokens, Token("<", "document", 4, 5), Token("", "document", 5, None))
    read_on = dataclasses.replace(EXPLANATION, truncated=True, tokens=more, attributions=(0.0,) * len(more))
    assert numbers(score_html(read_on))["seen"] == ["5"]


def test_a_model_on_offer_is_named_by_its_label_and_judged_by_its_script() -> None:
    """The first script that the table knows, and a document in another; the query is fine."""
    key, script = next((key, SCRIPTS[m.languages]) for key, m in MODELS.items() if m.languages in SCRIPTS)
    foreign = "\u9996\u90fd \u6771\u4eac" if script == "Latin" else "berlin"
    tokens = (Token("a", "query", 0, 1), Token("x", "document", 0, len(foreign)))
    of = dataclasses.replace(EXPLANATION, model_id=key, document=foreign, tokens=tokens, attributions=(0.0, 0.0))
    text = " ".join(read(score_html(of)).text.split())
    assert f"{MODELS[key].label}, r" in text
    assert "Most of the document is outside what this model was trained on" in text
    assert f": 100 % are letters of another script than {script}." in text
    assert "Most of the query" not in text
    assert "outside" not in score_html(dataclasses.replace(of, model_id="unknown"))
