"""Which small faults would no test notice? `make mutants`, or python -m tests.mutants [--sites N] [--seed N].

Cosmic Ray's operators change one place of a random sample of places; the tests that exercise the module run on the
changed copy, the quickest first, until one fails. Survivors are listed with file and line, and stored beside the
benchmarks. A fork of this process, with the large libraries already imported, runs each; no browser is needed.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.txt"
STORED = ROOT / "benchmarks" / "mutants"
COPIED = ("attribution", "interface", "tests", "benchmarks", "examples", "app.py", "pyproject.toml", "README.md")
SECONDS = 240  # a mutant that takes longer never ends: killed
KILLED, SURVIVED, SLOW, EQUAL = "killed", "survived", "killed by time", "equivalent"
PURE = ("runs", "common", "documents", "presence", "steps", "compare_state", "endpoints")  # of interface/

# The tests of each room, quickest first; the longest path that fits counts.
TESTS: dict[str, str] = {
    "attribution/": "explain methods reranker faithfulness",
    "attribution/__main__": "command",
    "attribution/batch": "command",
    "attribution/export": "export command",
    "attribution/words": "words units",
    "attribution/explain": "explain methods passes one_fails callers options",
    "attribution/errors": "methods refused options",
    "attribution/types": "explain words units methods",
    "attribution/evidence": "compare probes faithfulness",
    "attribution/evidence/agreement": "explain faithfulness autograd_lab agreement render faithfulness_view",
    "attribution/evidence/faithfulness": "faithfulness faithfulness_view options",
    "attribution/evidence/rank": "autograd_lab faithfulness compare agreement",
    "attribution/evidence/prob": "probes probes_view",
    "attribution/evidence/edits": "probes",
    "attribution/lab/autograd": "autograd_lab limits",
    "attribution/lab/internals": "internals",
    "attribution/methods": "methods explain options",
    "attribution/methods/adaptive": "adaptive methods passes",
    "attribution/methods/attention": "internals limits methods",
    "attribution/methods/perturbation": "perturbation methods options",
    "attribution/methods/propagation": "propagation",
    "attribution/methods/leaves": "autograd_lab state methods",
    "attribution/methods/path": "methods options passes explain",
    "attribution/rerankers": "reranker methods loading encoding families hub refused callers sentence_transformers",
    "attribution/rerankers/removal": "perturbation faithfulness methods encoding",
    "attribution/rerankers/encoding": "encoding explain units",
    "attribution/rerankers/states": "internals limits",
    "attribution/rerankers/families": "families reranker propagation encoding internals sentence_transformers",
    "attribution/rerankers/prompts": "families sentence_transformers",
    "attribution/views": "render faithfulness_view probes_view printed compare export",
    "interface": "state limits printed documents compare one_fails",
}


@dataclass(frozen=True)
class Site:
    """One change: the `occurrence`-th place of Cosmic Ray's `operator` in `file`, on `line`."""

    file: str
    line: int
    operator: str
    occurrence: int


@dataclass(frozen=True)
class Result:
    """What became of a site: `before` and `after` are its line; `outcome` one of the four words above."""

    site: Site
    before: str
    after: str
    outcome: str
    seconds: float = 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the sites, run them, print survivors, store the figure."""
    options = _parse(arguments)
    sites = sample(options.sites, options.seed, options.only)
    began = time.perf_counter()
    results = list(run_all(sites, options.workers))
    report = summary(results, options.seed, time.perf_counter() - began)
    print(markdown(report))
    if not options.only:
        STORED.with_suffix(".json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
        STORED.with_suffix(".md").write_text(markdown(report), "utf-8")


def sample(n: int, seed: int, only: str = "") -> list[Site]:
    """`n` places drawn at random, each with one of the changes that are possible there."""
    at: dict[tuple[str, int, int], list[Site]] = {}
    for file in sorted([*ROOT.glob("attribution/**/*.py"), *(ROOT / "interface" / f"{name}.py" for name in PURE)]):
        name = file.relative_to(ROOT).as_posix()
        if only in name:
            for (line, column), site in _sites(name, file.read_text("utf-8")):
                at.setdefault((name, line, column), []).append(site)
    draw = random.Random(seed)
    places = draw.sample(sorted(at), min(n, len(at)))
    return [draw.choice(at[place]) for place in places]


def _sites(name: str, source: str) -> Iterator[tuple[tuple[int, int], Site]]:
    silent = _never_run(source)
    tree = get_ast(source)
    for operator in operator_names():
        kind = get_operator(operator)
        if kind.arguments() or operator.endswith("NoOp"):
            continue
        places = (start for node in ast_nodes(tree) for start, _ in kind().mutation_positions(node))
        for occurrence, (line, column) in enumerate(places):
            if line not in silent:
                yield (line, column), Site(name, line, operator, occurrence)


def _never_run(source: str) -> set[int]:
    """Lines that no program runs: signatures' annotations, which stay text, and what only the type checker imports."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign) and node.value is None:
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            noted = [a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg) and a.annotation]
            plain = {d.lineno for d in (*node.args.defaults, *node.args.kw_defaults) if d}
            lines |= {a.lineno for a in (*noted, node.returns) if a} - plain
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def run_all(sites: Sequence[Site], workers: int) -> Iterator[Result]:
    """Every site's result, as it is there."""
    _import_libraries()
    equal = {line.split("  #")[0].strip() for line in EQUIVALENT.read_text("utf-8").splitlines() if "->" in line}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        free: SimpleQueue[Path] = SimpleQueue()
        for worker in range(workers):
            free.put(_copy(Path(folder) / str(worker)))
        files = sorted({name for site in sites for name in tests_of(site.file)})
        broken = {
            name for name, passes in zip(files, pool.map(partial(_passes, free), files), strict=True) if not passes
        }
        if broken:
            print(f"Left out, they fail without any change: {', '.join(sorted(broken))}", flush=True)
        for result in pool.map(partial(_run, free=free, equal=equal, broken=broken), sites):
            print(f"{result.outcome:>15} {result.seconds:6.1f} s  {_line(result)}", flush=True)
            yield result


def _passes(free: SimpleQueue[Path], name: str) -> bool:
    copy = free.get()
    try:
        return _tested(copy, [name], 4 * SECONDS) == SURVIVED
    finally:
        free.put(copy)


def _run(site: Site, free: SimpleQueue[Path], equal: set[str], broken: set[str]) -> Result:
    """Write the mutant into a copy that no other thread uses, and ask its tests."""
    source = (ROOT / site.file).read_text("utf-8")
    mutant = mutate_code(source, get_operator(site.operator)(), site.occurrence) or source
    before, after = _changed(source, mutant)
    result = Result(site, before, after, EQUAL)
    if _line(result).split(": ", 1)[1] in {line.split(": ", 1)[1] for line in equal if line.startswith(site.file)}:
        return result
    began, copy = time.perf_counter(), free.get()
    try:
        (copy / site.file).write_text(mutant, "utf-8")
        outcome = _tested(copy, [name for name in tests_of(site.file) if name not in broken])
    finally:
        (copy / site.file).write_text(source, "utf-8")
        free.put(copy)
    return Result(site, before, after, outcome, time.perf_counter() - began)


def tests_of(file: str) -> list[str]:
    """The test files of a module, by the longest key of `TESTS` that its path starts with."""
    key = max((key for key in TESTS if file.startswith(key)), key=len)
    names = [f"tests/test_{name}.py" for name in TESTS[key].split()]
    return [name for name in names if (ROOT / name).exists()]


def _tested(copy: Path, tests: list[str], seconds: float = SECONDS) -> str:
    """Fork, run pytest until the first failure, and read the exit code."""
    child = os.fork()
    if child == 0:
        _become_pytest(copy, tests)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return SURVIVED if os.waitstatus_to_exitcode(status) == 0 else KILLED
        time.sleep(0.1)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return SLOW


def _become_pytest(copy: Path, tests: list[str]) -> None:
    """In the child: the copy's code, silent, the same examples each time."""
    import pytest

    os.setpgid(0, 0)
    for name in [name for name in sys.modules if name.split(".")[0] in (*COPIED, "app")]:
        del sys.modules[name]
    os.chdir(copy)
    sys.path[:] = [str(copy), *(path for path in sys.path if Path(path or ".").resolve() != ROOT)]
    sink = os.open(copy / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    code = 1
    try:
        code = pytest.main([*tests, "-xq", "-p", "no:cacheprovider", "--hypothesis-seed=0", f"--rootdir={copy}"])
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


def _import_libraries() -> None:
    """What every test needs and no mutant touches, once, before the forks; one thread each."""
    os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_NUM_THREADS": "1"})
    import captum.attr
    import gradio
    import hypothesis
    import torch
    import transformers

    torch.set_num_threads(1)
    for module in (captum.attr, gradio, hypothesis, transformers.AutoModelForSequenceClassification):
        str(module)


def _changed(source: str, mutant: str) -> tuple[str, str]:
    """The first line that differs, before and after."""
    for before, after in zip(source.splitlines(), mutant.splitlines(), strict=False):
        if before != after:
            return before.strip(), after.strip()
    return "", ""


def _line(result: Result) -> str:
    return f"{result.site.file}:{result.site.line}: {result.before} -> {result.after}"


def summary(results: Sequence[Result], seed: int, seconds: float) -> dict[str, object]:
    """The figure: killed of those with an effect, and the survivors."""
    counts = {word: sum(result.outcome == word for result in results) for word in (KILLED, SLOW, SURVIVED, EQUAL)}
    effective = len(results) - counts[EQUAL]
    return {
        "seed": seed,
        "sites": len(results),
        "counts": counts,
        "killed of those with an effect": round((counts[KILLED] + counts[SLOW]) / max(1, effective), 3),
        "seconds": round(seconds),
        "survivors": [
            {**asdict(result.site), "before": result.before, "after": result.after}
            for result in results
            if result.outcome == SURVIVED
        ],
    }


def markdown(report: dict[str, object]) -> str:
    """The stored report in a few lines."""
    counts, survivors = report["counts"], report["survivors"]
    assert isinstance(counts, dict)
    assert isinstance(survivors, list)
    lines = [
        f"{report['sites']} random places of attribution/ and the pure parts of interface/, seed {report['seed']}: "
        f"{100 * float(str(report['killed of those with an effect'])):.1f} % of the changes with an effect were "
        f"noticed ({', '.join(f'{n} {word}' for word, n in counts.items())}), in {report['seconds']} s.",
        "",
        *(f"- {s['file']}:{s['line']}: `{s['before']}` became `{s['after']}`" for s in survivors),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="files whose path holds this; stores nothing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
