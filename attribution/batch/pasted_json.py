"""Pasted documents as JSON or as Python prints it: a list of them, or a program's answer that holds one somewhere."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attribution.batch.keys import DOCUMENT, Ignored, Place, kind, once, places, read_entry, spelt
from attribution.batch.lines import Tell
from attribution.batch.unfolded import json_texts
from attribution.errors import InputError

Piece = str | tuple[str, str]  # a text, or an id and a text
BEGINS_AS_JSON = re.compile(r"""(\[\s*(["'{]|$)|\{\s*(["']|$)|"[^"\n]*"\s*,\s*$)""", re.MULTILINE)
OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*"?|\xa0')  # a string, or a blank as pages show code, which is none to JSON
FORMATTED = re.compile(r"\w*f", re.IGNORECASE)  # a string of Python with fields
PYTHON = re.compile(r"[\[(]|\{\s*'")
ASSIGNED = re.compile(r"\A((const|let|var) )?\w+ *= *(?=[\[({])")
NAMES = {f"{name}{s}" for name in DOCUMENT.texts for s in ("", "s")}  # `documents` of strings, too
LACKS = "which not every element has; leave out those that have none"
CLEARLY = 2  # times as much text as what comes next


def read_json(text: str, tell: Tell) -> list[Piece] | None:
    """The documents; None for a text that is neither JSON nor Python. Raises `InputError` for what is nearly so."""
    code = ASSIGNED.sub("", text).rstrip().removesuffix(";")
    whole = isinstance(_loads(code), list | dict)
    if not whole and (listed := _python(code)):
        return _pieces(listed, tell)
    text = code if whole else text
    first, _, rest = text.partition("\n")
    if whole or isinstance(_loads(first), dict) or BEGINS_AS_JSON.match(text.lstrip()):
        return _pieces(_elements(text), tell)
    below = BEGINS_AS_JSON.match(rest.lstrip()) and (isinstance(_loads(rest), list | dict) or _python(rest))
    if below or (rest and all(isinstance(_loads(line), dict) for line in rest.split("\n") if line.strip())):
        raise InputError(f'The list is JSON or Python below the line "{first[:40]}". Remove that line.')
    return None


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # nested too deep to be a list of documents
        return None


def _elements(text: str) -> list[tuple[int, str]]:
    try:
        return [*json_texts(OUTSIDE.sub(lambda found: found[0] if found[0][0] == '"' else " ", text))]
    except InputError as error:
        raise InputError(
            f"{error}, but the list begins as JSON. Give each document as a JSON line, or all as one JSON array, in "
            "double quotes."
        ) from None


def _python(code: str) -> list[tuple[int, str]]:
    """Line and JSON text of each element of a list as Python prints or writes it, or of a dict; else empty."""
    if not PYTHON.match(code):
        return []
    try:
        tokens = tokenize.generate_tokens(io.StringIO(code).readline)
        strings = [one for one in tokens if one.type == tokenize.STRING]
        if any(FORMATTED.match(one.string) for one in strings):  # which Python before 3.12 takes long to parse
            return []
        whole = ast.parse(code, mode="eval")  # warnings are not caught: that is process-wide, and others read them
        held = [one for one in ast.walk(whole) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if len(strings) != len(held):  # numpy prints no commas
            return []
        body = whole.body
        parts = body.elts if isinstance(body, ast.List | ast.Tuple) else [body] * isinstance(body, ast.Dict)
        values = [(one.lineno, ast.literal_eval(one)) for one in parts]
        return [(line, json.dumps(_named(value))) for line, value in values]
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, tokenize.TokenError):
        return []


def _named(value: Any) -> Any:
    pair = isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], str)
    return {"id": value[0], "text": value[1]} if pair else value


def _pieces(found: Sequence[tuple[int, str]], tell: Tell) -> list[Piece]:
    ignored = Ignored("the list", tell)
    pieces: list[Piece] = []
    for line, value in _unwrapped([(line, _value(line, one)) for line, one in found], tell):
        try:
            entry = read_entry(value, DOCUMENT) if isinstance(value, dict) else None
        except InputError as error:
            raise InputError(f"Line {line}: {error}.") from None
        if entry:
            ignored.hear(line, value, entry.read)
            pieces.append((entry.id or str(len(pieces) + 1), entry.text))
        elif isinstance(value, str):
            pieces.append(value)
        else:
            raise InputError(f"Line {line} holds {kind(value)}; give a string, or an object with {DOCUMENT}.")
    return pieces


def _value(line: int, text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=once)
    except InputError as error:
        raise InputError(f"Line {line}: {error}.") from None


def _unwrapped(found: list[tuple[int, Any]], tell: Tell) -> list[tuple[int, Any]]:
    """The values themselves, or, of what a search engine or vector store has around its texts, those that are inside.

    That is a list whose elements all hold a string at one place. Raises `InputError` where several may be meant.
    """
    values = [value for _, value in found]
    if not values or not all(isinstance(value, dict | list) and not _has_text(value) for value in values):
        return found
    root = values[0] if len(values) == 1 else values
    held, partly = dict[Place, list[dict[str, str]]](), list[str]()
    for path in places(root):
        try:
            held |= {path: [*_texts(root, path, {})]} if None in path else {}
        except LookupError as error:
            partly += [f"The texts may be those under {spelt(path)}, {error.args[0]}."] * (_last(path) in NAMES)
    if not (best := _best(held, partly)):
        return found
    tell(f"the list: of it the {len(held[best])} texts under {spelt(best)} are read")
    return [*enumerate(held[best], start=1)]


def _best(held: Mapping[Place, list[dict[str, str]]], partly: Sequence[str]) -> Place:
    """Where the documents are: under a key for texts, else the longest with blanks in them. Nowhere: ()."""
    known = {path for path in held if _last(path) in NAMES}
    if partly and not known:
        raise InputError(partly[0])
    prose = {path for path in held if _last(path) != "title" and any(" " in one["text"] for one in held[path])}
    sizes = {path: sum(len(one["text"]) for one in held[path]) for path in held if path in known or path in prose}
    order = {path: (len(held[path]) < 2, path not in known, path.count(None), -sizes[path]) for path in sizes}
    best, *others = sorted(order, key=order.__getitem__) or [()]
    other = next((path for path in others if order[path][:-1] == order[best][:-1]), None)
    if other and sizes[best] < CLEARLY * sizes[other]:
        raise InputError(
            f"The texts may be those under {spelt(best)} or those under {spelt(other)}. Give one of the two alone, or "
            'name its key "text".'
        )
    return best


def _has_text(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(key, 0), str | None) for key in DOCUMENT.texts)


def _last(path: Place) -> str:
    return next((step for step in reversed(path) if step is not None), "")


def _texts(value: Any, path: Place, about: Mapping[str, str], several: bool = False) -> Iterator[dict[str, str]]:
    """The text at the end of `path`, of every element where a step is None, with the id and title beside it.

    Raises `LookupError` at once where an element has none, so that no column costs more than it holds, and where they
    stand in `several` lists, as those of more than one query do.
    """
    if not path:
        if not isinstance(value, str | None):
            raise LookupError(LACKS)
        yield {**about, "text": value or ""}
    elif path[0] is None:
        if not isinstance(value, list) or not value:
            raise LookupError(LACKS)
        many = len(value) > 1
        if many and several:
            raise LookupError("in more than one list; give one of the lists alone")
        for one in value:
            yield from _texts(one, path[1:], {} if many else about, many or several)
    else:
        if not isinstance(value, dict) or path[0] not in value:
            raise LookupError(LACKS)
        said = {key: _string(value.get(key)) for key in (*DOCUMENT.ids, "title") if key != path[0]}
        beside = {**about, **{key: one for key, one in said.items() if one}}
        yield from _texts(value[path[0]], path[1:], beside, several)


def _string(value: Any) -> str:
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
