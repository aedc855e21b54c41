"""Where a change can be made, and which tests are asked about it."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.plugins import get_operator, operator_names

Place = tuple[int, int]  # line, from 1, and column, from 0
ROOT = Path(__file__).resolve().parents[2]
# Of interface/:
PURE = [
    *("runs/lanes", "runs/handlers", "runs/gpu", "runs/cost", "runs/limits"),
    *("tabs/compare/documents", "tabs/compare/state", "tabs/compare/draw", "programs/endpoints"),
]

ALSO = {"audit": "batch", "batch": "audit", "rerankers": "lab"}  # rooms that are tested through another one, too
# They start processes, or read every page of docs/; asked only about what they import.
SLOW = ("deaths", "distributed", "docs", "extending", "fuzz", "memory", "package", "readme", "space")


@dataclass(frozen=True)
class Site:
    """One change: the `occurrence`-th place of Cosmic Ray's `operator` in `file`, on `line`."""

    file: str
    line: int
    operator: str
    occurrence: int


def tests_of(file: str) -> list[str]:
    """The test files that import the module, those of its room, which mirrors its folder, and those of the house."""
    room = next(iter(Path(file).parts[1:-1]), "") if file.startswith("attribution/") else "interface"
    near = {path for name in ("", room, ALSO.get(room, "")) for path in (ROOT / "tests" / name).glob("test_*.py")}
    quick = {path for path in near if path.stem.removeprefix("test_") not in SLOW}
    return sorted(path.relative_to(ROOT).as_posix() for path in quick | _importers().get(file, set()))


@cache
def _importers() -> dict[str, set[Path]]:
    """Module -> the test files without a browser that import it, or a name from it."""
    found: dict[str, set[Path]] = {}
    for path in ROOT.glob("tests/**/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if "browser" not in path.parts and isinstance(node, ast.ImportFrom) and node.module:
                base = node.module.replace(".", "/")
                for name in (base, f"{base}/__init__", *(f"{base}/{one.name}" for one in node.names)):
                    found.setdefault(f"{name}.py", set()).add(path)
    return found


def sample(n: int, seed: int, only: str = "") -> list[Site]:
    """`n` places drawn at random, each with one of the changes that are possible there."""
    at: dict[tuple[str, int, int], list[Site]] = {}
    pure = [ROOT / "interface" / f"{name}.py" for name in PURE]
    for file in sorted([*ROOT.glob("attribution/**/*.py"), *pure]):
        name = file.relative_to(ROOT).as_posix()
        if only in name:
            for (line, column), site in _sites(name, file.read_text("utf-8")):
                at.setdefault((name, line, column), []).append(site)
    draw = random.Random(seed)
    places = draw.sample(sorted(at), min(n, len(at)))
    return [draw.choice(at[place]) for place in places]


def _sites(name: str, source: str) -> Iterator[tuple[Place, Site]]:
    silent, literal = list(_never_run(source)), list(_with_literals(source))
    tree = get_ast(source)
    for operator in operator_names():
        kind = get_operator(operator)
        if kind.arguments() or operator.endswith("NoOp"):
            continue
        places = (start for node in ast_nodes(tree) for start, _ in kind().mutation_positions(node))
        for occurrence, place in enumerate(places):
            never = silent + literal * operator.endswith(("_Is", "_IsNot"))
            if not any(start <= place < end for start, end in never):
                yield place, Site(name, place[0], operator, occurrence)


def _never_run(source: str) -> Iterator[tuple[Place, Place]]:
    """What no program runs, from a start to an end: annotations, which stay text, and what is for type checkers."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):  # a signature but for its defaults
            start: Place = (node.lineno, node.col_offset)
            for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
                yield start, (default.lineno, default.col_offset)
                start = _end(default)
            yield start, (node.body[0].lineno, node.body[0].col_offset)
        elif isinstance(node, ast.AnnAssign):
            yield (node.annotation.lineno, node.annotation.col_offset), _end(node.annotation)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield (node.lineno, node.col_offset), _end(node)


def _with_literals(source: str) -> Iterator[tuple[Place, Place]]:
    """Comparisons with a text or a number: ruff refuses `is` there, so lint notices that change."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [side.value for side in (node.left, *node.comparators) if isinstance(side, ast.Constant)]
            if any(isinstance(side, str | int | float) for side in sides):
                yield (node.lineno, node.col_offset), _end(node)


def _end(node: ast.expr | ast.stmt) -> Place:
    return node.end_lineno or node.lineno, node.end_col_offset or 0
