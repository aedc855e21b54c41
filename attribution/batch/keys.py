"""Under which keys a JSON object holds an id and a text: one table for files of search people and pasted lists."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from attribution.batch.lines import Tell
from attribution.errors import InputError, check_id


@dataclass(frozen=True)
class Keys:
    """Keys of an id and of a text; of several the first that holds something counts. `title` is put before the text."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    title: bool = False

    def __str__(self) -> str:
        titled = ", with a title where there is one" if self.title else ""
        return f"an id ({', '.join(self.ids)}) and a text ({', '.join(self.texts)}){titled}"


Place = tuple[str | None, ...]  # keys, and None for every element of a list
TEXTS = ("text", "contents", "content", "segment", "document", "passage", "body")
DOCUMENT = Keys(("id", "_id", "pid", "passage_id", "docno", "docid", "doc_id"), TEXTS, title=True)
QUERY = Keys(("id", "_id", "qid", "query_id"), ("query", "text", "question", "contents", "title"))
PAIR = Keys(("id", "_id"), tuple(sorted(TEXTS, key=lambda key: key != "document")), title=True)

HIGHEST_GRADE = 10_000
NAMED, LONGEST = 20, 60  # keys in a message, and characters of each


@dataclass(frozen=True)
class Entry:
    """What an object holds: its id, if any, its text, "" where it is empty, and the keys that were read."""

    id: str | None
    text: str
    read: frozenset[str]


def read_entry(value: Mapping[str, Any], keys: Keys) -> Entry:
    """Id and text of a JSON object. Raises `InputError` where it has no key for a text, or something else under it.

    A title and a text are one text, as BEIR joins them: `(title + " " + text).strip()`.
    """
    if not any(key in value for key in keys.texts):
        deeper = next((spelt(path) for path in places(value) if path and path[-1] in keys.texts), "")
        found = f". There is one under {deeper}: give the objects that hold such texts themselves" if deeper else ""
        raise InputError(f"it has no text under {', '.join(keys.texts)}. Its keys: {', '.join(value) or 'none'}{found}")
    name = _first(value, keys.texts)
    text = _string(value, name) if name else ""
    read = {key for key in keys.texts if value.get(key, text) in (None, "", text)}
    if keys.title and "title" in value and name != "title":
        text = f"{_string(value, 'title')} {text}".strip()
        read.add("title")
    own, read_of_id = find_id(value, keys)
    return Entry(own, text, read_of_id | read)


def find_id(value: Mapping[str, Any], keys: Keys) -> tuple[str | None, frozenset[str]]:
    """An object's id, if any, and the keys that say it. Raises `InputError` for what is no id."""
    name = _first(value, keys.ids) or next((key for key in keys.ids if key in value), None)
    if name is None:
        return None, frozenset()
    own = value[name]
    if isinstance(own, bool) or not isinstance(own, (str, int)) or own == "":
        raise InputError(f"id is {'empty' if own == '' else kind(own)}; it must be a string or a whole number")
    check_id(str(own))
    return str(own), frozenset(key for key in keys.ids if value.get(key) == own)


def check_grade(grade: int) -> None:
    """Raises `InputError` for a number that is no grade, such as a date: trec_eval's time grows with its square."""
    if abs(grade) > HIGHEST_GRADE:
        raise InputError(f"a grade must lie between -{HIGHEST_GRADE:,} and {HIGHEST_GRADE:,}; give small whole numbers")


def kind(value: Any) -> str:
    """What JSON calls the value's type; a number with a point, or NaN, is printed as it is."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    if isinstance(value, float):
        return json.dumps(value)
    return names.get(type(value), "a number")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, for `object_pairs_hook`. Raises `InputError` for a key that is there twice."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the key {twice} occurs twice in one object; keep one")
    return value


class Ignored:
    """Keys of the input that are not read; each is reported once."""

    def __init__(self, name: str, tell: Tell) -> None:
        self._name, self._tell, self._told = name, tell, set[str]()

    def hear(self, line: int, value: Mapping[str, Any], read: frozenset[str]) -> None:
        """Report the keys of `value` that were not `read` and are not empty."""
        keys = [key for key, held in value.items() if key not in self._told | read and held not in (None, "", [], {})]
        if keys:
            self._told.update(keys)
            more = f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else ""
            said = ", ".join(key[:LONGEST] for key in keys[:NAMED])
            self._tell(f"{self._name}: {said}{more} is not read (first on line {line})")


def places(value: Any, depth: int = 5) -> Iterator[Place]:
    """Where strings stand inside a value of JSON, as in a search engine's answer; in lists by their first element."""
    if isinstance(value, str):
        yield ()
    elif depth >= 0 and isinstance(value, Mapping):
        yield from ((key, *path) for key, held in value.items() for path in places(held, depth - 1))
    elif depth >= 0 and isinstance(value, list) and value and not (len(value) > 1 and isinstance(value[0], list)):
        yield from ((None, *path) for path in places(value[0], depth - 1))


def spelt(path: Place) -> str:
    """As `hits.hits[]._source.text`."""
    return "".join("[]" if step is None else f".{step[:LONGEST]}" for step in path).removeprefix(".")


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if value.get(name) not in (None, "")), None)


def _string(value: Mapping[str, Any], name: str) -> str:
    held = value[name] if value[name] is not None else ""
    if not isinstance(held, str):
        raise InputError(f"{name} is {kind(held)}; it must be a string")
    return held
