"""What a visitor may ask for: lengths, models on offer, budgets; and how long a run may take. Every way in checks them.

`RERANK_LENS_BUDGET_SECONDS` caps every run; a Space has a cap of 60 s when it is unset, another host none; 0: no cap.
"""

import os
import time
from collections import deque
from collections.abc import Iterable, Mapping

from attribution.errors import AttributionError, InputError, check_range, check_text
from attribution.numbers import counted
from attribution.rerankers.loading.models import MODELS
from attribution.rerankers.memory import number_set

MAX_QUERY = 2_000  # characters; the line under the document, the validator and the handler all check
MAX_DOCUMENT = 20_000
MAX_DOCUMENTS = 50  # of a list that is ranked
ESCAPED = 12  # bytes of one character at most, as JSON may spell it: \ud83c\udf89
LONGEST_REQUEST = ESCAPED * (MAX_QUERY + MAX_DOCUMENTS * MAX_DOCUMENT)  # bytes, of which a usual list takes a tenth
# Budgets a visitor may choose: (least, most), for methods that sample and for Captum's nodes a path.
BUDGETS = {"n_samples": (2, 64), "n_steps": (2, 200)}
ASK_BEYOND = 30.0  # seconds: a longer run is started by a second click
ON_A_SPACE = 60.0
SHARE = 2.0  # seconds of a run while others wait: a dear method that would go beyond is left out


def check_texts(query: str, *documents: str) -> None:
    """Raises `InputError` for empty or too long texts: browser limits do not bind a direct request."""
    check_named([("query", query), *(("document", text) for text in documents)])


def check_named(texts: Iterable[tuple[str, str]]) -> None:
    """As `check_texts`, each text with what the message calls it."""
    for name, text in texts:
        if problem := text_problem(name, text, MAX_QUERY if name == "query" else MAX_DOCUMENT):
            raise InputError(problem)


def check_model(model_id: str) -> None:
    """Raises `InputError` for a model that is not on offer: no request may make the server load something else."""
    if not isinstance(model_id, str) or model_id not in MODELS:
        raise InputError("This model is not on offer here. Choose one from the list.")


def check_budgets(budgets: Mapping[str, int]) -> None:
    """Raises `OptionError` for a budget out of its bounds: nobody may hold the model for minutes."""
    for name, value in budgets.items():
        check_range(name, value, *BUDGETS[name])


def text_problem(name: str, text: str, limit: int) -> str:
    """What is wrong with the text of field `name`, of at most `limit` characters; empty if nothing is."""
    try:
        check_text(name, text)
    except InputError as error:
        return str(error)
    if len(text) > limit:
        return f"The {name} has {len(text):,} characters; at most {limit:,} are allowed. Shorten it."
    return ""


class OverBudget(AttributionError):
    """The host's limit for a run is reached."""


def limit() -> float | None:
    """Seconds a run may take here; None: as long as it takes. Raises `OptionError` for a setting that is no number."""
    usual = ON_A_SPACE if os.environ.get("SPACE_ID") else 0.0
    return number_set("RERANK_LENS_BUDGET_SECONDS", usual, or_0=True) or None


def check_share(others: int, spent: float, takes: float) -> None:
    """Raises `OverBudget` if `others` wait and a run that has `spent` its share of the server would take more of it."""
    if others and spent + takes > SHARE:
        raise OverBudget(
            f"Skipped, since {others} other{'s wait' if others > 1 else ' waits'} and this takes about "
            f"{max(1.0, takes):.0f} s more. Press Explain again once fewer wait."
        )


def check_time(began: float) -> None:
    """Raises `OverBudget` once a run that `began` then, by `time.perf_counter`, has taken as long as it may."""
    most = limit()
    if most and time.perf_counter() - began > most:
        raise OverBudget(
            f"Stopped at this server's limit of {most:g} s a run; what was ready by then is kept. Take fewer methods, "
            "a smaller n_samples or n_steps, or a shorter text."
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
        f"This may take about {seconds:,.0f} s (at most {counted(n_forwards, 'pass')} through the model).{stops} Start "
        "it anyway, or take fewer methods, a smaller n_samples or n_steps, or a shorter text."
    )
