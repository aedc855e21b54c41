"""Who may import whom, and that the docs' tables name what the code offers."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import attribution
from attribution import METHODS, MODELS

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in [ROOT / "app.py", *ROOT.glob("attribution/**/*.py"), *ROOT.glob("interface/**/*.py")]
}
MAY_IMPORT = {  # a library: the files and folders that may
    "gradio": ("app.py", "interface/"),
    "captum": ("attribution/methods/",),
    "transformers": ("attribution/rerankers/",),
    "huggingface_hub": ("attribution/rerankers/loading/hub.py",),
    "ir_measures": ("attribution/audit/",),
    "bm25s": ("attribution/audit/",),
    "ir_datasets": ("attribution/batch/judged.py",),
    "warnings": (
        "attribution/methods/gradients.py",
    ),  # catching them is process-wide, so one place does, under its lock
}
HEAVY = ("torch", "transformers", "captum", "gradio")
STOREYS = (  # ground floor last: a file imports from its own storey and those below
    "app.py",
    "interface/tabs",
    "interface/programs",
    "interface/page",
    "interface/runs",
    "interface/server",
    "interface/__init__.py",
    "attribution/entry.py",
    "attribution/__main__.py",
    "attribution/batch",
    "attribution/export_compare.py",
    "attribution/export.py",
    "attribution/views",
    "attribution/audit",
    "attribution/lab",
    "attribution/evidence",
    "attribution/explain.py",
    "attribution/methods",
    "attribution/removal.py",
    "attribution/words.py",
    "attribution/languages.py",
    "attribution/rerankers",
    "attribution/types.py",
    "attribution/numbers.py",
    "attribution/errors.py",
)
PRIVATE = {"_queue", "active_jobs", "fns", "LocalContext", "get_config_file", "GradioMCPServer"}  # of Gradio
PRIVATE_ROOMS = {f"interface/server/gradio_{part}.py" for part in ("private", "queue", "mcp")}
CHANGED = {"Meter", "Known", "Output", "Results"}  # what a run writes its numbers to


def imported(source: ast.AST) -> Iterator[str]:
    """Dotted names of what `source` imports when it runs, also inside functions; not under TYPE_CHECKING."""
    for node in ast.iter_child_nodes(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from imported(node)


def own_file(name: str) -> str | None:
    """The file of ours that importing the dotted `name` runs."""
    parts = name.split(".")
    candidates = [
        f"{'/'.join(parts[:n])}{end}" for n in (len(parts), len(parts) - 1) for end in (".py", "/__init__.py")
    ]
    return next((file for file in candidates if file in SOURCES), None)


IMPORTS = {file: set(imported(source)) for file, source in SOURCES.items()}
OWN_IMPORTS = {file: {own for name in names if (own := own_file(name))} for file, names in IMPORTS.items()}


def importers(library: str) -> set[str]:
    return {file for file, names in IMPORTS.items() if any(name.split(".")[0] == library for name in names)}


@pytest.mark.parametrize("library", MAY_IMPORT)
def test_library_is_imported_only_where_it_may(library: str) -> None:
    found = importers(library)
    assert found, f"nothing imports {library}: the rule guards nothing"
    assert {file for file in found if not file.startswith(MAY_IMPORT[library])} == set()


def test_what_gradio_does_not_promise_is_touched_in_one_room() -> None:
    """Its modules are not imported elsewhere, and their names are not used."""

    def found(file: str) -> set[str]:
        names = {node.attr for node in ast.walk(SOURCES[file]) if isinstance(node, ast.Attribute)}
        return {name for name in IMPORTS[file] if re.match(r"gradio\.[a-z_]+\b", name)} | names & PRIVATE

    assert len(set().union(*map(found, PRIVATE_ROOMS))) > len(PRIVATE), "the rule finds nothing"
    assert {file: names for file in SOURCES.keys() - PRIVATE_ROOMS if (names := found(file))} == {}


def test_what_only_formats_needs_no_torch() -> None:
    """A process of its own imports every view, the words, types and errors: none of the heavy libraries comes along."""
    names = ["attribution", *(f"attribution.{name}" for name in ("types", "errors", "words", "methods"))]
    names += [f"attribution.views.{path.stem}" for path in (ROOT / "attribution" / "views").glob("*.py")]
    code = f"import sys\nfor name in {names!r}: __import__(name)\nprint(*(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["explain", "--help"], ["probe", "--help"], ["rank", "--nothing"], []]
)
def test_help_and_usage_need_no_torch(arguments: list[str]) -> None:
    code = "import sys\nfrom attribution.__main__ import main\ntry: main(sys.argv[1:])\n"
    code += f"finally: print(*(set({HEAVY!r}) & set(sys.modules)), 'loaded')"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1].strip() == "loaded"


def test_the_public_names_are_what_they_say() -> None:
    """Also `explain`, whose module has the same name, whichever is imported first."""
    importlib.import_module("attribution.explain")
    assert inspect.isfunction(attribution.explain)
    for name in attribution.__all__:
        assert getattr(attribution, name).__class__ is not type(sys)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = attribution.nothing


TAGS = "a article b br button code details div form h[1-6] i img input label li ol p path script section small span"
TAGS += " strong style sub summary sup svg table tbody td text th thead tr ul"
TAG = re.compile(rf"</?({'|'.join(TAGS.split())})(\s[^<>]*)?/?>", re.IGNORECASE)


def strings(source: ast.AST) -> Iterator[str]:
    """Every string that is no docstring, the fixed pieces of f-strings too."""
    for node in ast.walk(source):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            body[0].value = ast.Constant(None)  # a docstring
    yield from (n.value for n in ast.walk(source) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def test_html_is_written_in_templates_only() -> None:
    """No tag in a string of Python: then escaping is the template library's, not a matter of our care."""
    assert TAG.search("a <b>"), "the pattern finds tags"
    found = {
        (path.name, text)
        for path in [ROOT / "app.py", *ROOT.glob("attribution/**/*.py"), *ROOT.glob("interface/**/*.py")]
        for text in strings(ast.parse(path.read_text(encoding="utf-8")))
        if TAG.search(text)
    }
    assert found == set()


def test_imports_go_one_way() -> None:
    list(TopologicalSorter(OWN_IMPORTS).static_order())  # raises CycleError, which names the cycle


def storey(file: str) -> int:
    return next(i for i, part in enumerate(STOREYS) if file == part or file.startswith(f"{part}/"))


def test_imports_go_down_the_tower() -> None:
    public = "attribution/__init__.py"  # gathers the names callers import, so it stands beside the tower
    for file in OWN_IMPORTS.keys() - {public}:
        upwards = {own for own in OWN_IMPORTS[file] - {public} if storey(own) < storey(file)}
        assert upwards == set(), f"{file} imports upwards"


def test_the_engine_does_not_know_the_app() -> None:
    for file, names in OWN_IMPORTS.items():
        if file.startswith("attribution/"):
            assert all(name.startswith("attribution/") for name in names), file


@pytest.mark.parametrize(("table", "offered"), [("methods", METHODS), ("models", MODELS)])
def test_docs_have_a_row_for_each(table: str, offered: dict[str, object]) -> None:
    """One table of the docs, its rows `| `key` | ...`, names exactly what the code offers."""
    text = (ROOT / "docs" / f"{table}.md").read_text(encoding="utf-8")
    tables = [re.findall(r"^\| `([^`]+)` \|", block, re.MULTILINE) for block in re.split(r"\n\s*\n", text)]
    rows = max(tables, key=lambda keys: len(offered.keys() & set(keys)))
    assert sorted(rows) == sorted(offered)


def records(source: ast.AST) -> Iterator[tuple[str, str]]:
    """Name and decorator of every class that only names its fields; named tuples, schemas and errors have a base."""
    for node in ast.walk(source):
        if isinstance(node, ast.ClassDef) and not node.bases and any(isinstance(n, ast.AnnAssign) for n in node.body):
            yield node.name, ", ".join(map(ast.unparse, node.decorator_list))


def test_records_are_frozen_but_for_those_that_a_run_writes_to() -> None:
    found = {name: decorator for source in SOURCES.values() for name, decorator in records(source)}
    assert len(found) > 40
    assert {name for name, decorator in found.items() if decorator == "dataclass"} == CHANGED
    others = {decorator for name, decorator in found.items() if name not in CHANGED}
    assert others == {"dataclass(frozen=True)", "dataclass(frozen=True, eq=False)"}
