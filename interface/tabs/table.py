"""The tabs, in the order that the page shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from interface.page.layout import Shell
from interface.page.links import Linked
from interface.tabs import explain, inside, lab, probes, two_models
from interface.tabs.compare import tab as compare


@dataclass(frozen=True)
class Tab:
    """One tab. `build(shell, tab)` makes its components, and renders the line of its lane, which is named by `id`.

    `says`: what that line says before its first run.
    """

    id: str
    label: str
    build: Callable[[Shell, gr.Tab], Linked | None]
    says: str = ""


TABS = [
    Tab("explain", "Explain", explain.build),
    Tab("compare", "Compare", compare.build, "Ready. Enter in the query compares."),
    Tab("lab", "Autograd lab", lab.build),
    Tab("inside", "Inside", inside.build),
    Tab("probes", "Probes", probes.build),
]


def lines() -> dict[str, str]:
    """Each lane, and what its status says before the first run."""
    return {two_models.LANE: two_models.SAYS, **{tab.id: tab.says for tab in TABS}}
