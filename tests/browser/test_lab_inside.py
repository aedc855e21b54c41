"""The two pages of Learn, which run by themselves, on a pair with markup and emoji in it."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from playwright.sync_api import Page, expect

from tests.browser.looks import open_tab

QUERY = "how many people <i>live</i> in Berlin"
HOSTILE = "<img src=x onerror=\"document.title='run'\"> ${document.title='run'}"
DOCUMENT = f"Berlin {HOSTILE} has 3.7 million people & \U0001f40c {'mo' * 40}."


def in_plain_pytorch(code: str, trainable: bool) -> tuple[list[str], str, str]:
    """What a row's code does on an embedding layer and a weighted sum: `(flags and .grad, worked, what was said)`."""
    torch.manual_seed(0)
    embed = torch.nn.Embedding(5, 3).requires_grad_(trainable)
    weight = torch.randn(4, 3, requires_grad=trainable)
    names: dict[str, Any] = {"torch": torch, "embed": embed, "input_ids": torch.tensor([[1, 2, 3, 4]])}
    take, _, ask = code.partition("; (grad,)")
    exec(take, names)
    emb, said, grad = names["emb"], "", None
    flags = [str(emb.is_leaf), str(emb.requires_grad), str(emb.retains_grad)]
    flags.append(emb.grad_fn.name() if emb.grad_fn else "None")
    names["score"] = (emb * weight).sum()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if ask:
                exec(f"(grad,){ask}", names)
            else:
                names["score"].backward()
            filled = emb.grad
            grad = names["grad"] if ask else filled
        except RuntimeError as error:
            said, filled = str(error), None
    said = said or ("" if ask or not caught else str(caught[0].message))
    worked = grad is not None and torch.equal(grad[0], weight.detach())
    return [*flags, "None" if filled is None else "filled"], "yes" if worked else "no", said


def test_the_lab_says_what_its_lines_do_and_the_maps_answer_to_keys_and_menus(page: Page, app_url: str) -> None:
    page.goto(app_url)
    page.get_by_label("Query", exact=True).fill(QUERY)
    page.get_by_label("Document", exact=True).fill(DOCUMENT)
    open_tab(page, "Learn")
    expect(page.locator("#lab-status")).to_contain_text("Done")
    again = page.get_by_role("button", name="Run the lab on the boxes")
    expect(again).to_be_hidden()
    line = page.locator("#lab-status .rl-status")
    line.evaluate("line => line.classList.add('rl-stopped')")  # as after a Stop, which leaves the rows so far
    expect(again).to_be_visible()
    line.evaluate("line => line.classList.remove('rl-stopped')")
    rows = page.locator("#lab-rows tr[data-row]").all()
    worked = []
    for row in rows:
        trainable = row.locator("th small").inner_text() == "trainable parameters"
        flags, works, said = in_plain_pytorch(row.locator("th code").inner_text(), trainable)
        assert row.locator("td").all_inner_texts()[: len(flags)] == flags
        assert row.get_attribute("data-worked") == works
        assert "".join(row.locator("blockquote").all_text_contents()) == said
        worked.append(works == "yes")
    assert len({row.locator("th code").inner_text() for row in rows}) + 3 == len(rows) == 14  # three with both kinds
    expect(page.locator(".rl-lab-summary b")).to_have_text(f"{sum(worked)} of {len(rows)} lines gave the gradient")
    clone = page.locator("#lab-rows tr", has=page.get_by_text("emb = embed(input_ids).clone()", exact=True)).first
    clone.get_by_text("PyTorch warned").click()
    expect(clone.get_by_text("not a leaf Tensor is being accessed")).to_be_visible()
    pictures = page.locator("#lab-pictures .rl-lab-picture")
    assert pictures.locator(".rl-text").all_text_contents() == [DOCUMENT] * 2  # without the gradient, and with it
    warning = clone.locator("blockquote").text_content() or ""
    expect(pictures.locator("blockquote")).to_have_text(warning)
    expect(pictures.get_by_role("heading")).to_have_text("What a quiet fallback shows: embedding magnitudes")
    page.get_by_role("radio", name=".clone()", exact=True).press("ArrowRight")
    expect(pictures.get_by_role("heading")).to_have_text("What the gradient says: saliency")
    open_tab(page, "Inside the model")
    expect(page.locator("#lab-rows")).to_be_hidden()
    expect(page.locator("#inside-status")).to_contain_text("Done")
    attention, states = page.locator("#inside-attention"), page.locator("#inside-states")
    expect(attention.get_by_text("Of the document, [CLS] reads most from")).to_be_visible()
    assert "\U0001f40c" in attention.locator("tbody th").all_inner_texts()
    assert set(attention.locator("tbody th").all_inner_texts()) <= set(states.locator("tbody th").all_inner_texts())
    expect(page.locator("#inside-readout svg[role=img]")).to_be_visible()
    assert page.title() != "run"
    assert page.locator("#lab-rows img, #inside-attention img, #inside-states img").count() == 0
    attention.locator(".rl-in-box").focus()
    readout, cells = attention.locator(".rl-in-readout"), attention.locator("tbody td")
    for key, says in (
        ("ArrowDown", "“Berlin”, [CLS] (read-out): "),
        ("ArrowRight", "“Berlin”, how: "),
        ("ArrowDown", "“<”, how: "),
    ):
        page.keyboard.press(key)
        expect(readout).to_contain_text(says)
    box = attention.locator(".rl-in-box")
    box.evaluate("(box) => Object.assign(box.style, { maxHeight: '12em', overflow: 'auto' })")
    cells.nth(0).hover()  # what the keys then scroll under the mouse is not marked
    said = readout.locator("bdi").first.element_handle()
    cells.nth(0).hover(position={"x": 2, "y": 2})
    assert said.evaluate("(said) => said.isConnected"), "a move inside a cell is not read out again"
    box.focus()
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    page.wait_for_function("(cell) => !cell.matches(':hover')", arg=cells.nth(0).element_handle())
    expect(attention.locator("tbody tr").nth(12).locator(".rl-same")).to_have_count(1)
    box.evaluate("(box) => box.removeAttribute('style')")
    attention.locator("tbody tr", has_text="mo" * 40).locator("td").first.click()
    expect(readout).to_contain_text(f"“{('mo' * 40)[:59]}…”, [CLS]")
    before = cells.first.get_attribute("data-v") or ""
    page.get_by_label("Layer", exact=True).select_option("layer 1")
    expect(cells.first).not_to_have_attribute("data-v", before)
    page.get_by_label("gradient \u00d7 activation").check()
    expect(states).to_contain_text("orange with a dotted underline")
    expect(states.locator("td.rl-in-lowers").first).to_be_visible()
    page.get_by_label("Document", exact=True).fill("berlin is a city .")
    open_tab(page, "How to get the gradient")  # which runs for the boxes, and so does Inside once it is opened again
    for name in ("lab", "inside"):
        identity = page.locator(f"#{name}-identity [data-rl-identity]")
        expect(identity).to_have_attribute("data-document", "berlin is a city ." if name == "lab" else DOCUMENT)
    open_tab(page, "Inside the model")
    expect(page.locator("#inside-identity [data-rl-identity]")).to_have_attribute("data-document", "berlin is a city .")
