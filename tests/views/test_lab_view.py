"""The lab's table as a page: its numbers are PyTorch's, its two pictures are of a row with and one without gradient."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
import torch

from attribution.lab.autograd import EXPERIMENTS, LabRow, equal_gradients, run_lab
from attribution.methods.leaves import LEAVES
from attribution.rerankers.reranker import Reranker
from attribution.views.lab import lab_html
from attribution.views.numbers import number
from tests.views.test_render import numbers, read

QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."


@pytest.fixture(scope="module")
def rows(tiny_bert: Reranker) -> list[LabRow]:
    return list(run_lab(tiny_bert, QUERY, DOCUMENT))


def page_of(rows: list[LabRow], *, finished: bool = True) -> str:
    return lab_html(rows, equal_gradients(rows), finished=finished)


def test_every_cell_is_the_rows(rows: list[LabRow]) -> None:
    shown = numbers(page_of(rows))
    codes = [unescape(code) for code in re.findall(r"<code>(.*?)</code> <small>", page_of(rows))]
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
    assert f"{len(equal)} of {n} rows gave the gradient; the largest difference" in text
    assert f"between any two of them is {number(largest)}." in text
    clones = [row for row in rows if row.experiment.leaf == "clone"]
    said = "; ".join(f"{'trainable' if c.experiment.trainable else 'frozen'} parameters: {c.verdict}" for c in clones)
    assert f".clone() alone: {said}." in text
    assert "rows gave the gradient" not in page_of(rows, finished=False)


def test_the_pictures_are_of_a_row_with_the_gradient_and_of_one_without(rows: list[LabRow]) -> None:
    html = page_of(rows)
    for title, label, kind, row in (
        ("saliency", "Saliency from the gradient", "strength", next(row for row in rows if row.equal)),
        ("fallback", "The fallback", "control", next(row for row in rows if row.grad is None)),
    ):
        section = html.split(f'aria-label="{label}"')[1].split("</section>")[0]
        assert title in section
        values = re.findall(r'data-v="([^"]*)"', section)
        assert values == [number(word.attribution or 0.0) for word in row.words]
        assert set(re.findall(r"rl-w rl-(\w+)", section)) == {kind}
        assert f"rl-bar-{kind}" in section
    with_it, without = (
        [row.number for row in rows if has(row)] for has in (lambda r: r.equal, lambda r: r.grad is None)
    )
    assert f"Rows {', '.join(map(str, with_it))}, all the same." in html
    assert f"Rows {', '.join(map(str, without))}. " in html
    first = next(row for row in rows if row.grad is None)
    assert first.top_overlap is not None
    shown = numbers(html)
    assert shown["spearman"] == [number(first.rank_correlation or 0.0, signed=True)]
    assert shown["overlap"] == [f"{100 * first.top_overlap:.0f} %"]
    assert "of its top 5 found" in html


def test_a_picture_waits_for_its_row(rows: list[LabRow]) -> None:
    first = next(row for row in rows if row.equal)
    fallback = next(row for row in rows if row.grad is None)
    for ran, shown in (([], (False, False)), ([first], (True, False)), ([fallback], (False, True))):
        html = page_of(ran, finished=False)
        assert ("Saliency from the gradient" in html, 'aria-label="The fallback"' in html) == shown
        assert re.findall(r"Row(s?) ([\d, ]+)[,.]", html) == [("", str(row.number)) for row in ran]
    assert "Too few words to rank." in page_of([replace(fallback, rank_correlation=None)])
