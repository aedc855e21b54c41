"""Each row of the lab against the same lines run in plain PyTorch; and two visitors in the lab at once."""

from __future__ import annotations

import copy
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from attribution import explain, load_reranker
from attribution.evidence.agreement import spearman, top_k_overlap
from attribution.lab.autograd import EXPERIMENTS, Experiment, LabRow, equal_gradients, run_lab
from attribution.methods.gradients import LEAVES
from attribution.types import Word
from attribution.words import to_words
from tests.conftest import Plain, Tiny
from tests.readme import lab_markdown

QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants <b>&</b> museums ."
OTHER = ("which city is the capital of france", "paris is the capital of france , new york is not .")
ROUTED_BY_EMBEDS = [  # one pair has no padding, so `inputs_embeds` gives these families the positions that ids give
    "BertForSequenceClassification",
    "XLMRobertaForSequenceClassification",
    "ModernBertForSequenceClassification",
]


@dataclass
class Typed:
    """What someone without this project sees after typing the row's code."""

    flags: tuple[Any, ...]
    grad: Tensor | None
    said: str | None
    raised: bool


def run_plainly(files: tuple[Any, Any], experiment: Experiment, query: str, document: str) -> Typed:
    """The code as the page shows it, executed on a fresh model that takes the embeddings as `inputs_embeds`."""
    tokenizer, model = files[0], copy.deepcopy(files[1])
    model.requires_grad_(experiment.trainable)
    inputs = tokenizer(query, document, return_tensors="pt")
    input_ids = inputs.pop("input_ids")
    names: dict[str, Any] = {"torch": torch, "embed": model.get_input_embeddings(), "input_ids": input_ids}
    exec(LEAVES[experiment.leaf].code, names)
    emb = names["emb"]
    flags = (emb.is_leaf, emb.requires_grad, emb.retains_grad, emb.grad_fn.name() if emb.grad_fn else None)
    names["score"] = score = model(inputs_embeds=emb, **inputs).logits[0, 0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if experiment.returned:
                (grad,) = torch.autograd.grad(score, emb)
            else:
                score.backward()
                grad = emb.grad
        except RuntimeError as error:
            return Typed(flags, None, str(error), True)
    return Typed(flags, grad, str(caught[0].message) if caught else None, False)


@pytest.mark.parametrize("architecture", ROUTED_BY_EMBEDS)
def test_each_row_is_what_plain_pytorch_gives(architecture: str, tiny: Tiny, plain: Plain) -> None:
    rows = list(run_lab(tiny(architecture), QUERY, DOCUMENT))
    assert [row.experiment for row in rows] == list(EXPERIMENTS)
    assert len({*EXPERIMENTS}) == len(EXPERIMENTS), "none is shown twice"
    for row in rows:
        wanted = run_plainly(plain(architecture), row.experiment, QUERY, DOCUMENT)
        assert (row.is_leaf, row.requires_grad, row.retains_grad, row.grad_fn) == wanted.flags, row.experiment
        assert (row.said, row.raised) == (wanted.said, wanted.raised), row.experiment
        assert row.grad_filled == (wanted.grad is not None and not row.experiment.returned), row.experiment
        assert (row.grad is None) == (wanted.grad is None), row.experiment
        if wanted.grad is not None and row.grad is not None:
            largest = wanted.grad.abs().max().item()
            torch.testing.assert_close(row.grad, wanted.grad[0], rtol=1e-6, atol=5e-6 * largest)


def test_the_clone_story(tiny_bert: Any) -> None:
    """The same line fails with trainable parameters and works with frozen ones; `.clone()` alone never helps."""
    rows = {(row.experiment.leaf, row.experiment.trainable): row for row in run_lab(tiny_bert, QUERY, DOCUMENT)}
    assert "not a leaf" in (rows["clone", True].said or "")
    assert rows["clone", False].raised
    assert not rows["clone_requires_grad", True].equal
    assert rows["clone_requires_grad", False].equal


def test_fallback_rows_show_the_magnitude_and_how_far_it_ranks_from_the_truth(tiny_bert: Any) -> None:
    truth = _values(to_words(explain(tiny_bert, QUERY, DOCUMENT, "saliency"), "document"))
    expected = _values(to_words(explain(tiny_bert, QUERY, DOCUMENT, "embedding_magnitude"), "document"))
    for row in run_lab(tiny_bert, QUERY, DOCUMENT):
        values = _values(row.words)
        if row.grad is None:
            assert values == pytest.approx(expected)
            assert row.rank_correlation == pytest.approx(spearman(expected, truth))
            assert row.top_overlap == top_k_overlap(expected, truth, 5)
        else:
            assert values == pytest.approx(truth)
            assert row.total == pytest.approx(row.grad.abs().sum().item())


def test_equal_gradients_leaves_other_gradients_out(tiny_bert: Any) -> None:
    rows = list(run_lab(tiny_bert, QUERY, DOCUMENT))
    numbers, largest = equal_gradients(rows)
    assert numbers == [row.number for row in rows if row.grad is not None]
    assert len(numbers) >= 5
    assert largest <= 1e-5 * max(row.grad.abs().max().item() for row in rows if row.grad is not None)
    assert equal_gradients([row for row in rows if row.grad is None]) == ([], 0.0)


def test_markdown_has_one_line_a_row_with_its_code(tiny_bert: Any) -> None:
    rows = list(run_lab(tiny_bert, QUERY, DOCUMENT))
    lines = lab_markdown(rows).splitlines()[2:]
    assert len(lines) == len(rows)
    for number, (row, line) in enumerate(zip(rows, lines, strict=True), start=1):
        assert line.startswith(f"| {number} |")
        assert f"`{row.experiment.code}`" in line
        assert line.endswith(f"| {row.verdict} |")


def test_two_visitors_at_once(tiny_bert: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On different pairs: every row as when alone, and the shared model as before.

    Whoever reads `.grad` waits a moment in the middle, where without the lock the other one would come in.
    """
    pairs = [(QUERY, DOCUMENT), OTHER]
    alone = [list(run_lab(tiny_bert, *pair)) for pair in pairs]
    before = _state(tiny_bert.model)
    start = threading.Barrier(len(pairs))
    simplefilter = warnings.simplefilter

    def slowly(action: Any) -> None:
        simplefilter(action)
        time.sleep(0.003)

    monkeypatch.setattr("attribution.methods.gradients.warnings.simplefilter", slowly)

    def visit(pair: tuple[str, str]) -> list[list[LabRow]]:
        start.wait()
        return [list(run_lab(tiny_bert, *pair)) for _ in range(4)]

    with ThreadPoolExecutor(len(pairs)) as visitors:
        for runs, expected in zip(visitors.map(visit, pairs), alone, strict=True):
            wrong = [a.number for rows in runs for a, b in zip(rows, expected, strict=True) if not _same(a, b)]
            assert not wrong
    assert _state(tiny_bert.model) == before


def test_spearman_and_overlap_on_paper() -> None:
    assert spearman([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]) == pytest.approx(1.0)
    assert spearman([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == pytest.approx(-1.0)
    assert spearman([1.0, 2.0, 2.0, 4.0], [1.0, 3.0, 2.0, 4.0]) == pytest.approx(4.5 / (4.5 * 5.0) ** 0.5)
    assert spearman([1.0, 1.0], [1.0, 2.0]) is None
    assert top_k_overlap([5.0, 4.0, 1.0, 0.0], [0.0, 4.0, 5.0, 1.0], 2) == 0.5
    assert top_k_overlap([1.0], [1.0], 5) == 1.0
    assert top_k_overlap([3.0, 2.0, 1.0], [3.0, 1.0, 2.0], 1) == 1.0


def test_empty_texts_are_named(tiny_folder: Callable[[str], Path]) -> None:
    reranker = load_reranker(str(tiny_folder("BertForSequenceClassification")), device="cpu")
    with pytest.raises(ValueError, match="The document is empty"):
        next(run_lab(reranker, QUERY, " "))


def _same(row: LabRow, expected: LabRow) -> bool:
    flags = ("is_leaf", "requires_grad", "retains_grad", "grad_fn", "grad_filled", "said", "raised", "equal", "verdict")
    same_values = _values(row.words) == pytest.approx(_values(expected.words))
    return same_values and all(getattr(row, name) == getattr(expected, name) for name in flags)


def _values(words: Iterable[Word]) -> list[float]:
    return [word.attribution for word in words if word.attribution is not None]


def _state(model: Any) -> list[Any]:
    """All that a run could leave behind: flags, gradients, hooks, and the weights themselves."""
    weights = ((p.requires_grad, p.grad is None, p.data_ptr(), p.sum().item()) for p in model.parameters())
    modules = ((len(m._forward_hooks), len(m._forward_pre_hooks), m.training) for m in model.modules())
    return [*weights, *modules]
