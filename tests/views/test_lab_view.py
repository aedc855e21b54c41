"""The lab as a page: its numbers are PyTorch's, its two pictures are of a line with and one without gradient."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
import torch

from attribution.lab.autograd import EXPERIMENTS, PICTURED, LabRow, equal_gradients, run_lab
from attribution.methods.gradients import LEAVES
from attribution.numbers import number, signed_number
from attribution.rerankers.reranker import Reranker
from attribution.views.learn import lab_html, pictures_html
from tests.views.reading import numbers, read

QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."


@pytest.fixture(scope="module")
def rows(tiny_bert: Reranker) -> list[LabRow]:
    return list(run_lab(tiny_bert, QUERY, DOCUMENT))


def page_of(rows: list[LabRow], *, finished: bool = True) -> str:
    return lab_html(rows, equal_gradients(rows), finished=finished)


def test_every_cell_is_the_rows(rows: list[LabRow]) -> None:
    shown = numbers(page_of(rows))
    codes = [unescape(code) for code in re.findall(r'<code translate="no">(.*?)</code> <small>', page_of(rows))]
    ask = "; (grad,) = torch.autograd.grad(score, emb)"
    assert codes == [LEAVES[e.leaf].code + ask * e.returned for e in EXPERIMENTS]
    assert shown["is_leaf"] == [str(row.is_leaf) for row in rows]
    assert shown["requires_grad"] == [str(row.requires_grad) for row in rows]
    assert shown["retains_grad"] == [str(row.retains_grad) for row in rows]
    assert shown["grad_fn"] == [row.grad_fn or "None" for row in rows]
    assert shown["grad"] == ["filled" if row.grad_filled else "None" for row in rows]
    for total, difference, row in zip(shown["total"], shown["difference"][-len(rows) :], rows, strict=True):
        if row.grad is None:
            assert (total, difference) == ("none", "\u2013")
        else:
            assert float(total.replace(",", "")) == pytest.approx(row.grad.abs().sum().item(), rel=5e-3)
            assert difference == number(row.difference or 0.0)
    labels = re.findall(r'data-row="(\d+)" data-worked="(\w+)"', page_of(rows))
    assert labels == [(str(row.number), "yes" if row.equal else "no") for row in rows]


@pytest.mark.parametrize(
    ("total", "shown"),
    [(12.345, "12.3"), (99.4, "99.4"), (999.4, "999"), (999.6, "1,000"), (12345.6, "12,346"), (0.0, "0")],
)
def test_a_large_total_is_whole_and_grouped(total: float, shown: str, rows: list[LabRow]) -> None:
    assert numbers(page_of([replace(rows[0], grad=torch.tensor([[total]]), equal=False)]))["total"] == [shown]


def test_what_the_rows_show_together_is_said_once_they_all_ran(rows: list[LabRow]) -> None:
    equal = [row for row in rows if row.equal and row.grad is not None]
    shifted = [replace(row, grad=row.grad + 0.25 * (row is equal[1])) for row in equal if row.grad is not None]
    text = " ".join(read(page_of([*shifted, *(row for row in rows if row.grad is None)])).text.split())
    largest = max((a.grad - b.grad).abs().max().item() for a in shifted for b in shifted)  # type: ignore[operator]
    n = len(shifted) + sum(row.grad is None for row in rows)
    assert f"{len(equal)} of {n} lines gave the gradient; the largest difference" in text
    assert f"between any two of them is {number(largest)}." in text
    assert "lines gave the gradient" not in page_of(rows, finished=False)


def test_what_clone_gave_is_read_off_its_rows(rows: list[LabRow]) -> None:
    """By other results of the same lines it says otherwise."""
    text = " ".join(read(page_of(rows)).text.split())
    assert ".clone() alone never works: no gradient on a trainable model, an error on a frozen model." in text
    assert ".clone().requires_grad_(True): no gradient on a trainable model, the gradient on a frozen model." in text
    works = [replace(row, equal=True, raised=False) if row.experiment.leaf == "clone" else row for row in rows]
    text = " ".join(read(page_of(works)).text.split())
    assert ".clone() alone: the gradient on a trainable model, the gradient on a frozen model." in text
    assert ".clone() alone" not in read(page_of(rows[:1])).text


def test_the_two_pictures_are_of_clone_and_of_detach(rows: list[LabRow]) -> None:
    html = str(pictures_html(rows))
    assert re.findall(r'<code translate="no">(\..*?)</code></label>', html) == [
        ".clone()",
        ".detach().requires_grad_(True)",
    ]
    fallback, gradient = html.split('<div class="rl-lab-picture">')[1:]
    for section, title, kind, number_of in (
        (fallback, "What a quiet fallback shows: embedding magnitudes", "control", 2),
        (gradient, "What the gradient says: saliency", "strength", 6),
    ):
        row = rows[number_of - 1]
        assert title in section
        assert re.findall(r'data-v="([^"]*)"', section) == [number(word.attribution or 0.0) for word in row.words]
        assert set(re.findall(r"rl-w rl-(\w+)", section)) == {kind}
        assert f"rl-bar-{kind}" in section
    clone = rows[1]
    assert "not a leaf" in (clone.said or "")
    assert read(fallback).text.count(clone.said or "") == 1
    assert clone.top_overlap is not None
    shown = numbers(fallback)
    assert shown["spearman"] == [signed_number(clone.rank_correlation or 0.0)]
    assert shown["overlap"] == [f"{100 * clone.top_overlap:.0f} %"]
    assert "of its top 5 found" in fallback
    unranked = [replace(row, rank_correlation=None, said=None) for row in rows]
    html = pictures_html(unranked)
    assert "Too few words to rank." in html
    assert "blockquote" not in html


def test_the_pictures_rows_are_the_first(rows: list[LabRow]) -> None:
    assert pictures_html(rows[:PICTURED]) == pictures_html(rows)
    with pytest.raises(StopIteration):
        pictures_html(rows[: PICTURED - 1])
