"""What can go wrong with an explanation. Every message says what was given, what is valid and what to do."""

import errno
import os
import re
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, TypeVar

Number = TypeVar("Number", int, float)
QUOTED = 40  # characters of what was given, in a message
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of an OSError: a disk that is full
HALF = re.compile("[\ud800-\udfff]")  # of a character: a lone surrogate


class AttributionError(ValueError):
    """Any error a caller can mend; `app.py` shows its message as it is."""


class InputError(AttributionError):
    """The query or the document cannot be explained: empty, or the query alone fills the model's input."""


class OptionError(AttributionError):
    """An unknown method, baseline or option, or a value outside its range."""


class ModelError(AttributionError):
    """A checkpoint that is missing, not supported, or fails the self-test at load."""


class MissingGradient(AttributionError):
    """`.grad` stayed None after backward; the message is PyTorch's own warning. `explain` answers it visibly."""


class Stopped(AttributionError):
    """The caller's `on_pass` asked for a stop; no result exists."""


def quoted(value: object) -> str:
    """What was given, for a message: the beginning of its `repr`."""
    said = repr(value)
    return said if len(said) <= QUOTED else f"{said[:QUOTED]} …"


def shown(value: object) -> str:
    """What was given, and its type."""
    return f"{quoted(value)} ({type(value).__name__})"


def check_text(name: str, text: object) -> None:
    """Raises `InputError` unless `text` is a string with something in it; `name` is what the message calls it."""
    if not isinstance(text, str):
        raise InputError(f"The {name} is {shown(text)}, not text. Give one string.")
    if not text.strip():
        raise InputError(f"The {name} is empty. Type or paste some text.")
    if HALF.search(text):  # browsers send them, no tokenizer reads them
        raise InputError(f"The {name} holds half of a character (a lone surrogate). Type or paste it again.")


def plain_texts(**texts: str) -> list[str]:
    """Each as Python's own string: a subclass may print, add or escape itself in another way (an enum, Markup).

    Raises `InputError` as `check_text`; a name of two words is given with an underscore.
    """
    for name, text in texts.items():
        check_text(name.replace("_", " "), text)
    return [str.__str__(text) for text in texts.values()]


def check_id(id: object) -> None:
    """Raises `InputError` for what is no text, and where no file could hold `id`."""
    if not isinstance(id, str):
        raise InputError(f"an id is {shown(id)}; give ids as strings")
    if HALF.search(id):
        raise InputError(f"the id {id!r} holds half of a character; give ids of whole characters")


def check_range(name: str, value: Any, low: Number, high: Number) -> Number:
    """`value` as Python's own number, also where it is one of numpy's.

    Raises `OptionError` unless `low <= value <= high`, and a whole number where the bounds are.
    """
    whole = isinstance(low, int)
    number = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise OptionError(f"{name} is {quoted(value)}; it must be {kind} between {low} and {high}.")
    return type(low)(value)


def check_seed(seed: int) -> int:
    """`seed`, where a random generator takes it. Raises `OptionError`."""
    return check_range("seed", seed, 0, 2**63 - 1)


def check_key(name: str, value: object, valid: Iterable[str]) -> None:
    """Raises `OptionError` unless `value` is one of `valid`; `name` is what the message calls it."""
    if not isinstance(value, str) or value not in valid:
        raise OptionError(f"Unknown {name} {quoted(value)}. Valid: {', '.join(valid)}.")


def check_environment() -> None:
    """Raises `OptionError` for what huggingface_hub would end with a stack trace for as soon as it is imported."""
    for name in ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"):
        if (value := os.environ.get(name, "").strip()) and not value.isdecimal():
            raise OptionError(
                f"The environment variable {name} is {quoted(value)}; it must be a whole number of seconds."
            )
