"""docs/audit.md: its command runs as it stands, its example is read, its table names every cause."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from attribution.__main__ import main
from attribution.audit.causes import CAUSES
from attribution.batch.judged import JudgedRow, read_judged_lines
from attribution.rerankers.loading.load import default_model
from attribution.rerankers.loading.models import MODELS
from tests.tiny import save_two_layers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_command_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the bundled model's last two layers in its place, which read as many texts for less."""
    bundled, small = default_model(), str(save_two_layers(tmp_path / "model"))
    monkeypatch.setitem(MODELS, bundled, replace(MODELS[bundled], path=small))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    _program, *arguments = shlex.split(blocks("sh")[0])
    assert main(arguments) == 0
    table = re.findall(r"^\| (`.*?) \|", PAGE.split("## How to read it")[0], re.MULTILINE)
    named = {name for row in table for name in re.findall("`([^`]+)`", row)}
    assert {path.name for path in (tmp_path / "audit").iterdir()} == named
    found = json.loads((tmp_path / "audit" / "audit.json").read_text(encoding="utf-8"))
    assert len(found["queries"]) == 8
    assert 0 < len(found["failures"]) <= 4
    assert "BM25 over the same candidates" in capsys.readouterr().err


def test_the_line_is_read() -> None:
    (row,) = read_judged_lines(blocks("json"))
    assert isinstance(row, JudgedRow)
    assert [candidate.grade for candidate in row.judged.candidates] == [1, 0, None]


def test_the_table_names_every_cause() -> None:
    rows = re.findall(r"^\| ([A-Z][^|]*) \|", PAGE, re.MULTILINE)
    assert [name for row in rows for name in row.split(", ")] == [cause.label for cause in CAUSES.values()]
