"""Two models on the page: explained with the settings that stand beside them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest

from attribution import MODELS, explain
from attribution.errors import OptionError
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from attribution.views.cards import two_models_html
from interface.page.settings import DEFAULTS
from interface.tabs.explain import two_models
from tests.interface.conftest import PAIR, shown, visitor

METHODS = ("saliency", "integrated_gradients", "integrated_gradients_captum", "shapley")
CHANGED = [{"baselines": "zero"}, {"leaf": "clone"}, {"n_samples": 2}, {"n_steps": 2}]


@pytest.fixture(scope="module")
def explained(tiny_bert: Reranker) -> Callable[..., Explanation]:
    """Method and its options -> what it gives."""
    return cache(partial(explain, tiny_bert, *PAIR))


def boxes(model_id: str) -> dict[str, str]:
    return {"model_id": model_id, "query": PAIR[0], "document": PAIR[1]}


def values(html: str) -> list[str]:
    """Of every word on every card."""
    return re.findall(r'data-v="([^"]*)"', html)


@pytest.mark.parametrize("changed", CHANGED)
def test_each_setting_reaches_the_methods_that_take_it(
    changed: dict[str, Any],
    offered: str,
    explained: Callable[..., Explanation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(MODELS, f"{offered}/", MODELS[offered])
    asked = two_models.ask_both(f"{offered}/", **boxes(offered), groups=[*METHODS], **DEFAULTS | changed)
    page = shown(two_models.run(asked, visitor()))
    takes = {"baselines": METHODS[1:3], "leaf": METHODS[:1], "n_samples": METHODS[3:], "n_steps": METHODS[2:3]}
    for given in (changed, {}):
        options = {key: given if key in takes[next(iter(changed))] else {} for key in METHODS}
        options["shapley"] = {"n_samples": DEFAULTS["n_samples"], **options["shapley"]}
        side = {key: explained(key, **options[key]) for key in METHODS}
        same = values(two_models_html(METHODS, ("tiny", "tiny"), (side, side))) == values(page["result"])
        assert same == bool(given)


def test_a_budget_beyond_its_limits_is_refused(offered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, f"{offered}/", MODELS[offered])
    with pytest.raises(OptionError, match="n_samples"):
        two_models.ask_both(f"{offered}/", **boxes(offered), groups=["shapley"], **DEFAULTS | {"n_samples": 10**6})
