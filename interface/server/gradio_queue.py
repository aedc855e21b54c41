"""Who waits, who is next and who has gone: Gradio's queue, as this page needs it; nor is that promised by Gradio."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import gradio as gr
import gradio.queueing
from gradio.context import LocalContext

IDLE_SECONDS = 0.01  # between looks at an empty queue; at 0.001, Gradio's own, an idle app takes a tenth of a core

LENT = 8  # places at most that are lent at a time: who lends one keeps a thread, of which Gradio has forty

_left: deque[str] = deque(maxlen=1000)  # events of clients who left a stream that others read too, as MCP's is


class Queue(gradio.queueing.Queue):
    """Gradio's queue, where a kept answer never waits, and nobody has a second turn while another waits for a first.

    `places()`: how many may wait now; whoever comes then is refused, unless the answer is kept, and
    `refused(session, name)` hears of it, with the handler's name.
    """

    places: Callable[[], int]
    refused: Callable[[str, str], None]

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.sleep_when_free, self.lent = IDLE_SECONDS, 0

    @property
    def waiting(self) -> list[Any]:
        """The events whose turn has not come."""
        return [event for one in self.event_queue_per_concurrency_id.values() for event in one.queue]

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """As Gradio does it, which looks for what is kept first only while the queue is not full."""
        starts = [(event.session_hash, id(event.fn)) for event in self.waiting if event.fn.api_visibility == "private"]
        superseded = len(starts) - len(set(starts))  # of a visitor's starts of one handler only the latest will run
        full = len(self) - superseded >= self.places()
        self.loop = asyncio.get_running_loop()
        pushed = await super().push(body, request, username)
        event = self.event_ids_to_events.get(str(pushed[1]))
        if not full or event is None or event not in self.waiting:
            return pushed
        await self.remove_from_queue(event._id)
        self.pending_event_ids_session[event.session_hash].discard(event._id)
        self.refused(event.session_hash, str(event.fn.api_name))
        return False, "Queue is full.", "queue_full"

    def get_events(self) -> Any:
        """The next to run."""
        running = Counter(event.session_hash for job in self.active_jobs for event in job or ())
        for one in self.event_queue_per_concurrency_id.values():
            one.queue = by_turns(one.queue, running)
        return super().get_events()


def by_turns(events: Sequence[Any], running: Mapping[str, int]) -> list[Any]:
    """Every visitor's first, then every visitor's second, and so on; what of theirs is `running` is a turn they had."""
    had, turns = Counter(running), dict[int, int]()
    for event in events:
        turns[id(event)] = had[event.session_hash]
        had[event.session_hash] += 1
    return sorted(events, key=lambda event: turns[id(event)])


def install_queue(places: Callable[[], int], refused: Callable[[str, str], None]) -> None:
    """Gradio makes its queue by this name; before the page's `queue()`."""
    Queue.places, Queue.refused = staticmethod(places), staticmethod(refused)
    gradio.queueing.Queue = Queue  # type: ignore[misc]


def leave(event_id: str) -> None:
    """Remember that whoever asked for this event of the queue has gone."""
    _left.append(event_id)


def queue_of(request: gr.Request | None) -> Any:
    """The queue of the server that got `request`; None, where there is no server."""
    app: Any = getattr(request.request, "scope", {}).get("app") if request and request.request else None
    return app.get_blocks()._queue if hasattr(app, "get_blocks") else None


def others(request: gr.Request | None) -> Callable[[], int]:
    """How many other visitors wait for a turn."""
    queue, mine = queue_of(request), getattr(request, "session_hash", None)
    return lambda: 0 if queue is None else len({event.session_hash for event in queue.waiting} - {mine})


def queued(request: gr.Request | None) -> Callable[[], bool]:
    """Whether something of the client of `request` is in the queue or runs; where there is no server, always."""
    queue, mine = queue_of(request), getattr(request, "session_hash", None)
    return lambda: queue is None or mine in {event.session_hash for event in [*queue.waiting, *_running(queue)]}


def lending_place(request: gr.Request | None) -> Callable[[], AbstractContextManager[None]]:
    """A block in which another may run in place of this event; after it, one more than usual may run for a while."""
    queue, event_id = queue_of(request), LocalContext.event_id.get(None)

    @contextmanager
    def lent() -> Iterator[None]:
        events = _running(queue) if queue is not None else []
        mine = next((event for event in events if event._id == event_id), None)
        if mine is None or queue.lent >= LENT:
            yield
            return
        group = queue.event_queue_per_concurrency_id[mine.concurrency_id]

        def count(n: int) -> None:
            group.current_concurrency -= n
            queue.lent += n

        queue.loop.call_soon_threadsafe(count, 1)  # Gradio counts in this loop, too
        try:
            yield
        finally:
            queue.loop.call_soon_threadsafe(count, -1)

    return lent


def _running(queue: Any) -> list[Any]:
    return [event for job in queue.active_jobs for event in job or ()]


def gone(request: gr.Request | None) -> Callable[[], bool]:
    """Whether the client of `request` has closed its connection; never, where there is no server to ask.

    Gradio notices when a request's stream is closed, but tells only generators.
    """
    queue = queue_of(request)
    if request is None or queue is None:
        return lambda: False
    session, event_id = request.session_hash, LocalContext.event_id.get(None)

    def is_gone() -> bool:
        ours = [event.alive for event in _running(queue) if event.session_hash == session]
        return event_id in _left or (bool(ours) and not any(ours))

    return is_gone
