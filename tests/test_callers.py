"""Whatever the caller's autograd mode is, the numbers are the same; whatever they pass, the answer is a sentence."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd
import pytest
import torch
from markupsafe import Markup

import attribution
from attribution import METHODS, contrast, contrast_sentences, counterfactual, explain, load_reranker, raise_above
from attribution.audit.judged import Candidate, JudgedQuery
from attribution.errors import InputError, OptionError, check_key, check_range, check_text
from attribution.evidence.faithfulness.measure import measure
from attribution.export import dumps, plain, to_html
from attribution.lab.autograd import run_lab
from attribution.lab.internals import look_inside
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from interface.programs import api, comparing
from tests import tiny
from tests.views.reading import read

PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants .")
SECONDS = re.compile(r'"seconds": [^,}]+')
MODES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "set_grad_enabled(False)": lambda: torch.set_grad_enabled(False),
}


@pytest.fixture(scope="module")
def expected(tiny_bert: Reranker) -> Callable[[str], Explanation]:
    """Method -> what it gives with autograd as it is."""
    return cache(lambda method: explain(tiny_bert, *PAIR, method))


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[Any]]:
    """A way to switch autograd off."""
    return MODES[request.param]


@pytest.mark.parametrize("method", METHODS)
def test_methods(
    method: str,
    mode: Callable[[], AbstractContextManager[Any]],
    tiny_bert: Reranker,
    expected: Callable[[str], Explanation],
) -> None:
    of = expected(method)
    with mode():
        found = explain(tiny_bert, *PAIR, method)
        assert not torch.is_grad_enabled()  # the caller's mode is back
    assert (found.attributions, found.logit, found.paths) == (of.attributions, of.logit, of.paths)


def test_lab_inside_and_faithfulness(mode: Callable[[], AbstractContextManager[Any]], tiny_bert: Reranker) -> None:
    inside = look_inside(tiny_bert, tiny_bert.encode(*PAIR))
    rows = [row.difference for row in run_lab(tiny_bert, *PAIR)]
    explanations = {"saliency": explain(tiny_bert, *PAIR, "saliency")}
    measured = measure(tiny_bert, explanations)
    with mode():
        found = look_inside(tiny_bert, tiny_bert.encode(*PAIR))
        assert [row.difference for row in run_lab(tiny_bert, *PAIR)] == rows
        assert measure(tiny_bert, explanations).methods == measured.methods
    assert np.array_equal(found.grad_norm, inside.grad_norm)
    assert np.array_equal(found.attention, inside.attention)


def test_a_model_loaded_without_autograd_explains(
    mode: Callable[[], AbstractContextManager[Any]], tmp_path: Path, tiny_bert: Reranker
) -> None:
    folder = tiny.save_tiny("BertForSequenceClassification", tmp_path)
    with mode():
        reranker = load_reranker(str(folder), device="cpu")
    assert not any(parameter.is_inference() for parameter in reranker.model.parameters())
    assert explain(reranker, *PAIR, "saliency").attributions == explain(tiny_bert, *PAIR, "saliency").attributions


class Told(str, enum.Enum):  # noqa: UP042 - a StrEnum prints as its text
    """Texts that print as their names."""

    QUERY = "how many people live in Berlin ?"
    FIRST = "Berlin has about 3.7 million <blink>inhabitants</blink> . It is not large ."
    SECOND = "the quick brown fox . It is <marquee>old</marquee> ."
    A = "a"
    B = "b"


def of_every_task(reranker: Reranker, text: Callable[[str], str], number: Callable[[int], Any]) -> list[Any]:
    query, *both = (text(one.value) for one in (Told.QUERY, Told.FIRST, Told.SECOND))
    low, high = sorted(both, key=lambda one: reranker.score(query, [one])[0])
    candidates = (Candidate(text("a"), high, number(0)), Candidate("c", low, number(1)))
    return [
        explain(reranker, query, high, "occlusion"),
        attribution.sentences(reranker, query, high),
        attribution.rank(reranker, query, [low, high]),
        attribution.interaction(reranker, query, high),
        contrast(reranker, query, high, low, "shapley"),
        contrast_sentences(reranker, query, high, low),
        counterfactual(reranker, query, high, low),
        raise_above(reranker, query, low, high),
        *attribution.probe(reranker, query, high),
        *attribution.probe_set(reranker, [(query, high)]).values(),
        attribution.audit(reranker, [JudgedQuery("q", query, candidates, {text("b"): number(2)})]),
    ]


@pytest.fixture(scope="module")
def of_plain_texts(tiny_bert: Reranker) -> list[Any]:
    return of_every_task(tiny_bert, str, int)


@pytest.mark.parametrize("kind", [np.str_, Markup, Told])
def test_a_subclass_of_str_is_read_as_the_string_it_is(
    kind: Callable[[str], str], tiny_bert: Reranker, of_plain_texts: list[Any]
) -> None:
    """A member of an enum prints as its name, Markup escapes what is added to it, and no template escapes it."""
    found = of_every_task(tiny_bert, kind, np.int64)
    for one, other in zip(of_plain_texts, found, strict=True):
        assert SECONDS.sub("", dumps(plain(one))) == SECONDS.sub("", dumps(plain(other)))
    assert not {"blink", "marquee"} & set(read(to_html({"occlusion": found[0]})).tags)


@pytest.mark.parametrize("table", [pd.DataFrame({"text": ["berlin"]}), np.array([["berlin"]])])
def test_a_table_is_no_list_of_documents(table: Any, tiny_bert: Reranker) -> None:
    """It would give the names of its columns."""
    with pytest.raises(InputError, match="list of texts"):
        tiny_bert.score("berlin", table)
    with pytest.raises(InputError, match="Give a list of texts"):
        attribution.rank(tiny_bert, "berlin", table)


NO_TEXT = [None, math.nan, 3, b"berlin", ["berlin"], {"text": "berlin"}, ("berlin", "paris"), object()]


@pytest.mark.parametrize("wrong", NO_TEXT, ids=lambda wrong: f"{type(wrong).__name__}-{wrong}"[:20])
def test_what_is_no_text_is_an_input_error(wrong: Any, tiny_bert: Reranker) -> None:
    calls: list[tuple[str, Callable[[], object]]] = [
        ("query", lambda: tiny_bert.encode(wrong, "paris")),
        ("document", lambda: tiny_bert.encode("berlin", wrong)),
        ("query", lambda: tiny_bert.score(wrong, ["paris"])),
        ("document at index 1", lambda: tiny_bert.score("berlin", ["paris", wrong])),
        ("query", lambda: explain(tiny_bert, wrong, "paris")),
        ("document", lambda: explain(tiny_bert, "berlin", wrong, "occlusion")),
        ("query", lambda: list(run_lab(tiny_bert, wrong, "paris"))),
    ]
    for name, call in calls:
        with pytest.raises(InputError, match=rf"The {name} is .*\({type(wrong).__name__}\), not text\."):
            call()
    with pytest.raises(gr.Error, match=r"document .*not text\.|document is .*it must be a text\."):
        api.explain("berlin", wrong)


@pytest.mark.parametrize("wrong", [None, " ", "half \ud800"], ids=repr)
def test_of_several_texts_the_error_says_which(wrong: Any, tiny_bert: Reranker) -> None:
    tasks: dict[Callable[..., object], list[str]] = {
        contrast: ["first document", "second document"],
        contrast_sentences: ["first document", "second document"],
        counterfactual: ["document", "rival"],
        raise_above: ["document", "rival"],
    }
    for task, names in tasks.items():
        for name, texts in zip(["query", *names], [(wrong, *PAIR), ("a", wrong, "b"), ("a", "b", wrong)], strict=True):
            with pytest.raises(InputError, match=f"^The {name} (is|holds) "):
                task(tiny_bert, *texts)
            with pytest.raises(gr.Error, match=f"The {name} (is|holds) |is 'None'"):
                getattr(comparing, task.__name__)(*texts)
    with pytest.raises(gr.Error, match=r"The document at index 2 (is|holds) |documents is "):
        api.rank("a", ["b", "c", wrong])


def test_an_error_quotes_forty_characters_at_most() -> None:
    for n, shown in ((37, "b'" + "x" * 37 + "'"), (38, "b'" + "x" * 38 + " …")):
        with pytest.raises(InputError) as caught:
            check_text("query", b"x" * n)
        assert f"is {shown} (bytes)" in str(caught.value)
    for check in (lambda: check_key("method", "x" * 9999, METHODS), lambda: check_range("seed", "x" * 9999, 0, 1)):
        with pytest.raises(OptionError, match=f"'{'x' * 39} …"):
            check()


@pytest.mark.parametrize("wrong", ["berlin", b"berlin", None, math.nan, 3, {"berlin": 1}], ids=repr)
def test_documents_that_are_no_list_are_an_input_error(wrong: Any, tiny_bert: Reranker) -> None:
    with pytest.raises(InputError, match=r"documents is one .*list of texts"):
        tiny_bert.score("how many people", wrong)


def test_documents_may_come_from_any_iterable(tiny_bert: Reranker) -> None:
    documents = ["berlin", "paris is the capital"]
    expected = tiny_bert.score("berlin", documents)
    for given in (tuple(documents), np.array(documents), iter(documents), dict.fromkeys(documents).keys()):
        assert tiny_bert.score("berlin", given) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [None, ["saliency"], 3, b"saliency"], ids=repr)
def test_options_of_the_wrong_type_are_option_errors(wrong: Any, tiny_bert: Reranker) -> None:
    with pytest.raises(OptionError, match="Unknown method"):
        explain(tiny_bert, *PAIR, wrong)
    with pytest.raises(gr.Error, match=r"model is .* it must be a text"):
        api.explain(*PAIR, model=[wrong])
    if wrong is not None:  # for baselines it is the default
        with pytest.raises(OptionError, match="baseline"):
            explain(tiny_bert, *PAIR, "occlusion", baselines=wrong)
