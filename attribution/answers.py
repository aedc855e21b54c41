"""Answers for programs: plain data that JSON can write, with what to know of the model."""

import json
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from attribution.errors import AttributionError

NO_NUMBER = (
    "{field}, so this answer cannot be written: the model has no score for these texts. Choose another checkpoint."
)


def answer_of(said: Mapping[str, Any], notes: Sequence[str]) -> dict[str, Any]:
    """A program's answer: plain data, and `notes`, what to know of the model. Raises `AttributionError`: `dumps`."""
    answer = {**said, "notes": list(notes)}
    if no_numbers := list(_no_numbers(answer)):
        raise AttributionError(NO_NUMBER.format(field=no_numbers[0]))
    return answer


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON that is always valid UTF-8: text as it is, but escaped when it holds half a surrogate pair.

    Raises `AttributionError`, which names the field, where a number is nan or infinite, which JSON cannot write.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        raise AttributionError(NO_NUMBER.format(field=next(_no_numbers(value)))) from None
    halves = not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
    return json.dumps(value, indent=indent) if halves else text


def _no_numbers(value: Any, name: str = "") -> Iterator[str]:
    """Where a number is nan or infinite, for example "rows.0.logit is nan"."""
    if isinstance(value, float) and not isfinite(value):
        yield f"{name} is {value}"
    inside = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    )
    for key, item in inside:
        yield from _no_numbers(item, f"{name}.{key}" if name else str(key))
