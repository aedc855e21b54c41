"""Whatever the caller's autograd mode is, the numbers are the same; whatever they pass, the answer is a sentence."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from attribution import METHODS, explain, load_reranker
from attribution.evidence.faithfulness import measure
from attribution.lab.autograd import run_lab
from attribution.lab.internals import look_inside
from attribution.rerankers.reranker import Reranker
from tests import tiny

PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants .")
MODES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "set_grad_enabled(False)": lambda: torch.set_grad_enabled(False),
}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[Any]]:
    """A way to switch autograd off."""
    return MODES[request.param]


@pytest.mark.parametrize("method", METHODS)
def test_methods(method: str, mode: Callable[[], AbstractContextManager[Any]], tiny_bert: Reranker) -> None:
    expected = explain(tiny_bert, *PAIR, method)
    with mode():
        found = explain(tiny_bert, *PAIR, method)
        assert not torch.is_grad_enabled()  # the caller's mode is back
    assert (found.attributions, found.logit, found.paths) == (expected.attributions, expected.logit, expected.paths)


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
