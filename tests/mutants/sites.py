"""Where a change can be made, and which tests are asked about it."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
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

# The tests of each room; the longest path that fits counts.
TESTS: dict[str, str] = {
    "attribution/": "explain methods reranker faithfulness",
    "attribution/__main__": "command command_models",
    "attribution/batch": "command command_models",
    "attribution/batch/distributed": "distributed",
    "attribution/batch/jobs": "output command",
    "attribution/batch/output": "output command",
    "attribution/batch/probing": "probing command_models",
    "attribution/batch/rows": "rows command",
    "attribution/cost": "cost budget",
    "attribution/export": "export command probes_view",
    "attribution/words": "words units",
    "attribution/explain": "explain methods passes one_fails callers options",
    "attribution/errors": "checks methods refused options callers",
    "attribution/types": "passes explain words units methods render",
    "attribution/evidence": "verdicts options compare interaction what_if probes probe_set faithfulness",
    "attribution/evidence/agreement": "explain faithfulness verdicts two_models autograd_lab limits adaptive printed",
    "attribution/evidence/probes/baits": "edits edits_world edits_drawn probes",
    "attribution/evidence/coverage": "edits edits_world summary score_view faithfulness_view",
    "attribution/evidence/faithfulness/scores": "verdicts summary faithfulness faithfulness_view",
    "attribution/evidence/faithfulness/measure": "faithfulness faithfulness_view options limits summary",
    "attribution/evidence/probes": "verdicts probes probe_set probes_view",
    "attribution/evidence/probes/edits": "edits edits_world edits_drawn probes",
    "attribution/evidence/probes/wording": "edits edits_world edits_drawn verdicts probes",
    "attribution/evidence/faithfulness/summary": "summary",
    "attribution/lab/autograd": "lab_view autograd_lab limits callers readme",
    "attribution/lab/internals": "internals limits printed",
    "attribution/methods": "methods explain options",
    "attribution/methods/__init__": "defaults passes render methods readme cost budget",
    "attribution/methods/adaptive": "adaptive limits methods passes",
    "attribution/methods/attention": "internals limits methods",
    "attribution/methods/defaults": "defaults",
    "attribution/methods/perturbation": "perturbation methods options",
    "attribution/methods/propagation": "propagation",
    "attribution/methods/leaves": "autograd_lab state methods limits",
    "attribution/methods/path": "methods options passes explain adaptive",
    "attribution/rerankers": "reranker methods loading encoding families refused load_checks callers offer",
    "attribution/rerankers/reranker": "edges memory passes reranker methods loading encoding callers",
    "attribution/removal": "passes perturbation faithfulness methods encoding",
    "attribution/rerankers/readout": "readout",
    "attribution/rerankers/encoding": "edges encoding explain units families sentence_transformers",
    "attribution/rerankers/loading/hub": "edges hub",
    "attribution/rerankers/loading/files": "refused load_checks loading offer families hub",
    "attribution/rerankers/memory": "memory offer loaded",
    "attribution/rerankers/loading/load": "memory loading offer loaded reranker refused callers hub",
    "attribution/rerankers/loading/models": "memory readme offer loading",
    "attribution/rerankers/loading/sentence_transformers": "settings sentence_transformers limits families encoding refused load_checks loading offer",  # noqa: E501
    "attribution/rerankers/states": "memory internals limits",
    "attribution/rerankers/families": "settings pooling edges memory limits families encoding internals sentence_transformers",  # noqa: E501
    "attribution/rerankers/prompts": "settings edges families sentence_transformers offer",
    "attribution/views": "render score_view summary faithfulness_view probes_view printed compare export two_models",
    "attribution/views/cards": "render one_fails summary printed",
    "attribution/views/faithfulness": "faithfulness_view charts printed",
    "attribution/views/compare": "compare_view why_view compare export",
    "attribution/views/picture": "picture export",
    "attribution/views/interaction": "interaction_view",
    "attribution/views/curves": "charts faithfulness_view",
    "attribution/views/lab": "lab_view",
    "attribution/views/page": "page_view render score_view",
    "attribution/views/probes": "probes_view",
    "attribution/views/score": "score_view printed",
    "attribution/views/text": "render printed",
    "attribution/views/two_models": "two_models",
    "attribution/views/what_if": "what_if_view",
    "attribution/views/inside": "inside_view charts printed",
    "interface": "checks state runs limits printed documents compare one_fails",
    "interface/runs/lanes": "checks runs state budget",
    "interface/runs/limits": "checks cost budget",
    "interface/runs/handlers": "checks stream",
    "interface/runs/cost": "cost",
    "interface/runs/gpu": "budget lent_gpu",
    "interface/tabs/compare/state": "compare_state",
    "interface/tabs/compare/draw": "compare_state",
    "interface/programs/endpoints": "edges checks callers",
}


@dataclass(frozen=True)
class Site:
    """One change: the `occurrence`-th place of Cosmic Ray's `operator` in `file`, on `line`."""

    file: str
    line: int
    operator: str
    occurrence: int


def tests_of(file: str) -> list[str]:
    """The test files of a module, by the longest key of `TESTS` that its path starts with."""
    key = max((key for key in TESTS if file.startswith(key)), key=len)
    names = {f"test_{name}.py" for name in (*TESTS[key].split(), "layers")}
    return [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("tests/**/test_*.py")) if path.name in names]


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
    silent = list(_never_run(source))
    tree = get_ast(source)
    for operator in operator_names():
        kind = get_operator(operator)
        if kind.arguments() or operator.endswith("NoOp"):
            continue
        places = (start for node in ast_nodes(tree) for start, _ in kind().mutation_positions(node))
        for occurrence, place in enumerate(places):
            if not any(start <= place < end for start, end in silent):
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


def _end(node: ast.expr | ast.stmt) -> Place:
    return node.end_lineno or node.lineno, node.end_col_offset or 0
