"""What starts, stops and follows a run: the row under the boxes, the tabs' own buttons, and their status lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution import AttributionError
from attribution.views.page import status_html
from interface.runs import budget
from interface.runs.handlers import ASIDE, QUEUE, PairInputs, check_fields, unless_withdrawn
from interface.runs.lanes import MAIN, Ended, ahead, busy, claim, end, in_a_word, stop
from interface.runs.limits import check_model, check_texts

KEYS = "Ready. Ctrl+Enter starts from both boxes, Enter from the query."
LINES = {  # lane -> what its own status line says before its first run
    "two-models": "Runs the ticked methods on the pair in the boxes, under both models.",
    "compare": "Ready. Enter in the query compares.",
    "lab": "",
    "inside": "",
    "probes": "Opens with the pair in the boxes.",
}
SAID = {
    "running": "Stopped. What was ready is kept.",
    "waiting": "Withdrawn before it started.",
    "": "Nothing was running.",
}


@dataclass(frozen=True)
class Actions:
    """The row under the boxes, and the tabs' own: a `compare_stop`, and by lane the status `lines`.

    `timer` ticks while a run waits for its turn. Whoever ends a lane says so in its line.
    """

    explain: gr.Button
    stop: gr.Button
    status: gr.HTML
    timer: gr.Timer
    compare_stop: gr.Button
    lines: Mapping[str, gr.HTML]

    @property
    def starts(self) -> list[Callable[..., Any]]:
        """What begins an explanation, beside Enter in the query; examples and Ctrl+Enter press the button."""
        return [self.explain.click]


def build_lines() -> tuple[gr.Button, dict[str, gr.HTML]]:
    """`(compare_stop, lines)` of `Actions`; each tab renders its own."""
    lines = {lane: gr.HTML(status_html(text), elem_id=f"{lane}-status", render=False) for lane, text in LINES.items()}
    return gr.Button("Stop", interactive=False, elem_id="compare-stop", scale=0, render=False), lines


def start_run(
    triggers: Sequence[Callable[..., Any]],
    handler: Callable[..., Any],
    pair: PairInputs,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    actions: Actions,
    tabs: gr.Tabs,
    cost: Callable[..., tuple[int, float]],
) -> Any:
    """`handler(model, query, document, *inputs)`, the latest wins: a start ends what runs and withdraws what waits."""
    begun = gr.on(triggers, None, js="() => window.rerankLens.reveal()")
    told = [actions.status, actions.stop, actions.timer, tabs, actions.compare_stop, *actions.lines.values()]
    claimed = begun.then(claimer(cost), [*pair.components, *inputs], told, trigger_mode="multiple", **ASIDE)
    claimed.failure(asker(cost), [*pair.components, *inputs], actions.status, trigger_mode="multiple", **ASIDE)
    ran = claimed.success(
        unless_withdrawn(handler), [*pair.components, *inputs], [*outputs], show_progress="minimal",
        show_progress_on=actions.status, trigger_mode="multiple", api_visibility="private", validator=check_fields,
        **QUEUE,
    )  # fmt: skip
    settle_after(ran, actions)
    actions.timer.tick(tell_place, None, [actions.status, actions.timer], **ASIDE)
    return ran


def open_run(
    tab: gr.Tab,
    again: gr.Button,
    handler: Callable[..., Any],
    pair: PairInputs,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    actions: Actions,
    lane: str,
) -> Any:
    """`handler(model, query, document, *inputs)` runs by itself when its tab opens, and from `again` for new text."""
    return run_in_lane([tab.select, again.click], handler, [*pair.components, *inputs], outputs, actions, lane)


def run_in_lane(
    triggers: Sequence[Callable[..., Any]],
    handler: Callable[..., Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    actions: Actions,
    lane: str,
) -> Any:
    """`handler(*inputs)`, of which a start ends what runs or waits in its lane; the last output is a status line."""
    claimed = gr.on(triggers, lane_claimer(lane), None, actions.stop, trigger_mode="multiple", **ASIDE)
    ran = claimed.success(
        unless_withdrawn(handler, lane), [*inputs], [*outputs], show_progress="minimal", show_progress_on=outputs[-1],
        trigger_mode="multiple", api_visibility="private", validator=check_fields, **QUEUE,
    )  # fmt: skip
    settle_after(ran, actions)
    return ran


def lane_claimer(lane: str) -> Callable[[gr.Request], Any]:
    """The handler that ends what the visitor has in `lane`, and offers a stop."""

    def claim_lane(request: gr.Request) -> Any:
        claim(request.session_hash or "", lane)
        return gr.Button(interactive=True)

    return claim_lane


def settle_after(ran: Any, actions: Actions) -> None:
    """Stop is offered no longer than something of this visitor's runs or waits."""
    for after in (ran.then, ran.failure):
        after(settle, None, actions.stop, trigger_mode="multiple", **ASIDE)


def end_by(actions: Actions, pair: PairInputs, runs: Sequence[Any]) -> None:
    """Stop and every start of an explanation take all `runs` out of the queue; build this after all tabs."""
    gr.on([*actions.starts, pair.query.submit], None, cancels=[*runs])
    stop_by([actions.stop, actions.compare_stop], {MAIN: actions.status, **actions.lines}, runs)


def stop_by(buttons: Sequence[gr.Button], lines: Mapping[str, gr.HTML], runs: Sequence[Any], lane: str = "") -> None:
    """A click on the first of `buttons` ends what the visitor has in `lane`, or in all, and what ended says so.

    It takes `runs` out of the queue. What it says is said once more when it is done: a result that was on its way may
    have come in between.
    """
    own = lane or MAIN

    def halt(request: gr.Request) -> dict[Any, Any]:
        ended = end(request.session_hash or "", lane or None)
        texts = {**said_of(ended), own: status_html(SAID[in_a_word(ended)], stopped=True)}
        return {button: gr.Button(interactive=False) for button in buttons} | told(texts) | {kept: texts}

    def told(texts: Mapping[str, str]) -> dict[Any, Any]:
        return {line: texts[name] for name, line in lines.items() if name in texts}

    kept, name = gr.State({}), f"halt_{lane}" if lane else "halt"
    outputs = [*buttons, *lines.values(), kept]
    halted = buttons[0].click(halt, None, outputs, cancels=[*runs], api_name=name, **ASIDE)
    halted.then(told, kept, [*lines.values()], **ASIDE)


def said_of(ended: Mapping[str, Ended]) -> dict[str, str]:
    """What the line of each lane that was `ended` says."""
    return {lane: status_html(SAID[how], stopped=True) for lane, how in ended.items()}


def claimer(cost: Callable[..., tuple[int, float]]) -> Callable[..., tuple[Any, ...]]:
    """The handler that claims a run whose `cost(model, query, document, *settings)` is `(forwards, seconds)`."""

    def claim_run(request: gr.Request, model_id: str, query: str, document: str, *settings: Any) -> tuple[Any, ...]:
        """End what this visitor has running and wait for a place.

        Gives `(status, stop button, timer, tabs, Compare's stop button, *lines)`.
        """
        session = request.session_hash or ""

        def others() -> list[Any]:  # every lane ends, and says so
            said = said_of(end(session))
            return [gr.Button(interactive=False), *(said.get(lane, gr.skip()) for lane in LINES)]

        try:
            check_model(model_id)
            check_texts(query, document)
            passes, takes = cost(model_id, query, document, *settings)
        except AttributionError as error:  # the field says so too
            return status_html(str(error)), gr.Button(interactive=False), gr.skip(), gr.skip(), *others()
        question = budget.ask(session, passes, takes, (model_id, query, document, settings))
        if question:  # ends the chain of events; outside the queue Gradio shows no message, so `asker` says it
            raise gr.Error(question, title="A long run", print_exception=False)
        ended = others()
        before, seconds = claim(session)
        waiting = place(before, seconds)
        waiting += f" At most {passes:,} passes, about {max(1, takes):.0f} s." if passes else ""
        told = status_html(waiting), gr.Button(interactive=True), gr.Timer(active=bool(before))
        return *told, gr.Tabs(selected="explain"), *ended

    return claim_run


def asker(cost: Callable[..., tuple[int, float]]) -> Callable[..., str]:
    """The handler that says what a refused claim asked, in the status line."""
    return lambda *inputs: status_html(budget.question(*cost(*inputs)))


def place(before: int, seconds: float) -> str:
    """How many runs are before this one, and how long that takes."""
    return f"{before} before you, about {max(1.0, seconds):.0f} s. Stop withdraws." if before else "Starting …"


def tell_place(request: gr.Request) -> tuple[Any, ...]:
    """While the visitor's run waits: its place, again; after that nothing, and no more ticks: `(status, timer)`."""
    now = ahead(request.session_hash or "")
    return (status_html(place(*now)), gr.skip()) if now else (gr.skip(), gr.Timer(active=False))


def settle(request: gr.Request) -> Any:
    """Stop is offered only while something of this visitor's runs or waits."""
    return gr.Button(interactive=busy(request.session_hash or ""))


def forget(request: gr.Request) -> None:
    """The visitor left: stop what still runs for them."""
    stop(request.session_hash or "")
