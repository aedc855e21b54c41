"""The Autograd lab and Inside tabs, which run by themselves, on a pair with markup and emoji in it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from attribution.lab.autograd import EXPERIMENTS

QUERY = "how many people <i>live</i> in Berlin"
HOSTILE = "<img src=x onerror=\"document.title='run'\"> ${document.title='run'}"
DOCUMENT = f"Berlin {HOSTILE} has 3.7 million people & \U0001f40c."
VIEWS = [("light", 1280), ("dark", 1280), ("light", 390)]
every_view = pytest.mark.parametrize(("theme", "width"), VIEWS)


def open_tab(page: Page, url: str, name: str, theme: str = "light", width: int = 1280) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{url}/?__theme={theme}")
    page.get_by_label("Query", exact=True).fill(QUERY)
    page.get_by_label("Document", exact=True).fill(DOCUMENT)
    tab, more = page.get_by_role("tab", name=name, exact=True), page.get_by_label("More tabs")
    expect(tab.or_(more).filter(visible=True).first).to_be_visible()
    page.evaluate("document.fonts.ready.then(() => null)")  # widths are final
    if tab.is_visible():
        tab.click()
    else:  # tabs that do not fit, by the width of the font at hand, are in a menu
        more.click()
        page.locator(".overflow-dropdown button", has_text=name).click()


def run_lab(page: Page) -> Locator:
    rows = page.locator("#lab-rows tr[data-row]")
    expect(rows).to_have_count(len(EXPERIMENTS))
    expect(page.locator("#lab-status")).to_contain_text("Done")
    return rows


def look_inside(page: Page) -> None:
    expect(page.locator("#inside-status")).to_contain_text("Done")


def assert_calm(page: Page) -> None:
    """Nothing of the visitor's text ran, and the page does not scroll sideways."""
    assert page.title() != "run"
    assert page.locator("#lab-rows img, #inside-attention img, #inside-states img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@every_view
def test_every_row_of_the_lab(page: Page, app_url: str, theme: str, width: int) -> None:
    open_tab(page, app_url, "Autograd lab", theme, width)
    rows = run_lab(page)
    assert page.locator("#lab-rows .rl-text").all_inner_texts() == [DOCUMENT] * 2  # with the gradient, and without
    codes = rows.locator("th code").all_inner_texts()
    assert codes == [experiment.code for experiment in EXPERIMENTS]
    assert_calm(page)


def test_the_clone_row_shows_pytorchs_own_warning(page: Page, app_url: str) -> None:
    open_tab(page, app_url, "Autograd lab")
    rows = run_lab(page)
    clone = rows.nth([experiment.leaf for experiment in EXPERIMENTS].index("clone"))
    expect(clone).to_have_attribute("data-worked", "no")
    clone.get_by_text("PyTorch warned").click()
    expect(clone.get_by_text("not a leaf Tensor is being accessed")).to_be_visible()
    detached = rows.nth([experiment.leaf for experiment in EXPERIMENTS].index("detach"))
    expect(detached).to_have_attribute("data-worked", "yes")
    expect(page.locator(".rl-lab-summary")).to_contain_text("rows gave the gradient")


@every_view
def test_both_maps_and_the_probe(page: Page, app_url: str, theme: str, width: int) -> None:
    open_tab(page, app_url, "Inside", theme, width)
    look_inside(page)
    attention, states = page.locator("#inside-attention"), page.locator("#inside-states")
    expect(attention.get_by_text("[CLS]", exact=True)).to_be_visible()
    assert "\U0001f40c" in attention.locator("tbody th").all_inner_texts()
    assert set(attention.locator("tbody th").all_inner_texts()) <= set(states.locator("tbody th").all_inner_texts())
    expect(page.locator("#inside-probe svg[role=img]")).to_be_visible()
    assert_calm(page)


def test_arrow_keys_read_out_a_cell(page: Page, app_url: str) -> None:
    open_tab(page, app_url, "Inside")
    look_inside(page)
    page.locator("#inside-attention .rl-in-box").focus()
    readout = page.locator("#inside-attention .rl-in-readout")
    page.keyboard.press("ArrowDown")
    expect(readout).to_contain_text("“Berlin”, [CLS] (read-out): ")
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("“Berlin”, how: ")
    page.keyboard.press("ArrowDown")
    expect(readout).to_contain_text("“<”, how: ")


def test_the_menus_redraw_without_another_run(page: Page, app_url: str) -> None:
    open_tab(page, app_url, "Inside")
    look_inside(page)
    cells = page.locator("#inside-attention tbody td")
    before = [cell.get_attribute("data-v") for cell in cells.all()]
    page.get_by_label("Layer", exact=True).click()
    page.get_by_role("option", name="layer 1", exact=True).click()
    expect(cells.first).not_to_have_attribute("data-v", before[0] or "")
    page.get_by_label("gradient \u00d7 activation").check()
    expect(page.locator("#inside-states")).to_contain_text("orange with a dotted underline")
    expect(page.locator("#inside-states td.rl-in-lowers").first).to_be_visible()
