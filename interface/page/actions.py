"""What starts, stops and follows a run: the row under the boxes, the tabs' own buttons, and their status lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution import AttributionError
from attribution.numbers import counted
from attribution.views.page import status_html
from interface.page.downloads import DOWNLOAD
from interface.runs import lanes, limits
from interface.runs.handlers import ASIDE, QUEUE, Handler, check_fields, for_page
from interface.server.gradio_queue import queued

EXPLAIN = "Explain"
FULL = "The queue is full, so this start was refused. Try again in {} s."
SAID = {
    "running": "Stopped. What was ready is kept.",
    "waiting": "Withdrawn before it started.",
    "": "Nothing was running.",
}
FRESH = {"downloads": DOWNLOAD, "problem": status_html("")}  # what is said of the start before
Cost = Callable[[Any], tuple[int, float]]  # (what is asked) -> (forwards at most, about how many seconds)


@dataclass(frozen=True)
class Actions:
    """The buttons and lines that every run shares. `stops`: by lane, "" for the one that ends all lanes.

    `offered`: the stops that page.js shows. `lines`: by lane, where its status is said. `timer` ticks while a run of
    the main lane waits for its turn.
    """

    explain: gr.Button
    stops: Mapping[str, gr.Button]
    offered: gr.HTML
    lines: Mapping[str, gr.HTML]
    timer: gr.Timer

    def line(self, lane: str) -> gr.HTML:
        """Where a lane's status is said."""
        return self.lines.get(lane, self.lines[lanes.MAIN])

    def stoppable(self, session: str) -> dict[Any, Any]:
        """Stop is offered while something of this visitor runs or waits; of two answers the newer holds."""
        number, busy = lanes.numbered(session, self.stops)
        return {self.offered: " ".join([str(number), *(str(self.stops[lane].elem_id) for lane in busy)])}

    def ended(self, there_was: Mapping[str, lanes.Ended]) -> dict[Any, Any]:
        """What the line of each lane says in which there was something to end."""
        return {self.line(lane): status_html(SAID[how], stopped=True) for lane, how in there_was.items()}

    def saying(self, session: str, updates: dict[Any, Any]) -> dict[Any, Any]:
        """`updates`, of which each line's text is kept, to be said again at the end of the event."""
        for line in self.lines.values():
            if line in updates:
                lanes.say(session, str(line.elem_id), updates[line])
        return updates

    def again(self, request: gr.Request) -> dict[Any, Any]:
        """What each line was told last, and whether there is something to stop.

        Gradio may undo what has just come for an output that an event leaves as it is, and an older text may come late.
        """
        session = request.session_hash or ""
        told = lanes.said(session)
        lines = {line: told[str(line.elem_id)] for line in self.lines.values() if line.elem_id in told}
        return lines | self.stoppable(session)

    def tell_place(self, request: gr.Request) -> dict[Any, Any]:
        """While the visitor's run waits: its place, again; after that what was told last, and no more ticks."""
        session, line = request.session_hash or "", self.lines[lanes.MAIN]
        if lanes.was_refused(session):
            full = {line: status_html(FULL.format(lanes.wait_of_a_full_queue())), self.timer: gr.Timer(active=False)}
            return self.saying(session, full)
        now = lanes.ahead(session)
        if now:
            return self.saying(session, {line: status_html(place(*now))})
        return {self.timer: gr.Timer(active=False), line: lanes.said(session).get(str(line.elem_id), gr.skip())}


def build(says: Mapping[str, str]) -> Actions:
    """The row's own parts are rendered here; each tab renders its lines, which say what `says` until its first run."""
    explain = gr.Button(EXPLAIN, variant="primary", elem_id="explain", scale=0)
    stops = {
        lane: gr.Button("Stop", elem_id=f"{lane}-stop".lstrip("-"), scale=0, render=False) for lane in ("", "compare")
    }
    lines = {
        lane: gr.HTML(status_html(text), elem_id="status" if lane == lanes.MAIN else f"{lane}-status", render=False)
        for lane, text in {**says, lanes.MAIN: "Ready."}.items()
    }
    offered = gr.HTML(elem_id="offered", elem_classes="notranslate", visible="hidden")
    return Actions(explain, stops, offered, lines, gr.Timer(1, active=False))


def start(
    begin: Callable[..., Any],
    run: Handler,
    ask: Callable[..., Any],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    actions: Actions,
    *,
    cost: Cost | None = None,
    js: str | None = None,
    options: Mapping[str, Any] = QUEUE,
) -> Sequence[Any]:
    """On the event that `begin` makes, `run` what `ask(**inputs)` makes of the values: claimed at once, then queued.

    The latest start wins: it ends what runs and withdraws what waits. One that is refused, by an error of `ask` or as
    a long run that is asked about first, ends nothing. The page's query and document are marked if they are wrong.
    Returns two events, after one of which the run is over: Gradio tells of a run that failed by an event of its own.
    """
    line, claimed, every = actions.line(run.lane), gr.State(None), [*actions.lines.values(), actions.offered]
    # Gradio may undo what has just come for an output that an event leaves as it is, so no line is told for nothing.
    lines = [actions.timer, *actions.lines.values()] if run.lane == lanes.MAIN else [line]
    fresh = {outputs[name]: empty for name, empty in FRESH.items() if name in outputs}
    begun = begin(
        _claimer(run, ask, cost, claimed, actions, fresh), None,
        [claimed, actions.explain, actions.offered, *lines, *fresh],
        inputs_kwargs=dict(inputs), js=js, api_name=f"claim_{run.lane}", trigger_mode="multiple", **ASIDE,
    )  # fmt: skip
    shown = {**outputs, "status": line}
    fields = {name: inputs[name] for name in ("query", "document") if "document" in inputs}
    ran = begun.then(
        for_page(run, shown, actions.stoppable), None, [actions.offered, *shown.values()],
        inputs_kwargs={**fields, "claimed": claimed},
        validator=check_fields if fields else None, show_progress="minimal", show_progress_on=line,
        trigger_mode="multiple", api_visibility="private", api_name=f"run_{run.lane}", **options,
    )  # fmt: skip
    return [over(actions.again, None, every, trigger_mode="multiple", **ASIDE) for over in (ran.then, ran.failure)]


def _claimer(
    run: Handler, ask: Callable[..., Any], cost: Cost | None, claimed: gr.State, actions: Actions, fresh: dict[Any, Any]
) -> Callable[..., dict[Any, Any]]:
    """The handler that makes a start a claim, or says in the lane's line why it is none; both take `fresh` back."""
    lane, line = run.lane, actions.line(run.lane)

    def refused(session: str, why: str) -> dict[Any, Any]:
        lanes.say_no(session, lane)
        return actions.saying(session, {line: status_html(why, refused=True), claimed: 0} | fresh)

    def claim_it(request: gr.Request, **given: Any) -> dict[Any, Any]:
        session = request.session_hash or ""
        try:
            asked = ask(**given)
            passes, takes = cost(asked) if cost else (0, 0.0)
        except AttributionError as error:
            return refused(session, str(error))
        question = limits.ask(session, passes, takes, asked)
        if question:
            return refused(session, question) | {actions.explain: gr.Button(f"Start anyway ({takes:,.0f} s)")}
        if asked is None:
            return {claimed: 0}
        number, there_was = lanes.claim(session, lane, asked, run.name, queued(request))
        before, seconds = lanes.ahead(session, lane) or (0, 0.0)
        waiting = place(before, seconds)
        waiting += f" At most {counted(passes, 'pass')}, about {max(1, takes):.0f} s." if passes else ""
        started = {line: status_html(waiting), claimed: number} | fresh | actions.stoppable(session)
        if lane == lanes.MAIN:
            started |= {actions.timer: gr.Timer(active=bool(before)), actions.explain: gr.Button(EXPLAIN)}
        return actions.saying(session, actions.ended(there_was) | started)

    return claim_it


def build_stops(actions: Actions) -> None:
    """A click on a Stop ends what the visitor has in its lane, or in all, and what ended says so."""
    every = [*actions.lines.values(), actions.offered]
    for lane, button in actions.stops.items():
        halted = button.click(_halter(lane, actions), None, every, api_name=f"halt_{lane}".rstrip("_"), **ASIDE)
        halted.then(actions.again, None, every, **ASIDE)
    actions.timer.tick(actions.tell_place, None, [actions.lines[lanes.MAIN], actions.timer], **ASIDE)


def _halter(lane: str, actions: Actions) -> Callable[..., dict[Any, Any]]:
    def halt(request: gr.Request) -> dict[Any, Any]:
        session = request.session_hash or ""
        there_was = lanes.end(session, lane or None)
        told = {actions.line(lane): status_html(SAID[lanes.in_a_word(there_was)], stopped=True)}
        return actions.saying(session, told | actions.ended(there_was)) | actions.stoppable(session)

    return halt


def place(before: int, seconds: float) -> str:
    """How many runs are before this one, and how long they take."""
    return f"{before} before you, about {max(1.0, seconds):.0f} s. Press Stop to withdraw." if before else "Starting …"


def leave(request: gr.Request) -> None:
    """The visitor left: stop what still runs for them."""
    lanes.forget(request.session_hash or "")
