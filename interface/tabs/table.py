"""The tabs, in the order that the page shows them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import gradio as gr

from interface.page.layout import Shell
from interface.page.links import Linked
from interface.runs.lanes import MAIN
from interface.tabs import learn, probes
from interface.tabs.compare import tab as compare
from interface.tabs.explain import edit, two_models
from interface.tabs.explain import tab as explain


@dataclass(frozen=True)
class Tab:
    """One tab. `build(shell, tab)` makes its components, and renders the status line of each of its lanes.

    `lanes`: what those lines say before the first run; by default one lane, named by `id`, which says nothing.
    """

    id: str
    label: str
    build: Callable[[Shell, gr.Tab], Linked | None]
    lanes: Mapping[str, str] = field(default_factory=dict)


TABS = [
    Tab("explain", "Explain", explain.build, {MAIN: "", edit.LANE: "", two_models.LANE: two_models.SAYS}),
    Tab("compare", "Compare", compare.build, {"compare": "Ready. Press Compare, or Enter in the query."}),
    Tab("probes", "Probes", probes.build),
    Tab("learn", "Learn", learn.build, learn.LANES),
]


def lines() -> dict[str, str]:
    """Each lane, and what its status says before the first run."""
    return {lane: says for tab in TABS for lane, says in (tab.lanes or {tab.id: ""}).items()}
