"""How long a run may take on a public host, and what is asked before a long one.

`RERANK_LENS_BUDGET_SECONDS` caps every run; a Space has a cap of 60 s when it is unset, another host none; 0: no cap.
"""

from __future__ import annotations

import os
import time
from collections import deque

from attribution.errors import AttributionError

ASK_BEYOND = 30.0  # seconds: a longer run is started by a second click
ON_A_SPACE = 60.0
SHARE = 2.0  # seconds of a run while others wait: a dear method that would go beyond is left out


class OverBudget(AttributionError):
    """The host's limit for a run is reached."""


def limit() -> float | None:
    """Seconds a run may take here; None: as long as it takes. Raises `ValueError` for a setting that is no number."""
    given = os.environ.get("RERANK_LENS_BUDGET_SECONDS", "").strip()
    seconds = float(given) if given else ON_A_SPACE if os.environ.get("SPACE_ID") else 0.0
    return seconds or None


def check_share(others: int, spent: float, takes: float) -> None:
    """Raises `OverBudget` if `others` wait and a run that has `spent` its share of the server would take more of it."""
    if others and spent + takes > SHARE:
        raise OverBudget(
            f"Skipped, since {others} other{'s wait' if others > 1 else ' waits'} and this takes about "
            f"{max(1.0, takes):.0f} s more. Press Explain again once fewer wait."
        )


class Budget:
    """Of one run, from now on."""

    def __init__(self) -> None:
        self.seconds = limit()
        self._end = None if self.seconds is None else time.perf_counter() + self.seconds

    def check(self) -> None:
        """Raises `OverBudget` once the time is over."""
        if self._end is not None and time.perf_counter() > self._end:
            raise OverBudget(
                f"Stopped at this server's limit of {self.seconds:g} s a run; what was ready by then is kept. Take "
                "fewer methods, a smaller n_samples or n_steps, or a shorter text."
            )


_asked: deque[tuple[str, int]] = deque(maxlen=1000)  # visitors who were told of a long run, and of which


def ask(session: str, n_forwards: int, seconds: float, inputs: object) -> str:
    """What to say before a long run; empty for a short one, and once the visitor has heard it of these inputs."""
    told = (session, hash(repr(inputs)))
    if seconds <= ASK_BEYOND or told in _asked:
        return ""
    _asked.append(told)
    cap = limit()
    stops = f" This server stops a run after {cap:g} s and keeps what is ready by then." if cap else ""
    return (
        f"This may take about {seconds:,.0f} s (at most {n_forwards:,} passes through the model).{stops} Start "
        "it anyway, or take fewer methods, a smaller n_samples or n_steps, or a shorter text."
    )
