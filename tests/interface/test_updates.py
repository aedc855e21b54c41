"""What of an update goes out to the page, and what Gradio keeps of the page for a visitor."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState, StateHolder
from gradio.utils import is_prop_update

from interface.runs import lanes as runs
from interface.runs.handlers import for_page, handler
from interface.server.gradio_private import Page, install
from tests.interface.conftest import visitor

pytestmark = pytest.mark.usefixtures("unserved")


@pytest.mark.parametrize("named", [(), ("text",), ("menu",), ("text", "state"), ("state",), ("text", "menu", "state")])
def test_what_is_left_as_it_is_goes_out_as_gradio_sends_it_and_is_not_made_anew(named: tuple[str, ...]) -> None:
    with Page() as page:
        parts = {"text": gr.Textbox("shown"), "menu": gr.Dropdown(["a", "b"], value="a"), "state": gr.State(1)}
        page.load(lambda: None, None, [*parts.values()])
    values = {"text": "<b>new</b>", "menu": gr.Dropdown(["c"], value="c"), "state": 2}
    update = {part: values[name] if name in named else gr.skip() for name, part in parts.items()}
    sent, states = [], []
    for answer in (page.postprocess_data, super(Page, page).postprocess_data):
        states.append(SessionState(page))
        sent.append(asyncio.run(answer(page.fns[0], dict(update), states[-1])))
    assert sent[0] == sent[1]
    left = [part for name, part in parts.items() if name not in named and name != "state"]
    assert all(states[0][part._id] is part and states[1][part._id] is not part for part in left)
    assert states[0][parts["menu"]._id].value == ("c" if "menu" in named else "a")


def test_of_a_visitor_no_copy_of_the_page_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio.state_holder.SessionState", SessionState)
    install()
    with Page() as page:
        parts = [gr.HTML("shown"), gr.State(1)]
        page.load(lambda: None, None, parts)
    visitors = StateHolder()
    visitors.set_blocks(page)
    sent = asyncio.run(page.postprocess_data(page.fns[0], ["<b>new</b>", 2], visitors["eve"]))
    assert (sent, visitors["eve"][parts[1]._id]) == (["<b>new</b>", None], 2)
    assert parts[0]._id not in visitors["eve"].config_values


@pytest.mark.parametrize("kind", [gr.Blocks, Page])
@pytest.mark.parametrize("updates", [[], ["new"], ["new", "newer"]])
def test_a_handler_leaves_what_it_does_not_name(updates: list[str], kind: type[gr.Blocks]) -> None:
    """As it comes out of Gradio, which by itself empties outputs and repeats the last update at the end."""

    @handler(lane="lab")
    def run(_asked: Any, _run: Any) -> Iterator[Any]:
        for update in updates:
            yield {"text": update}

    with kind() as demo:
        outputs = {"text": gr.Textbox("shown"), "status": gr.HTML("status")}
        runs.claim("visitor", "lab", None, run.name)
        claimed = gr.State(0)
        demo.load(for_page(run, outputs), None, [*outputs.values()], inputs_kwargs={"claimed": claimed})
    answer: dict[str, Any] = {"iterator": None}
    sent: list[Any] = []
    while not sent or answer["is_generating"]:
        answer = asyncio.run(
            demo.process_api(0, [None], SessionState(demo), iterator=answer["iterator"], request=visitor())
        )
        sent.append(answer["data"])
    *sent, last, end = sent
    assert end == [None, None]  # in place of which its queue sends the last update again
    assert all(map(is_prop_update, last))
    assert [text for text, _ in sent] == updates
    assert all(is_prop_update(status) for _, status in sent)
