"""The probes' page says the engine's numbers and keeps every text a text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.evidence.probes.probe import probe
from attribution.evidence.probes.table import NEITHER, PROBES, SHOULD, Verdict
from attribution.export import plain, probes_to_csv, probes_to_json
from attribution.numbers import fixed, logit
from attribution.rerankers.reranker import Reranker
from attribution.views.probes import VERDICTS, changed_parts, outcome, place, probes_html

QUERY = "how many people live in <b>Berlin</b>"
DOCUMENT = "Berlin has about 3.7 million inhabitants & <img src=x onerror=alert(1)> a park. Paris is not near Rome."


def test_without_any_variant_there_is_a_scale_all_the_same() -> None:
    assert "full width is 1.00." in probes_html([], PROBES, n_forward=0, seconds=0.0)


def test_every_number_is_the_engines_and_the_texts_stay_texts(tiny_bert: Reranker) -> None:
    results = probe(tiny_bert, QUERY, DOCUMENT)
    html = probes_html(results, PROBES, n_forward=48, seconds=1.234)
    rows = re.findall(r'<tr data-probe="([^"]+)" data-verdict="([^"]+)">(.*?)</tr>', html, re.DOTALL)
    assert [(key, verdict) for key, verdict, _ in rows] == [(r.probe, r.verdict) for r in results]
    for result, (_, _, row) in zip(results, rows, strict=True):
        mark, _ = VERDICTS[result.verdict]
        assert f'<b aria-hidden="true">{mark}</b> {result.verdict}</span>' in row
        shown = re.findall(r'class="rl-probe-change">([^<]+)<', row)
        assert shown == [logit(v.change) for v in result.variants]
        labels = [unescape(label) for label in re.findall(r'aria-label="([^"]+)"', row)]
        for variant, label in zip(result.variants, labels, strict=True):
            assert f"change {logit(variant.change)}" in label
            assert f"control {logit(variant.control.low)} to {logit(variant.control.high)}" in label
            assert label.endswith(outcome(variant.outcome, variant.change, PROBES[result.probe].expects))
    assert html.count("<img") == 0
    assert html.count("<b>Berlin") == 0
    assert "48 forward passes, 1.23 s" in html
    variants = [variant for result in results for variant in result.variants]
    reach = max(abs(x) for v in variants for x in (v.change, v.control.low, v.control.high))
    bands = re.findall(r'rl-probe-band" style="left:([-\d.]+)%;width:([-\d.]+)%"', html)
    dots = re.findall(r'rl-probe-dot rl-probe-(\w+)" style="left:([-\d.]+)%"', html)
    for variant, (low, width), (kind, at) in zip(variants, bands, dots, strict=True):
        ends = (variant.control.low, variant.control.high)
        assert (float(low), float(low) + float(width)) == pytest.approx([50 + 48 * x / reach for x in ends], abs=0.02)
        assert float(at) == pytest.approx(50 + 48 * variant.change / reach, abs=0.01)
        assert kind == ("in" if variant.control.holds(variant.change) else "out")
    assert sums(html) == Counter(result.verdict for result in results)
    neither = sum(result.verdict in NEITHER for result in results)
    assert (f">{neither} neither:" in html) == (neither > 0)


def sums(html: str) -> dict[str, int]:
    """How many of each verdict the first line says."""
    (line,) = re.findall(r'<p class="rl-probes-sum">(.*?)</p>', html, re.DOTALL)
    return {verdict: int(n) for n, verdict in re.findall(r"</b> (\d+) ([a-z ]+)", line)}


@pytest.mark.parametrize(
    ("verdict", "change", "expects", "words"),
    [
        ("did not hold", 1.46, "fall", "rose by 1.46 where it should fall"),
        ("did not hold", -0.64, "stay", "fell by 0.64 where it should stay"),
        ("did not hold", 3.16, "not rise", "rose by 3.16 where it should not rise"),
        ("moved", -2.0, "move", "fell by 2.00"),
        ("held", -2.0, "fall", "held"),
        ("too noisy to tell", -2.13, "stay", "too noisy to tell"),
        ("does not apply", None, "stay", "does not apply"),
    ],
)
def test_an_outcome_says_which_way_the_score_went(verdict: str, change: float, expects: str, words: str) -> None:
    assert outcome(verdict, change, expects) == words


def test_every_mark_has_a_legend_and_each_of_several_edits_its_own(tiny_bert: Reranker) -> None:
    (result,) = probe(tiny_bert, QUERY, DOCUMENT, ["padded"])
    outcomes: tuple[Verdict, ...] = ("held", "did not hold", "too noisy to tell")
    edits = tuple(replace(v, outcome=said) for v, said in zip(result.variants, outcomes, strict=True))
    html = probes_html([replace(result, variants=edits)], PROBES, n_forward=1, seconds=1)
    for verdict, (mark, means) in VERDICTS.items():
        assert f'<li><b aria-hidden="true">{mark}</b> <b>{verdict}</b>: {means}</li>' in html
    marks = re.findall(r'rl-probe-which"><b aria-hidden="true">(.)</b> <span dir="auto" translate="no">([^<]+)<', html)
    assert marks == [(VERDICTS[v.outcome][0], v.says) for v in edits]


def test_what_was_changed_is_told_with_its_numbers(tiny_bert: Reranker) -> None:
    results, cut = (
        [replace(r, variants=tuple(replace(v, truncated=holds) for v in r.variants)) for r in found]
        for found in [probe(tiny_bert, QUERY, DOCUMENT)]
        for holds in (False, True)
    )
    html = probes_html(results, PROBES, n_forward=1, seconds=1)
    edits = re.findall(
        r'<div class="rl-probe-edit"><p><span dir="auto" translate="no">(.*?)</span>: (.*?)</p>.*?">(Explain[^<]*)<',
        html,
        re.S,
    )
    variants = [(result, variant) for result in results for variant in result.variants]
    bars = re.findall(r'class="rl-probe-bar" role="img" aria-label="(.*?)"', html, re.S)
    for (says, told, button), bar, (result, v) in zip(edits, bars, variants, strict=True):
        n, low, high = v.control.size, logit(v.control.low), logit(v.control.high)
        said = outcome(v.outcome, v.change, PROBES[result.probe].expects)
        control = f"control: {n} word{'s' * (n != 1)} masked, {low} to {high}"
        assert unescape(bar) == f"{v.says}: change {logit(v.change)}, control {low} to {high}; {said}"
        assert unescape(says) == v.says
        scores = f"{logit(result.logit)} \u2192 {logit(v.logit)}"
        assert " ".join(unescape(told).split()) == f"{scores}, {said}; {control}"
        assert button == f"Explain this {'document' if v.query == result.query else 'query'}"
    assert {button for _, _, button in edits} == {"Explain this query", "Explain this document"}
    reach = max(abs(x) for _, v in variants for x in (v.change, v.control.low, v.control.high))
    assert f"full width is {fixed(reach, 2)}." in html
    for result in results:
        (row,) = re.findall(rf'<tr data-probe="{result.probe}".*?(?=<tr data-probe|</tbody>)', html, re.S)
        assert (f"({len(result.variants)} ways)" in row) == (len(result.variants) > 1)
        assert ("(made for English)" in row) == PROBES[result.probe].english
        assert f"<td>{SHOULD[PROBES[result.probe].expects]}" in row
        assert ("where the text answers the query" in row) == (PROBES[result.probe].expects == "fall")
        base = f"for an unrelated document ({logit(result.logit)})"
        assert (base in row) == (PROBES[result.probe].expects == "not rise")
    assert probes_html(cut, PROBES, n_forward=1, seconds=1).count("Truncated") == len(variants)
    assert "Truncated" not in html


@pytest.mark.parametrize(("second", "leans"), [("They swim.", True), ("Fish like them swim.", False)])
def test_a_probe_that_cannot_be_made_says_what_it_needs(second: str, leans: bool, tiny_bert: Reranker) -> None:
    results = probe(tiny_bert, "which rivers flow", f"Rivers flow. {second}", ["reordered"])
    html = probes_html(results, PROBES, n_forward=1, seconds=1)
    (row,) = re.findall(r'<tr data-probe="reordered" data-verdict="([^"]+)">(.*?)</tr>', html, re.DOTALL)
    assert (row[0] == "does not apply") == leans
    assert ("two sentences, none of which leans on the one before" in row[1]) == leans
    assert ("What was changed" in html) == (not leans)


def test_a_click_carries_exactly_the_edited_pair(tiny_bert: Reranker) -> None:
    results = probe(tiny_bert, QUERY, DOCUMENT)
    html = probes_html(results, PROBES, n_forward=1, seconds=1)
    carried = re.findall(r'data-query="([^"]*)" data-document="([^"]*)"', html)
    edited = [(v.query, v.document) for result in results for v in result.variants]
    assert [(unescape(query), unescape(document)) for query, document in carried] == edited
    assert after_edits(html) == [query if query != QUERY else document for query, document in edited]


@pytest.mark.parametrize("query", ["Ha", "zoo"])
def test_an_edited_query_is_shown_whether_the_alphabet_puts_it_before_or_behind(
    query: str, tiny_bert: Reranker
) -> None:
    (result,) = probe(tiny_bert, QUERY, DOCUMENT, ["twice"])
    edited = replace(result, variants=(replace(result.variants[0], query=query, document=DOCUMENT),))
    assert after_edits(probes_html([edited], PROBES, n_forward=1, seconds=1)) == [query]


def after_edits(html: str) -> list[str]:
    """Each edited text as it is shown, without what is gone."""
    marked = re.findall(r'<p class="rl-text"[^>]*>(.*?)</p>', html, re.DOTALL)
    return [unescape(re.sub(r"<del>.*?</del>|</?ins>", "", text, flags=re.DOTALL)) for text in marked]


@given(st.text("ab .<\u00e9\u6771\n", max_size=30), st.text("ab .<\u00e9\u6771\n", max_size=30))
def test_marked_parts_join_to_both_texts(before: str, after: str) -> None:
    parts = changed_parts(before, after)
    assert "".join(text for kind, text in parts if kind != "gone") == after
    assert "".join(text for kind, text in parts if kind != "new") == before


def test_one_changed_word_of_a_long_text_is_one_change() -> None:
    """The words and spaces of a long text come again and again, and still count as the same."""
    before, after = " ".join([*"abc" * 50, "old", *"cab" * 50]), " ".join([*"abc" * 50, "new", *"cab" * 50])
    parts = changed_parts(before, after)
    assert [part for part in parts if part[0] != "same"] == [("gone", "old"), ("new", "new")]


@pytest.mark.parametrize("after", ["Ok.  " * 3000, "Ok " * 3000, "x" + "Ok. " * 2000 + "No. " * 900])
def test_a_long_text_of_few_words_is_marked_too(after: str) -> None:
    """All of its words come often; to look for the best match of each would take hours."""
    parts = changed_parts("Ok. " * 3000, after)
    assert "".join(text for kind, text in parts if kind != "gone") == after


def test_downloads_hold_every_edit_and_its_numbers(tiny_bert: Reranker) -> None:
    first, *others = probe(tiny_bert, QUERY, DOCUMENT)
    results = [replace(first, variants=tuple(replace(v, truncated=True) for v in first.variants)), *others]
    assert json.loads(probes_to_json(results))["results"] == json.loads(json.dumps(plain(results)))
    rows = list(csv.DictReader(io.StringIO(probes_to_csv(results))))
    edits = [(result, variant) for result in results for variant in result.variants or (None,)]
    for row, (result, variant) in zip(rows, edits, strict=True):
        assert (row["probe"], row["verdict"]) == (result.probe, result.verdict)
        assert row["edit"] == (variant.says if variant else result.note)
        assert row["outcome"] == (variant.outcome if variant else "")
        assert row["truncated"] == (str(variant.truncated) if variant else "")
        expected = {"base_logit": result.logit}
        if variant is not None:
            low, high = variant.control.low, variant.control.high
            expected |= {"change": variant.change, "logit": variant.logit, "control_low": low, "control_high": high}
        texts = {name: row[name] for name in ("change", "base_logit", "logit", "control_low", "control_high")}
        assert {name: float(text) for name, text in texts.items() if text} == pytest.approx(expected, rel=1e-5)
    assert {variant is None for _, variant in edits} == {True, False}


def test_the_bar_is_centred_and_bounded() -> None:
    assert [place(x, 2.0) for x in (-4.0, -2.0, 0.0, 1.0, 2.0)] == [2.0, 2.0, 50.0, 74.0, 98.0]
