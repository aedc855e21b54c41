"""How a command is called: its help, what it refuses before it begins, and streams that its caller closed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from attribution.audit.audit import audit
from attribution.batch.arguments import COMMANDS, parse_args
from attribution.batch.jobs import Job
from attribution.errors import OptionError
from attribution.evidence.probes.probe import probe
from attribution.evidence.probes.probe_set import probe_set
from tests.batch.conftest import PAIRS

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_not_said_is_as_the_help_says(capsys: pytest.CaptureFixture[str]) -> None:
    args = parse_args(["evaluate"])
    with pytest.raises(SystemExit):
        parse_args(["evaluate", "--help"])
    said = dict(re.findall(r"--(workers|top) [A-Z]+\s[^()]*\(default:\s+(\d+)\)", capsys.readouterr().out))
    assert said == {"workers": f"{args.workers}", "top": f"{args.top}"}
    assert (args.operator, args.engine, args.option, args.models) == ("mask", "local", [], [{"model_id": None}])
    assert signature(probe_set).parameters["seed"].default == signature(probe).parameters["seed"].default
    args, of_audit = parse_args(["audit", "--output", "a"]), signature(audit).parameters
    for name, given in {"measure": args.measure, "n_failures": args.failures, "seed": args.seed}.items():
        assert of_audit[name].default == given


def test_each_commands_help_is_of_that_command_and_its_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    said = {}
    for name, command in COMMANDS.items():
        with pytest.raises(SystemExit) as left:
            parse_args([name, "--help"])
        assert left.value.code == 0
        said[name] = capsys.readouterr().out
        assert command.says in said[name]
        assert f"example: {command.example}" in said[name]
        assert parse_args(shlex.split(re.split("[<>]", command.example)[0])[1:]).task == name
    assert len(set(said.values())) == len(COMMANDS)
    assert ["give it once for each" in text for text in said.values()] == [name == "probe" for name in said]
    several = {name for name, text in said.items() if "each after its own --method" in " ".join(text.split())}
    assert several == {"evaluate"}
    options = {name: set(re.findall(r"--[a-z-]+", text)) for name, text in said.items()}
    assert options["evaluate"] - options["explain"] == {"--operator"}
    assert options["explain"] - options["rank"] >= {"--method", "--option"}
    with pytest.raises(SystemExit):
        parse_args(["--help"])
    assert all(
        command.says.split(":")[0] in " ".join(capsys.readouterr().out.split()) for command in [COMMANDS["rank"]]
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["explain", "--method", "magic"], "Unknown method 'magic'"),
        (["explain", "--method", "saliency", "--option", "n_steps=3"], "saliency does not take n_steps"),
        (["explain", "--option", "n_steps"], "has no value"),
        (["explain", "--option", "=3"], "has no name"),
        (["explain", "--option", "tolerance=0.1", "--option", "tolerance=0.2"], "tolerance was given twice"),
        (["explain", "--option", "tolerance=x"], "tolerance is 'x'; it must be a number between"),
        (["explain", "--option", "joint=no"], "joint is 'no'; it must be true or false"),
        (["explain", "--option", "baselines=[1]"], "Unknown baseline [1]"),
        (["explain", "--method", "attention", "--option", "layer=3"], "layer is 3; it must be a whole number"),
        (["explain", "--method", "shapley", "--option", "seed=true"], "seed is True; it must be a whole number"),
        (["evaluate", "--method", "saliency", "--option", "leaf={}"], "Unknown leaf {}"),
        (["sentences", "--max-length", "7"], "max_length is 7"),
        (["probe", "--label", "good"], "has no label 'good'"),
        (["audit", "--seed", "-1"], "seed is -1"),
        (["explain", "--output", "/nowhere/out.jsonl"], "error: /nowhere/out.jsonl: No such file or directory\n"),
        (["explain", "--method", "saliency", "--method", "occlusion"], "explain takes one --method"),
    ],
)
def test_what_cannot_begin_leaves_with_2(command: Any, arguments: list[str], says: str, tmp_path: Path) -> None:
    """Before a row is read or a file is made."""
    given = arguments if "--output" in arguments else [*arguments, "--output", str(tmp_path / "out")]
    code, answers, err = command(["no row"], *given)
    assert (code, answers) == (2, [])
    assert says in err
    assert "skipped" not in err
    assert not [*tmp_path.glob("out*")]


@pytest.mark.parametrize(
    ("closed", "task", "says"),
    [
        ("stdin", "explain", "standard input is closed. Give the lines there"),
        ("stdin", "audit", "standard input is closed. Give the lines there"),
        ("stdout", "rank", "standard output is closed, so there is no place for the answers. Give --output"),
        ("stdout", "probe", "standard output is closed, so there is no place for the answers. Give --output"),
    ],
)
def test_a_stream_that_the_caller_closed_is_said(
    command: Any, closed: str, task: str, says: str, tmp_path: Path
) -> None:
    given = ["--output", str(tmp_path / "audit")] if task == "audit" else []
    code, _, err = command([], task, *given, closed=closed)
    assert (code, says in err) == (2, True)


def test_what_is_for_a_closed_stderr_is_on_no_other_stream(command: Any) -> None:
    code, answers, _ = command(["nope", PAIRS[0]], "explain", "--method", "saliency", closed="stderr")
    assert (code, [answer["id"] for answer in answers]) == (1, ["2"])


def test_a_reader_of_messages_who_leaves_ends_no_run(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    stderr = os.fdopen(write, "w", buffering=1)
    monkeypatch.setattr(sys, "stderr", stderr)
    os.close(read)
    code, answers, _ = command(["nope", PAIRS[0]], "explain", "--method", "saliency")
    with suppress(BrokenPipeError):  # of what is left in it
        stderr.close()
    assert (code, [answer["id"] for answer in answers]) == (1, ["2"])


@pytest.mark.parametrize("name", ["HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"])
def test_a_timeout_that_is_no_number_is_said_by_the_command_and_by_the_page(
    name: str, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = f"error: The environment variable {name} is 'abc'; it must be a whole number of seconds.\n"
    monkeypatch.setenv(name, "abc")
    assert command([PAIRS[0]], "explain") == (2, [], says)
    page = subprocess.run([sys.executable, "app.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (page.returncode, page.stdout, page.stderr) == (1, "", says)


def test_every_method_and_its_options_are_checked_before_a_model_is_loaded() -> None:
    Job("evaluate", ("saliency", "shapley"), {}).check()
    for methods, options, says in (
        (("saliency",), {"n_steps": 8}, "saliency does not take n_steps"),
        (("shapley", "saliency"), {"n_samples": 8}, "saliency does not take n_samples"),
        (("saliency", "shaply"), {}, "shaply"),
    ):
        with pytest.raises(OptionError, match=says):
            Job("evaluate", methods, options).check()
