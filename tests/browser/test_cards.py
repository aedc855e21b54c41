"""The cards' own script and style, without a server: the strip, the keyboard, one voice, right-to-left text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from attribution import explain
from attribution.evidence.faithfulness.measure import measure
from attribution.evidence.faithfulness.scores import Faithfulness
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation, Token
from attribution.views.card import removal_steps
from attribution.views.cards import cards_html
from attribution.views.standalone import page_html
from attribution.views.templating import render
from interface.tabs.explain.tab import SCRIPT
from tests.browser.looks import BUT_COLOURS, contrast, violations

ROOT = Path(__file__).parents[2]
LONG = " ".join(f"word{i}" for i in range(300))
ARABIC = "باريس عاصمة فرنسا."  # Paris is the capital of France.
COLOURS = {
    "light": "--body-text-color: #27272a; --background-fill-primary: #fff; --background-fill-secondary: #fafafa; "
    "--border-color-primary: #e4e4e7; background: #fff;",
    "dark": "--body-text-color: #f4f4f5; --background-fill-primary: #0f0f11; --background-fill-secondary: #18181b; "
    "--border-color-primary: #3f3f46; background: #0f0f11;",
}


def explained(method: str, document: str, strong: dict[str, float]) -> Explanation:
    """`strong`: the values of some words, the others hold 0.01."""
    pieces = [Token(m[0], "document", m.start(), m.end()) for m in re.finditer(r"\w+|[^\w\s]", document)]
    tokens = [Token("q", "query", 0, 1), *pieces]
    values = (1.0, *(strong.get(token.text, 0.01) for token in tokens[1:]))
    return Explanation(method, method, None, "m", "r", "q", document, tuple(tokens), values, 1.0, (), False, 1, 1, 0.1)


def show(
    page: Page,
    explanations: list[Explanation],
    theme: str = "light",
    measured: Faithfulness | None = None,
    above: str = "",
) -> None:
    """The cards as the page has them: its styles, Gradio's colours, the script on the element around them.

    `above`: what else stands there. What the script tells the server is in `window.told`.
    """
    done = {e.method: e for e in explanations}
    css = "".join(path.read_text("utf-8") for path in sorted((ROOT / "attribution" / "views" / "static").glob("*.css")))
    style = f"{css} body {{ {COLOURS[theme]} color: var(--body-text-color); margin: 1rem; font-family: sans-serif; }}"
    body = f"<h1>Cards</h1><div id='cards'>{above}{cards_html(done, measured)}</div>{render('key.html')}"
    told = (
        "window.told = []; const trigger = (event) => event === 'select' && window.told.push(window.rerankEdits.now);"
    )
    script = f"const element = document.querySelector('#cards'); {told} {SCRIPT}"
    page.set_content(
        f"<!doctype html><html lang='en'><title>Cards</title><style>{style}</style>"
        f"<body class='{theme}'><main>{body}</main><script>{script}</script></body></html>"
    )


def inside(box: Locator, word: Locator) -> bool:
    outer, inner = box.bounding_box(), word.bounding_box()
    assert outer
    assert inner
    return outer["y"] <= inner["y"] and inner["y"] + inner["height"] <= outer["y"] + outer["height"]


def test_a_click_on_the_strip_goes_to_the_word_on_every_card(page: Page) -> None:
    strong = {"word10": 1.0, "word290": 0.9}
    show(page, [explained("occlusion", LONG, strong), explained("saliency", LONG, strong)])
    texts = page.locator("[data-side=document] .rl-text")
    words = texts.get_by_text("word290", exact=True)
    assert not any(inside(texts.nth(i), words.nth(i)) for i in (0, 1))
    strip = page.locator(".rl-strip").first
    box = strip.bounding_box()
    assert box
    strip.click(position={"x": box["width"] / 2, "y": box["height"] * 0.95})
    expect(page.locator(".rl-same")).to_have_text(["word290"] * 2)
    assert all(inside(texts.nth(i), words.nth(i)) for i in (0, 1))


def test_the_keyboard_goes_from_strong_word_to_strong_word_and_one_region_says_it(page: Page) -> None:
    strong = {"word10": 1.0, "word290": -0.9}
    show(page, [explained("occlusion", LONG, strong), explained("saliency", LONG, strong)])
    text = page.locator("[data-side=document] .rl-text").first
    text.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".rl-same")).to_have_text(["word10"] * 2)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".rl-same")).to_have_text(["word290"] * 2)
    assert inside(text, text.get_by_text("word290", exact=True))
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".rl-same")).to_have_text(["word289"] * 2)
    page.keyboard.press("ArrowDown")
    said = page.get_by_role("status")
    expect(said).to_have_count(1)
    expect(said).to_have_text("“word290” Occlusion \u22120.9; Saliency, L1 \u22120.9")
    expect(page.locator(".rl-readout").first).to_have_text("“word290” \u22120.9 (90 % of the strongest)")
    for key, word in (("Home", "word0"), ("End", "word299")):
        page.keyboard.press(key)
        expect(page.locator(".rl-same")).to_have_text([word] * 2)
        assert inside(text, text.get_by_text(word, exact=True))


def test_a_large_card_in_a_file_is_as_high_as_what_it_holds(page: Page, tiny_bert: Reranker) -> None:
    """It has no slider, for which the page keeps room."""
    done = {key: explain(tiny_bert, "berlin", "museums of berlin .", key) for key in ("saliency", "occlusion")}
    page.set_content(page_html(done, measure(tiny_bert, done)))
    large = page.locator(".rl-large")
    bottoms = "(card) => [card, ...card.children].map((one) => one.getBoundingClientRect().bottom)"
    card, *within = large.evaluate(bottoms)
    assert 0 <= card - max(within) < 24


def test_right_to_left_text_starts_at_the_right_and_its_full_stop_stands_at_the_left(page: Page) -> None:
    show(page, [explained("occlusion", ARABIC, {})])
    text = page.locator("[data-side=document] .rl-text")
    boxes = [word.bounding_box() for word in text.locator(".rl-w").all()]
    lefts = [box["x"] for box in boxes if box]
    assert lefts == sorted(lefts, reverse=True)
    assert text.locator(".rl-w").last.inner_text() == "."  # the leftmost of all
    text.focus()
    page.keyboard.press("ArrowLeft")  # onwards, as one reads
    expect(page.locator(".rl-same")).to_have_text(text.locator(".rl-w").nth(1).inner_text())


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_the_slider_takes_words_away_and_says_what_was_measured_and_cards_and_key_are_accessible_and_fit(
    page: Page, tiny_bert: Reranker, theme: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    text = "berlin has about 3.7 million inhabitants , more than paris . " * 12
    done = [explain(tiny_bert, "how many people live in berlin", text, key) for key in ("saliency", "occlusion")]
    measured = measure(tiny_bert, {e.method: e for e in done})
    show(page, done, theme, measured)
    hero = page.locator(".rl-card:has(.rl-badge-verdict)")
    key = hero.get_attribute("data-method")
    steps = removal_steps(next(e for e in done if e.method == key), measured)
    assert (hero.bounding_box() or {"y": 0})["y"] < (
        page.locator(".rl-card:not(:has(.rl-remove))").bounding_box() or {"y": 0}
    )["y"]
    slider = hero.get_by_role("slider")
    slider.focus()
    for step in steps[1:]:
        page.keyboard.press("ArrowRight")
        expect(hero.locator(".rl-removed")).to_have_count(len(step["gone"]))
        expect(hero.locator(".rl-remove-says")).to_contain_text(f"from {steps[0]['logit']} to {step['logit']}.")
        expect(hero.locator(".rl-remove-says")).to_contain_text(f"it is {step['low']} to {step['high']}.")
        expect(slider).to_have_attribute(
            "aria-valuetext", f"{step['share']} of the document, {len(step['gone'])} words"
        )
    page.keyboard.press("Home")
    expect(page.locator(".rl-removed")).to_have_count(0)
    compact = page.locator(".rl-card:not(:has(.rl-remove)) [data-side=document] .rl-text")
    low = compact.evaluate("text => text.clientHeight")
    page.locator(".rl-card:not(:has(.rl-remove)) summary").click()
    assert compact.evaluate("text => text.clientHeight") > low
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page, **BUT_COLOURS) + contrast(page) == []
