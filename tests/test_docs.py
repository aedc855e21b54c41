"""README is short, and every link and command in it and in docs works."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from app import parse_args
from attribution import contrast_sentences, load_reranker
from attribution.__main__ import main
from attribution.__main__ import parse_args as parse_command
from tests.readme import DOCS, README, ROOT, code_blocks

PAGES = [README, *sorted(DOCS.glob("*.md")), ROOT / "benchmarks" / "README.md"]
EXTRAS = {"'.[batch]'", "'.[audit]'", ".", "huggingface_hub", "-r requirements.txt"}  # what pip is told to get
page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def anchors(text: str) -> set[str]:
    """As GitHub and the Hub make them from headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> list[str]:
    """Lines of `sh` blocks, and what stands between backticks and begins like a command."""
    lines = [line for block in code_blocks(text, "sh") for line in block.replace("\\\n", " ").splitlines()]
    quoted = re.findall(r"`((?:make|python|rerank-lens|pip|hf) [^`]*)`", text)
    return [part.strip() for line in [*lines, *quoted] for part in line.split("  #")[0].split("&&") if part.strip()]


def test_readme_is_read_in_a_minute() -> None:
    _, _front, body = README.read_text(encoding="utf-8").split("---\n", 2)
    own = re.sub(r"<!-- believe -->.*<!-- /believe -->", "", body, flags=re.DOTALL)  # a row for every method
    assert len(own.splitlines()) <= 130


@page
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there.read_text(encoding="utf-8")), target


@page
def test_blocks_of_code_say_what_they_are(path: Path) -> None:
    """So that one of the tests here, or of the browser's, runs them."""
    opened = re.findall(r"^```(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)[::2]
    assert set(opened) <= {"python", "sh", "json", "nginx"}


def check_command(command: str) -> None:
    """Raises unless its program would take it: a target of make, a module of ours, options that are there."""
    program, *rest = shlex.split(command.replace("...", "").split("<")[0])
    if program == "make":
        subprocess.run(["make", "-n", *rest], cwd=ROOT, check=True, capture_output=True)
    elif program == "rerank-lens":
        assert parse_command(rest)
    elif rest[:1] == ["app.py"]:
        assert parse_args(rest[1:])
    elif rest[:1] == ["-c"]:
        compile(rest[1], command, "exec")
    elif program == "python":
        assert rest[0] == "-m"
        assert find_spec(rest[1]), rest[1]
    elif program == "pip":
        assert command.removeprefix("pip install ") in EXTRAS, command
    else:
        assert program in {"docker", "hf", "echo", "curl", "id=$(curl"}, command  # the Hub's, or run by another test


@page
def test_commands_are_such_as_run(path: Path) -> None:
    for command in commands(path.read_text(encoding="utf-8")):
        check_command(command)


def test_readmes_command_runs_as_it_stands(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (command,) = [c for c in commands(README.read_text(encoding="utf-8")) if c.startswith("echo")]
    _echo, line, _pipe, _program, *arguments = shlex.split(command)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line.encode())))
    assert main(arguments) == 0
    assert json.loads(capsysbinary.readouterr().out)["method"] == "occlusion"


def test_readmes_python_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    first = code_blocks(README.read_text(encoding="utf-8"), "python")[0]
    exec(first, {})
    assert "million" in capsys.readouterr().out


def test_why_one_passage_is_above_another_is_as_the_docs_on_compare_show_it() -> None:
    text = (DOCS / "compare.md").read_text(encoding="utf-8")
    passages = [
        " ".join(quote.replace("> ", "").split()) for quote in re.findall(r"((?:^> .*\n)+)", text, re.MULTILINE)
    ]
    (query,) = re.findall(r'For\n"(.*?)" the bundled', text)
    assert min(len(passage.split()) for passage in passages) > 100
    why = contrast_sentences(load_reranker(), query, *passages)
    scores = re.findall(r"a score of (\S+):", text)
    assert [float(score) for score in scores] == pytest.approx([why.first_logit, why.second_logit], abs=0.02)
    rows = re.findall(r"^\| ([AB]) \| (.*?) ?… \| (\S+) \|$", text, re.MULTILINE)
    bars = {("A" if bar.of == "first" else "B", bar.text): bar.value for bar in why.bars}
    assert len(rows) == len(bars) == 10
    for of, begins, value in rows:
        (bar,) = (bar for (side, sentence), bar in bars.items() if side == of and sentence.startswith(begins))
        assert float(value.replace("\u2212", "-")) == pytest.approx(bar, abs=0.02)


def test_every_variable_that_is_read_is_in_the_table() -> None:
    sources = [ROOT / "app.py", *ROOT.glob("attribution/**/*.py"), *ROOT.glob("interface/**/*.py")]
    read = {name for path in sources for name in re.findall(r'"((?:RERANK|HF|SPACE)\w*_\w+)"', path.read_text("utf-8"))}
    table = re.findall(r"^\| (`[A-Z].*?) \|", (DOCS / "deploy.md").read_text(encoding="utf-8"), re.MULTILINE)
    said = set(re.findall(r"`(\w+)`", " ".join(table)))
    assert {"RERANK_LENS_AUTH", "SPACE_ID", "RERANKER_MODELS"} <= read
    assert read <= said


def test_the_python_of_docs_on_sentences_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = code_blocks((DOCS / "sentences.md").read_text(encoding="utf-8"), "python")
    exec(block, {})
    said = capsys.readouterr().out
    assert said.startswith("Without sentence 2 the score falls from")
    assert "Its parks cover" in said
