"""Which methods are ticked when the page opens: read from what the benchmark stored."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attribution.methods import METHODS, Passes, of_option
from attribution.methods.defaults import COLUMN, DOCUMENTED, RESULTS, default_methods, most_faithful


def stored(folder: Path, scores: dict[str, float]) -> Path:
    rows: list[dict[str, Any]] = [{"method": METHODS[key].label, COLUMN: {"mean": s}} for key, s in scores.items()]
    rows.append({"method": "random order (control)", COLUMN: {"mean": 99.0}})
    path = folder / "results.json"
    path.write_text(json.dumps({"sections": {"faithfulness": {"tables": [{"rows": rows}]}}}), encoding="utf-8")
    return path


@pytest.mark.parametrize(("cheap", "best"), [(0.5, "saliency_l2"), (0.7, "input_x_gradient")])
def test_the_fourth_is_the_most_faithful_of_the_cheap_ones(tmp_path: Path, cheap: float, best: str) -> None:
    """Not the dear ones, attention or the documented three, however faithful they are."""
    dear = dict.fromkeys(("occlusion", "shapley", "attention", "saliency"), 5.0)
    path = stored(tmp_path, {"saliency_l2": 0.6, "input_x_gradient": cheap, **dear})
    assert most_faithful(path) == best
    assert set(default_methods(path)) == {*DOCUMENTED, best}


def test_passes_along_several_paths_are_so_many_times_the_option() -> None:
    assert [of_option("n_steps", paths).says for paths in (1, 2)] == ["n_steps", "2 x n_steps"]


@pytest.mark.parametrize(
    ("passes", "best"), [(3, "occlusion"), (4, "saliency_l2"), (of_option("n_samples"), "saliency_l2")]
)
def test_cheap_is_at_most_three_passes(
    passes: int | Passes, best: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "occlusion", replace(METHODS["occlusion"], passes=passes))
    assert most_faithful(stored(tmp_path, {"saliency_l2": 0.6, "occlusion": 5.0})) == best


def test_without_stored_results_no_fourth_is_guessed(tmp_path: Path) -> None:
    assert set(default_methods(tmp_path / "none.json")) == set(DOCUMENTED)
    assert set(default_methods(stored(tmp_path, {}))) == set(DOCUMENTED)


def test_what_is_stored_names_the_methods_as_the_table_does() -> None:
    assert most_faithful() in METHODS
    keys = default_methods()
    assert len(keys) == 4
    assert keys[-1] == "integrated_gradients_captum"  # the dearest runs last
    assert RESULTS.is_file()
