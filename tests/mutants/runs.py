"""Tests on changed copies of the tree, each in a fork of this process, several at a time.

All forks leave from the main thread of a process without others: a fork keeps locks that another thread held.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

from tests.mutants.sites import ROOT, Site, tests_of

EQUIVALENT = ROOT / "tests" / "equivalent_mutants.txt"
COPIED = ("attribution", "interface", "tests", "benchmarks", "examples", "app.py", "pyproject.toml", "README.md")
BASE_SECONDS = 600  # for a file of tests on unchanged code
KILLED, SURVIVED, SLOW, EQUAL, NOT_RUN = "killed", "survived", "killed by time", "equivalent", "not run"


@dataclass(frozen=True)
class Result:
    """What became of a site: `before` and `after` are its line; `outcome` one of the five words above."""

    site: Site
    before: str
    after: str
    outcome: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.site.file}:{self.site.line}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class Trial:
    """Test files, in this order, on the tree with `file` holding `source`; `seconds` until it is killed."""

    tests: Sequence[str]
    seconds: float
    file: str = ""
    source: str = ""


@dataclass(frozen=True)
class Running:
    """A trial in the fork `pid`, on the copy at `folder`."""

    trial: Trial
    folder: Path
    pid: int
    began: float


def run_all(sites: Sequence[Site], workers: int, ends: float) -> tuple[list[Result], list[str]]:
    """Every site's result, and the test files that fail without any change; no trial is begun after `ends`."""
    files = sorted({name for site in sites for name in tests_of(site.file)})
    _import_libraries(files)
    with tempfile.TemporaryDirectory() as root:
        folders = [_copy(Path(root) / str(worker)) for worker in range(workers)]
        alone = _run((Trial((file,), BASE_SECONDS) for file in files), folders)
        base = {trial.tests[0]: (outcome, seconds) for trial, outcome, seconds in alone}
        good = {name: seconds for name, (outcome, seconds) in base.items() if outcome == SURVIVED}
        for name in sorted({*base} - {*good}):
            print(f"{name} fails without any change: {base[name][0]}", flush=True)
        results = {site: _prepared(site) for site in sites}
        trials = {_trial(site, good): site for site in sites if results[site].outcome != EQUAL}
        for trial, outcome, seconds in _run(_until(ends, trials), folders):
            site = trials[trial]
            results[site] = Result(site, results[site].before, results[site].after, outcome, seconds)
            print(f"{outcome:>15} {seconds:6.1f} s  {results[site]}", flush=True)
    return list(results.values()), sorted({*base} - {*good})


def _prepared(site: Site) -> Result:
    """Before its tests: `EQUAL` where the list of equivalent changes has it."""
    source = (ROOT / site.file).read_text("utf-8")
    pairs = zip(source.splitlines(), _mutant(site, source).splitlines(), strict=False)
    before, after = next(((b.strip(), a.strip()) for b, a in pairs if b != a), ("", ""))
    known = before == after or _is_known(f"{site.file}: {before} -> {after}")
    return Result(site, before, after, EQUAL if known else NOT_RUN)


def _is_known(change: str) -> bool:
    """Whether the list has it; a line that begins with `*: ` is of that change to any line of any file."""
    known = [line.rsplit("  #", 1)[0].strip() for line in EQUIVALENT.read_text("utf-8").splitlines()]
    anywhere = [line[3:].split(" -> ") for line in known if line.startswith("*: ")]
    before, _, after = change.partition(": ")[2].partition(" -> ")
    return change in known or any(after in _once(before, old, new) for old, new in anywhere)


def _once(text: str, old: str, new: str) -> Iterator[str]:
    """`text` with one place of `old` replaced, each in turn."""
    return (text[: at.start()] + new + text[at.end() :] for at in re.finditer(re.escape(old), text))


def _trial(site: Site, base: dict[str, float]) -> Trial:
    """The quickest tests first, and several times their usual time: what takes longer never ends."""
    tests = sorted((name for name in tests_of(site.file) if name in base), key=base.__getitem__)
    seconds = 30 + 3 * sum(base[name] for name in tests)
    return Trial(tuple(tests), seconds, site.file, _mutant(site, (ROOT / site.file).read_text("utf-8")))


def _mutant(site: Site, source: str) -> str:
    try:
        return mutate_code(source, get_operator(site.operator)(), site.occurrence) or source
    except AttributeError:  # Cosmic Ray does not know an `except` with a dot in it
        return source


def _until(ends: float, trials: Iterable[Trial]) -> Iterator[Trial]:
    for trial in trials:
        if time.monotonic() < ends:
            yield trial


def _run(trials: Iterable[Trial], folders: Sequence[Path]) -> Iterator[tuple[Trial, str, float]]:
    """Each trial's outcome and seconds, as they end; as many at a time as there are copies."""
    free, running, waiting = [*folders], list[Running](), iter(trials)
    while True:
        while free and (trial := next(waiting, None)):
            running.append(_start(trial, free.pop()))
        if not running:
            return
        time.sleep(0.05)
        for one in [*running]:
            outcome = _outcome(one)
            if outcome:
                running.remove(one)
                free.append(one.folder)
                if one.trial.file:
                    shutil.copy(ROOT / one.trial.file, one.folder / one.trial.file)
                yield one.trial, outcome, time.monotonic() - one.began


def _start(trial: Trial, folder: Path) -> Running:
    if trial.file:
        (folder / trial.file).write_text(trial.source, "utf-8")
    began, pid = time.monotonic(), os.fork()
    if pid == 0:
        _become_pytest(folder, trial.tests)
    return Running(trial, folder, pid, began)


def _outcome(one: Running) -> str | None:
    """None while it runs; the end of one that takes too long."""
    done, status = os.waitpid(one.pid, os.WNOHANG)
    if done:
        return SURVIVED if os.waitstatus_to_exitcode(status) == 0 else KILLED
    if time.monotonic() < one.began + one.trial.seconds:
        return None
    os.killpg(one.pid, signal.SIGKILL)
    os.waitpid(one.pid, 0)
    return SLOW


def _become_pytest(folder: Path, tests: Sequence[str]) -> None:
    """In the child: the copy's code, silent, the same examples each time."""
    import pytest
    import torch

    torch.set_num_threads(1)  # a fork makes its pool of threads anew, which two threads at once do not survive
    os.setpgid(0, 0)
    _forget_our_modules()
    os.chdir(folder)
    sys.path[:] = [str(folder), *(path for path in sys.path if Path(path or ".").resolve() != ROOT)]
    sink = os.open(folder / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    code = 1
    try:
        code = pytest.main([*tests, "-xq", "-p", "no:cacheprovider", "--hypothesis-seed=0", f"--rootdir={folder}"])
    finally:
        os._exit(int(code))


def _copy(folder: Path) -> Path:
    """The tree that tests see: code copied, the rest linked."""
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name in COPIED:
            (shutil.copytree if entry.is_dir() else shutil.copy)(entry, folder / entry.name)
        elif not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    return folder


def _import_libraries(files: Sequence[str]) -> None:
    """What the tests need and no mutant touches, once, before the forks; one thread each."""
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in ("tests.conftest", *(file[:-3].replace("/", ".") for file in files)):
        import_module(name)
    import torch
    import transformers

    torch.set_num_threads(1)
    for architecture in import_module("tests.tiny").CONFIGS:
        getattr(transformers, architecture)
    _forget_our_modules()
    gc.collect()
    gc.freeze()


def _forget_our_modules() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in (*COPIED, "app")]:
        del sys.modules[name]
