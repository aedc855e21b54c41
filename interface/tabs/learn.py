"""Tab "Learn": how autograd gets to the gradient, and what one pass leaves in the model; two pages of one story."""

from __future__ import annotations

import gradio as gr

from interface.page.layout import Shell
from interface.page.links import Linked, choice
from interface.tabs import inside, lab

LANES = {"lab": "", "inside": ""}
PAGES = [("How autograd gets there", "lab"), ("Inside the model", "inside")]
# What is opened with a result of other text runs again; opening the tab has started what has no result yet.
FOLLOW = "() => [...document.querySelectorAll('[data-rl-stale] .rl-again')].find((it) => it.checkVisibility())?.click()"


def build(shell: Shell, tab: gr.Tab) -> Linked:
    """A switch and its two pages, of which CSS shows the chosen one; what is opened follows the boxes."""
    page = gr.Radio(PAGES, value="lab", label="Page", show_label=False, container=False, elem_id="learn-page")
    page.select(None, js=FOLLOW)
    with gr.Column(elem_id="lab"):
        lab.build(shell, tab)
    with gr.Column(elem_id="inside"):
        fields = inside.build(shell, tab)
    return Linked([choice(page), *fields])
