"""What a visitor may ask for: lengths, models on offer, budgets. Every way in checks them: page, API, MCP."""

from __future__ import annotations

from collections.abc import Mapping

from attribution.errors import InputError, check_range, check_text
from attribution.rerankers.loading.models import MODELS

MAX_QUERY = 2_000  # characters; the line under the document, the validator and the handler all check
MAX_DOCUMENT = 20_000
MAX_DOCUMENTS = 50  # of a list that is ranked
ESCAPED = 12  # bytes of one character at most, as JSON may spell it: \ud83c\udf89
LONGEST_REQUEST = ESCAPED * (MAX_QUERY + MAX_DOCUMENTS * MAX_DOCUMENT)  # bytes, of which a usual list takes a tenth
# Budgets a visitor may choose: (least, most), for methods that sample and for Captum's nodes a path.
BUDGETS = {"n_samples": (2, 64), "n_steps": (2, 200)}


def check_texts(query: str, document: str) -> None:
    """Raises `InputError` for empty or too long texts: browser limits do not bind a direct request."""
    problem = text_problem("query", query, MAX_QUERY) or text_problem("document", document, MAX_DOCUMENT)
    if problem:
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
