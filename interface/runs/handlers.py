"""A handler: what runs on the model for a tab, with all that every run has in common; and the pair that tabs ask about.

Tabs write `work(asked, run)`, which yields updates: values by the name of an output. `@handler` makes it one visitor's
run, answers errors, keeps whole answers, and asks for a GPU where one is lent. A question that many ask is answered
once: from memory, by the run of who asks it now, or ahead of the first.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from attribution.errors import Stopped
from attribution.rerankers.loading.models import MODELS
from attribution.rerankers.memory import return_freed
from attribution.views.page import Identity, status_html
from interface.runs import kept as answers
from interface.runs.cost import Passes, lent
from interface.runs.gpu import Work, log, on_model, spoken
from interface.runs.lanes import SLOTS, answered, anything_runs, may_say, said, say, wait_until_idle, waiting
from interface.runs.limits import MAX_DOCUMENT, MAX_QUERY, check_model, check_texts, text_problem
from interface.runs.run import Run
from interface.server.gradio_private import ask_before_the_queue, refuse_a_look

Update = dict[str, Any]  # what is not named stays as it is
KEEP_SECONDS = 1800  # results that may still be redrawn or downloaded
ELSEWHERE = (
    "This request went to another copy of the server. Press again; the host's proxy should keep you at one of them."
)
KEPT_STATUS = "Done: kept from an earlier run of the same texts and settings, which took {:.1f} s."
QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": SLOTS}  # on every event that touches a model
# Not queued, and no progress shown: at each step of any run Gradio reads again every output that shows progress.
ASIDE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
UNCHANGED: Update = {"status": gr.skip()}


@dataclass(frozen=True)
class OfOneModel:
    """What is asked of one model; what is asked of several has other `model_ids`."""

    model_id: str

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models that run."""
        return (self.model_id,)


@dataclass(frozen=True)
class Pair(OfOneModel):
    """What most tabs are asked about."""

    query: str
    document: str

    @property
    def texts(self) -> tuple[str, ...]:
        """The documents that they read with the query."""
        return (self.document,)

    @property
    def pair(self) -> tuple[str, str, str]:
        """Model, query and document alone."""
        return self.model_id, self.query, self.document

    def check(self) -> None:
        """Raises `InputError` for a model that is not on offer, and for texts that are empty or too long."""
        for model_id in self.model_ids:
            check_model(model_id)
        check_texts(self.query, self.document)

    def identity(self, revision: str, settings: str = "", notes: tuple[str, ...] = ()) -> Identity:
        """What a result is of, as the page shows it; `notes`: of its model, where no score beside it says them."""
        label = MODELS[self.model_id].label
        return Identity(self.model_id, label, revision, self.query, self.document, settings, notes=notes)


@dataclass(frozen=True)
class PairInputs:
    """The components every tab reads."""

    model: gr.Dropdown
    query: gr.Textbox
    document: gr.Textbox
    counter: gr.HTML
    size: gr.JSON  # `[tokens, words of query, of document, its sentences]`, about, as the browser counts

    @property
    def inputs(self) -> dict[str, Any]:
        """Model, query and document, by the names of `Pair`."""
        return {"model_id": self.model, "query": self.query, "document": self.document}


class Handler:
    """A question of a tab or an endpoint, which `work(asked, run)` answers by updates; see `handler`."""

    def __init__(
        self,
        name: str,
        work: Work,
        lane: str = "",
        passes: Passes | None = None,
        kept: Callable[[Any, Update], bool] | None = None,
        on_gpu: bool = True,
    ) -> None:
        self.name, self.work, self.lane, self.passes, self.kept = name, work, lane, passes, kept
        seconds = (lambda asked: lent(asked, passes)) if on_gpu else None
        self._run = on_model(work, lane, seconds, self._key)

    def __call__(
        self, asked: Any, request: gr.Request | None = None, progress: Any = None, claim: int | None = None
    ) -> Iterator[Update]:
        """The updates; the last leaves everything as it is, since Gradio sends it twice."""
        before = self.answer(asked)
        if before:
            answered(request.session_hash or "" if request else "", self.lane)
            page, seconds = before
            yield page | {"status": status_html(KEPT_STATUS.format(seconds))}
            yield UNCHANGED
            return
        try:
            yield from self.steps(asked, request, progress, claim)
        except Exception as error:
            problem = spoken(error)
            yield {"status": status_html(str(problem.message))}  # it stays after the toast has gone
            raise problem from None
        yield UNCHANGED

    def _key(self, asked: Any) -> str:
        return answers.key_of(asked.model_ids, self.name, asked) if self.kept else ""

    def answer(self, asked: Any) -> tuple[Any, float] | None:
        """The kept answer to a question, and the seconds it took; without one, a look before the queue ends here."""
        found = answers.look(self._key(asked))
        if found is None:
            refuse_a_look()
        return found

    def steps(
        self, asked: Any, request: gr.Request | None = None, progress: Any = None, claim: int | None = None
    ) -> Iterator[Update]:
        """The updates of a visitor's run, or of another visitor's run of the same question."""
        yield from self._keeping(asked, self._run(asked, request, progress, claim))

    def ahead(self, asked: Any) -> Update:
        """The page, made while nothing runs: a run of a visitor ends it before its next batch, and it begins anew."""
        while not (found := self.answer(asked)):
            wait_until_idle()
            page = Update()
            try:
                for update in self._keeping(asked, self.work(asked, Run(anything_runs))):
                    page |= update
            except Stopped:
                continue
            finally:
                return_freed()
            return page
        return dict(found[0])

    def _keeping(self, asked: Any, updates: Iterator[Update]) -> Iterator[Update]:
        began, page = time.perf_counter(), Update()
        for update in updates:
            page |= update
            yield update
        if self.kept and self.kept(asked, page):
            answers.keep(self._key(asked), page, time.perf_counter() - began)


def handler(
    lane: str, passes: Passes | None = None, kept: Callable[[Any, Update], bool] | None = None, on_gpu: bool = True
) -> Callable[[Work], Handler]:
    """Makes `work(asked, run)` the handler of a lane.

    `passes(asked, sides)`: at most so many forwards for each of `asked.texts`; without it, a lent GPU is asked for as
    long as a run may take. `kept(asked, page)`: whether this page, as a run left it, is whole; then whoever asks the
    same gets it again, and whoever asks it meanwhile follows the run. What is asked has `model_ids`, `query`, `texts`.
    """

    return lambda work: Handler(f"{work.__module__}.{work.__qualname__}", work, lane, passes, kept, on_gpu)


def for_page(
    run: Handler, outputs: Mapping[str, Any], stoppable: Callable[[str], dict[Any, Any]] = lambda _session: {}
) -> Callable[..., Iterator[dict[Any, Any]]]:
    """`run` as Gradio calls it, of what waits for it; what was refused or withdrawn meanwhile leaves the page as it is.

    Gradio asks it before its queue, so neither that nor a kept answer waits. `claimed`: the number of the claim, 0
    where the start made none, None where it went to another copy of the server. `stoppable(session)` goes with each
    update: an event of its own would come a round trip after the last of them.
    """

    def on_page(
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by this default
        claimed: int | None = None,
        **_fields: Any,
    ) -> Iterator[dict[Any, Any]]:
        session, line = request.session_hash or "", outputs["status"].elem_id
        claim = waiting(session, run.lane, run.name)
        if claimed is None:
            yield {outputs["status"]: say(session, line, status_html(ELSEWHERE))}
            return
        for update in run(claim.asked, request, progress, claim.number) if claim else [UNCHANGED]:
            status = update.get("status")
            if claim and isinstance(status, str):
                # A start that was refused meanwhile keeps the last word, also over a status that was on its way.
                goes_on = may_say(session, run.lane, claim.number)
                status = say(session, line, status) if goes_on else said(session).get(line, gr.skip())
                update = update | {"status": status}
            yield {outputs[name]: value for name, value in update.items()} | stoppable(session)

    on_page.__qualname__ = run.name
    return ask_before_the_queue(on_page)


def check_fields(query: str, document: str, claimed: int | None) -> list[Any]:
    """A Gradio validator for a query and a document: answers at the field, before the queue.

    What was `claimed` has been checked, and is run whatever the boxes hold by now.
    """
    problems = [text_problem("query", query, MAX_QUERY), text_problem("document", document, MAX_DOCUMENT)]
    return [gr.validate(bool(claimed) or not problem, problem) for problem in (*problems, "")]


def explain_ahead(questions: Iterable[tuple[Handler, Any]]) -> None:
    """Each of the `questions`, one after the other; one that fails is logged, and asked again by its first visitor."""
    for handler, asked in questions:
        try:
            handler.ahead(asked)
        except Exception:
            log.exception("an example could not be explained")
