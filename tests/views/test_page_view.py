"""The page's shell: examples, what a result is of, and what the browser needs to count tokens."""

from __future__ import annotations

import base64
import json
import re
import zlib
from html import unescape
from pathlib import Path

from attribution.views.page import (
    OWN_TEXT,
    Identity,
    compare_link,
    count_html,
    examples_html,
    identity_html,
    status_html,
)
from attribution.views.templating import render
from tests.views.reading import read

ROOT = Path(__file__).parents[2]
PAIRS = json.loads((ROOT / "examples" / "pairs.json").read_text("utf-8"))
CSS = [*ROOT.glob("attribution/views/static/*.css"), *ROOT.glob("interface/page/static/*.css")]


def chips(html: str) -> list[tuple[str, str, dict[str, str]]]:
    """Pressed, tab index, and what each carries, with its label."""
    found = re.findall(r'<button[^>]*aria-pressed="(\w+)"\s+tabindex="(-?\d)"([^>]*)>([^<]*)<', html)
    carried = [{**dict(re.findall(r'data-(\w+)="([^"]*)"', data)), "label": label} for _, _, data, label in found]
    unescaped = [{name: unescape(value) for name, value in one.items()} for one in carried]
    return [(pressed, tab, one) for (pressed, tab, _, _), one in zip(found, unescaped, strict=True)]


def test_the_first_example_is_chosen_and_each_carries_its_pair() -> None:
    html = examples_html(PAIRS)
    found = chips(html)
    assert [(pressed, tab) for pressed, tab, _ in found] == [("true", "0"), *[("false", "-1")] * (len(PAIRS) - 1)]
    for (_, _, carried), pair in zip(found, PAIRS, strict=True):
        assert carried == {name: pair[name] for name in ("query", "document", "reason", "label")}
    groups = re.findall(r'role="group" aria-label="([^"]*)"', html)
    assert [unescape(group) for group in groups] == list(dict.fromkeys(pair["teaches"] for pair in PAIRS))
    (why,) = re.findall(r'id="rl-why"[^>]*data-own="([^"]*)">([^<]*)<', html)
    assert (why[0], unescape(why[1])) == (OWN_TEXT, PAIRS[0]["reason"])


def test_the_first_list_is_chosen() -> None:
    lists = [{"label": f"l{i}", "reason": f"r{i}", "query": f"q{i}", "text": f"t{i}", "mode": "list"} for i in range(3)]
    html = render("compare_lists.html", lists=lists)
    assert [(pressed, tab) for pressed, tab, _ in chips(html)] == [("true", "0"), *[("false", "-1")] * 2]
    assert [carried for _, _, carried in chips(html)] == lists
    assert re.findall(r'class="rl-why"[^>]*>([^<]*)<', html) == ["r0"]


def test_a_result_says_what_it_is_of() -> None:
    html = identity_html(Identity("id", "Label", "rev", "a <q>", "d" * 100, "operator delete", "9 tokens"), "Again!")
    text = " ".join(read(html).text.split())
    assert "This text, Label; operator delete" in text
    assert text.endswith("Again!")
    assert 'data-count="9 tokens" data-over="false"' in html
    assert 'data-over="true"' in identity_html(Identity("id", "L", "r", "q", "d", count="9", over=True))
    plain = identity_html(Identity("id", "Label", "rev", "q", "d"))
    assert "data-count" not in plain
    assert "Press Explain to update." in plain
    assert re.findall(r'data-(model|query|document)="([^"]*)"', plain) == [
        ("model", "id"), ("query", "q"), ("document", "d")
    ]  # fmt: skip


def test_a_status_line_says_whether_a_run_was_stopped_or_a_start_refused() -> None:
    lines = [status_html("Done."), status_html("Stopped.", stopped=True), status_html("Full.", refused=True)]
    assert [re.findall(r"rl-(stopped|refused)", line) for line in lines] == [[], ["stopped"], ["refused"]]


def test_the_browser_is_given_what_it_counts_with() -> None:
    html = count_html("about 9 tokens", 512, 3, 2000, 20_000, 100)
    numbers = dict(re.findall(r'data-([\w-]+)="(\d*)"', html))
    most = {"most-query": "2000", "most-document": "20000"}
    assert numbers == {"limit": "512", "template": "3", "longest": "100", **most}
    assert read(html).text == "about 9 tokens"
    assert 'data-limit=""' in count_html("", None, 0, 1, 1)


def test_an_empty_line_is_where_the_page_says_what_became_of_a_link() -> None:
    lines = [render("link.html", says=says) for says in ("", "Download")]
    assert ['role="status"' in line for line in lines] == [True, False]
    links = [("one", "https://a.example"), ("two", "https://b.example")]
    found = re.findall(r'href="(https[^"]*)"[^>]*>([^<]*)<', render("page_top.html", tagline="tag", links=links))
    assert [(text, address) for address, text in found] == links


def test_no_rule_for_a_phone_or_for_calm_begins_with_gradios_container() -> None:
    """Gradio writes that container before each rule inside of `@media`, where it would be sought in itself."""
    for sheet in CSS:
        for rules in re.findall(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)", sheet.read_text("utf-8")):
            assert ".gradio-container" not in rules, sheet.name


def test_one_name_is_laid_out_in_one_style_sheet() -> None:
    """All sheets are on one page: a second thing of the same name would take the layout of the first."""
    where: dict[str, list[str]] = {}
    for sheet in CSS:
        for name in set(re.findall(r"(?:^|\})\s*(\.rl-[\w-]+) \{", sheet.read_text("utf-8"), re.MULTILINE)):
            where.setdefault(name, []).append(sheet.name)
    assert {name: sheets for name, sheets in where.items() if len(sheets) > 1} == {}
    assert where[".rl-told"] == ["compare.css"]


def test_a_link_to_compare_is_what_the_page_reads() -> None:
    """Deflated without a header, as browsers do it; read back by Python's own zlib."""
    link = compare_link("https://page/#old", "who ?", ["one\ntwo", "three"], "m")
    page, packed = link.split("#p=1.")
    state = json.loads(zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), wbits=-15))
    assert page == "https://page/"
    assert (state["v"]["Query"], state["v"]["Model"]) == ("who ?", "m")
    assert [json.loads(line)["text"] for line in state["v"]["Documents"].split("\n")] == ["one\ntwo", "three"]
