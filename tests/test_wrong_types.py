"""Whatever is given to a public function in place of what it takes, the answer is a sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import attribution
from attribution import audit, counterfactual, explain, load_reranker, probe, probe_set
from attribution.audit.judged import Candidate, JudgedQuery
from attribution.errors import AttributionError, InputError, ModelError, OptionError
from attribution.rerankers.reranker import Reranker

PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants .")
RIVAL = "the quick brown fox"
WRONG = [b"x", 3, True, "magic", np.array(["a", "b", "c"]), torch.zeros(3), [3], {"a": 1}, object()]
OF_RERANKER = [
    name
    for name in attribution.__all__
    if inspect.isfunction(of := getattr(attribution, name)) and "reranker" in inspect.signature(of).parameters
]


@pytest.mark.parametrize("name", OF_RERANKER)
def test_a_models_name_is_no_model(name: str) -> None:
    function = getattr(attribution, name)
    texts = [one.name for one in inspect.signature(function).parameters.values() if one.default is one.empty][1:]
    for wrong in ("cross-encoder/ms-marco-MiniLM-L6-v2", None, b"model", torch.nn.Linear(1, 1)):
        with pytest.raises(OptionError, match=r"reranker is .* \(\w+\)\. Give what load_reranker\(\.\.\.\) returns"):
            function(wrong, **dict.fromkeys(texts, "text"))


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
def test_options_of_any_type_are_errors_that_say_what_is_valid(wrong: Any, tiny_bert: Reranker) -> None:
    calls: list[tuple[str, Callable[[], object]]] = [
        ("on_pass is .* it must be a function", lambda: explain(tiny_bert, *PAIR, on_pass=wrong)),
        ("probes is .* a list of keys|Unknown probe .* Valid", lambda: probe(tiny_bert, *PAIR, wrong)),
        ("Unknown unit .* Valid: word", lambda: counterfactual(tiny_bert, *PAIR, RIVAL, unit=wrong)),
        ("cannot say which words raise the score. Valid", lambda: counterfactual(tiny_bert, *PAIR, RIVAL, wrong)),
        ("does not add up", lambda: attribution.contrast(tiny_bert, *PAIR, RIVAL, wrong)),
        ("explanation is .* Give what explain", lambda: counterfactual(tiny_bert, *PAIR, RIVAL, explanation=wrong)),
        ("unjudged is .* must be 0", lambda: audit(tiny_bert, [], unjudged=wrong)),
    ]
    for says, call in calls:
        with pytest.raises(OptionError, match=says):
            call()


@pytest.mark.parametrize("wrong", [None, *WRONG], ids=lambda wrong: type(wrong).__name__)
def test_sets_of_any_type_are_errors_that_say_what_is_valid(wrong: Any, tiny_bert: Reranker) -> None:
    good = (Candidate("a", "berlin", 1), Candidate("b", "paris", 0))
    queries = [JudgedQuery("q", "berlin", wrong, {}), JudgedQuery("q", "berlin", good, wrong)]
    queries += [] if isinstance(wrong, str) else [JudgedQuery(wrong, "berlin", good, {})]
    queries += [] if wrong is None or type(wrong) is int else [JudgedQuery("q", "b", (Candidate("a", "b", wrong),), {})]
    if isinstance(wrong, dict):
        queries[1] = JudgedQuery("q", "berlin", good, {"a": "1"})  # type: ignore[dict-item]
    for given in (wrong, [wrong], *([query] for query in queries)):
        with pytest.raises(AttributionError, match=r"\(\w+\)(;|\.) [Gg]ive "):
            audit(tiny_bert, given)
    for pairs in (wrong, [wrong], [PAIR, wrong], ["ab"], [dict(zip("ab", PAIR, strict=True))]):
        with pytest.raises(InputError, match=r"pairs (is|holds) .*\(\w+\).* Give a list of \(query, document\)"):
            probe_set(tiny_bert, pairs, ["case"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [b"x", np.array(["a"]), ["a"], {"a": 1}, object()], ids=lambda one: type(one).__name__
)
def test_what_a_model_is_loaded_with_is_of_a_type(wrong: Any) -> None:
    for name in ("revision", "max_length", "label", "template", "dtype"):
        with pytest.raises(OptionError, match=rf"^{name} is .* \(\w+\); it must be a .*, or None\.$"):
            load_reranker(**{name: wrong})
    with pytest.raises(OptionError, match=r"^on_bytes is .* it must be a function"):
        load_reranker(on_bytes=wrong)
    with pytest.raises(ModelError, match=r"^There is no device|^The model is "):
        load_reranker(wrong, device=wrong)


@pytest.mark.parametrize("name", ["x" * 300, "y" * 5000 + "@main", "~nobody-of-this-name/model"])
def test_a_name_that_can_be_no_path_is_no_model(name: str) -> None:
    with pytest.raises(ModelError, match=r"^The model .* can be no path: .*\. Give a model on offer"):
        load_reranker(name)


def test_keys_of_probes_may_come_in_an_array(tiny_bert: Reranker) -> None:
    given = np.array(["typo", "case"])
    assert probe(tiny_bert, *PAIR, given) == probe(tiny_bert, *PAIR, ["case", "typo"])  # type: ignore[arg-type]
