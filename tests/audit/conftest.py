"""A small judged set as files, and the command run on it with the tiny model."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from attribution.__main__ import main

QUERIES = {"q1": "how many people live in berlin ?", "q2": "which city is the capital of france", "q3": "new york"}


PASSAGES = {
    "d1": "berlin has about 3.7 million inhabitants .",
    "d2": "paris is the capital of france .",
    "d3": "famous for its museums . the largest of the city .",
    "d4": "the quick brown fox jumps over the lazy dog .",
    "d5": "1,234 cats sleep in berlin .",
}


GRADES = {
    "q1": {"d1": 1, "d2": 0, "d3": 0, "d4": 0},
    "q2": {"d2": 2, "d1": 0, "d4": 1, "gone": 1},
    "q3": {"d3": 1, "d2": 0},
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A run, topics, passages and judgements; not every candidate is judged."""
    found = {name: tmp_path / name for name in ("run", "topics", "passages", "qrels")}
    lines = {
        "run": [f"{q} Q0 {d} {i} {9 - i} bm25" for q in QUERIES for i, d in enumerate(PASSAGES, start=1)],
        "topics": [f"{q}\t{text}" for q, text in QUERIES.items()],
        "passages": [f"{d}\t{text}" for d, text in PASSAGES.items()],
        "qrels": [f"{q} 0 {d} {grade}" for q, grades in GRADES.items() for d, grade in grades.items()],
    }
    for name, path in found.items():
        path.write_text("\n".join(lines[name]) + "\n", encoding="utf-8")
    return found


@pytest.fixture
def command(
    tiny_folder: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str]]:
    """`(*arguments, stdin) -> (exit code, stderr)` of the command with the tiny model, into `tmp_path / "out"`."""

    def run(*arguments: str, stdin: str | int = "") -> tuple[int, str]:
        raw = os.fdopen(stdin, "rb") if isinstance(stdin, int) else io.BytesIO(stdin.encode())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
        given = ["audit", "--model", str(tiny_folder("BertForSequenceClassification")), *arguments]
        try:
            code = main([*given, "--output", str(tmp_path / "out")] if "--output" not in arguments else given)
        except SystemExit as left:
            code = int(left.code or 0)
        return code, capsys.readouterr().err

    return run


def from_files(files: dict[str, Path]) -> list[str]:
    return [part for name, path in files.items() for part in (f"--{name}", str(path))]
