"""A question that many ask is answered once: from memory, by the run of who asks it now, or ahead of the first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gradio as gr

from attribution.errors import Stopped
from attribution.rerankers.memory import return_freed
from interface.runs import kept as answers
from interface.runs.cost import Passes, lent
from interface.runs.gpu import Work, log, on_model
from interface.runs.lanes import anything_runs, wait_until_idle
from interface.runs.run import Run
from interface.server.gradio_private import refuse_a_look

Update = dict[str, Any]  # what is not named stays as it is


class Once:
    """`work(asked, run)`, which yields updates; `handlers.handler` says what the rest is."""

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

    def _key(self, asked: Any) -> str:
        return answers.key_of(asked.model_ids, self.name, asked) if self.kept else ""

    def answer(self, asked: Any) -> answers.Kept | None:
        """What is kept of an earlier run of the same; without it, a look before the queue ends here."""
        found = answers.look(self._key(asked))
        if found is None:
            refuse_a_look()
        return found

    def steps(
        self, asked: Any, request: gr.Request | None = None, progress: Any = None, claim: int | None = None
    ) -> Iterator[Update]:
        """The updates of a visitor's run, or of the one that somebody else has of the same."""
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
        return dict(found.answer)

    def _keeping(self, asked: Any, updates: Iterator[Update]) -> Iterator[Update]:
        began, page = time.perf_counter(), Update()
        for update in updates:
            page |= update
            yield update
        if self.kept and self.kept(asked, page):
            answers.keep(self._key(asked), page, time.perf_counter() - began)


def explain_ahead(questions: Iterable[tuple[Once, Any]]) -> None:
    """Each of the `questions`, one after the other; one that fails is logged, and asked again by its first visitor."""
    for once, asked in questions:
        try:
            once.ahead(asked)
        except Exception:
            log.exception("an example could not be explained")
