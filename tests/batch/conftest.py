"""The command line as a user calls it, on the tiny model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attribution.__main__ import main

PAIRS = [
    {"query": "how many people live in berlin ?", "document": "berlin has about 3.7 million inhabitants ."},
    {"id": "museum", "query": "new york", "document": "famous for its museums"},
    {"query": "paris", "document": "the capital of france"},
]


def write(folder: Path, **contents: str | bytes) -> dict[str, Any]:
    """Files of a `folder`, by their names."""
    for name, content in contents.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return {name: folder / name for name in contents}


@pytest.fixture
def command(
    tiny_folder: Callable[[str], Path],
    typed: Callable[[bytes], None],
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[int, Any, str]]:
    """`(stdin lines, *arguments) -> (exit code, lines of stdout, stderr)` with the tiny model.

    `closed`: the stream of that name is as Python has it where the caller closed it.
    """

    def run(lines: list[Any], *arguments: str, as_text: bool = False, closed: str = "") -> tuple[int, Any, str]:
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        typed(text.encode())
        if closed:
            monkeypatch.setattr(sys, closed, None)
        code = main([*arguments, "--model", str(tiny_folder("BertForSequenceClassification"))])
        out, err = capfdbinary.readouterr()
        return code, out.decode() if as_text else [json.loads(line) for line in out.splitlines()], err.decode()

    return run


def within(keys: str, *values: str) -> str:
    """A JSON array of the values, each inside objects that have one of these keys."""
    for key in reversed(keys):
        values = tuple(f'{{"{key}": {value}}}' for value in values)
    return f"[{', '.join(values)}]"
