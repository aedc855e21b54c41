"""The tables of README and docs, made from the code's own. `python -m tests.readme` writes them; a test compares."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from attribution import load_reranker
from attribution.lab.autograd import LabRow, run_lab
from attribution.methods import METHODS
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.loading.models import BUNDLED, MODELS
from attribution.rerankers.memory import gigabytes
from benchmarks import audit as audit_cost
from benchmarks import compare, passage_tables, probes
from benchmarks.report import from_json
from benchmarks.summary import believe, stored, summary

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"


def _table(head: str, rows: Iterable[str]) -> str:
    rule = "|" + "---|" * (head.count("|") - 1)
    return "\n".join([head, rule, *rows])


def methods_table() -> str:
    """One row a method."""
    return _table(
        "| key | what it says | signed | passes | source |",
        (
            f"| `{key}` | {m.label}: {m.says} | {'yes' if m.signed else 'no'} | {m.cost} | "
            f"{f'[paper]({m.paper})' if m.paper else 'a control' if m.control else ''} |"
            for key, m in METHODS.items()
        ),
    )


def models_table() -> str:
    """One row a checkpoint on offer."""
    rows = (
        f"| `{key}` | {m.path if m.revision else 'bundled'} | {m.languages} | {m.parameters / 1e6:,.0f} M | "
        f"{gigabytes(m.memory)} | {m.licence} | {f'`{m.revision[:8]}`' if m.revision else 'its own'} | {m.about} |"
        for key, m in MODELS.items()
        if m.parameters and m.memory
    )
    return _table("| key | id | languages | parameters | in float32 | licence | commit | |", rows)


def _explained(architecture: str, states: bool) -> str:
    """The methods that run; tests/rerankers/test_families.py runs them all."""
    if architecture == "Qwen3_5ForCausalLM":  # most of its layers have no attention weights, and norms of another kind
        return "all but attention, rollout and layerwise relevance"
    return "all" if states else "all but attention and rollout"


def families_table() -> str:
    """One row a family, with how many of `MODELS` are of it."""
    on_offer = Counter(row.architecture for row in MODELS.values())
    rows = (
        f"| `{key}` | {family.label}: {family.examples} | {'next token' if family.prompt else 'classification head'} | "
        f"{_explained(key, family.states)} | {on_offer[key] or ''} |"
        for key, family in FAMILIES.items()
    )
    return _table(f"| architecture | examples | score read from | methods | models on offer, of {len(MODELS)} |", rows)


def lab_markdown(rows: Sequence[LabRow]) -> str:
    """The lab's table without the numbers that depend on the pair and the model, as docs/autograd.md prints it."""
    head = "| | code | parameters | `is_leaf` | `requires_grad` | `grad_fn` | `.grad` | result |"
    lines = [head, "|---" * 8 + "|"]
    for row in rows:
        cells = (
            str(row.number),
            f"`{row.experiment.code}`",
            "trainable" if row.experiment.trainable else "frozen",
            str(row.is_leaf),
            str(row.requires_grad),
            row.grad_fn or "None",
            "filled" if row.grad_filled else "None",
            row.verdict,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def lab_table() -> str:
    """What the lab finds on the first example."""
    example = json.loads((ROOT / "examples" / "pairs.json").read_text(encoding="utf-8"))[0]
    return lab_markdown(list(run_lab(load_reranker(BUNDLED), example["query"], example["document"]))).rstrip("\n")


def believe_table() -> str:
    """Which method to believe, best first."""
    cost = {method.label: method.cost for method in METHODS.values()}
    found = believe(stored(), passage_tables.stored())
    rows = (f"| {label} | {passages} | {documents} | {cost.get(label, '')} |" for label, passages, documents in found)
    short = from_json(stored()["sections"]["short documents"]["tables"][0]).says.split(";")[0].replace(" pairs,", "")
    of = passage_tables.stored()
    long = f"{of['pairs']} passages of {' to '.join(map(str, of['words']))} words"
    head = f"| method | {long} | {short} | passes |"
    return _table(head, rows)


def believe_passages_table() -> str:
    """Which method to believe on a passage, best first."""
    stored = passage_tables.stored()
    head = "| method | finds the costliest | sentences: score falls by | words: score falls by |"

    def rows(which: str) -> Iterator[str]:
        return (f"| {' | '.join(row)} |" for row in passage_tables.believe(stored, which))

    said = f"{stored['says']}.\n\n{_table(head, rows('tables'))}"
    if few := stored["all methods"]:
        said += f"\n\n{few[0]['title'].removesuffix(', by sentences')}:\n\n{_table(head, rows('all methods'))}"
    return said


def audit_table() -> str:
    """What the stored run of an audit took."""
    return audit_cost.summary(json.loads(audit_cost.STORED.read_text(encoding="utf-8")))


def passages_tables() -> str:
    """What the stored run on passages found."""
    return passage_tables.summary(passage_tables.stored())


def benchmark_tables() -> str:
    """What the stored run of the benchmark found."""
    return summary(stored())


def probes_table() -> str:
    """What the stored run of the probes found."""
    return probes.summary(probes.stored())


def compare_tables() -> str:
    """What the stored run of the comparison's benchmark found."""
    return compare.summary(json.loads(compare.STORED.read_text(encoding="utf-8")))


def load_table() -> str:
    """What the stored run of the load found, once there is one."""
    from benchmarks import load, load_report  # brings gradio along, which the other tables do without

    stored = load.STORED
    return load_report.summary(json.loads(stored.read_text("utf-8"))) if stored.exists() else "Not measured yet."


def fuzz_table() -> str:
    """What the stored run of hostile input came to; empty before there was one."""
    from tests import fuzz  # brings gradio along

    return fuzz.summary(json.loads(fuzz.STORED.read_text(encoding="utf-8"))) if fuzz.STORED.exists() else ""


def endpoints_table() -> str:
    """One row an endpoint, with the first sentence of its docstring."""
    from interface.programs.api import ENDPOINTS  # brings gradio along

    rows = (f"| `{of.__name__}` | {(of.__doc__ or '').splitlines()[0]} |" for of in ENDPOINTS)
    return _table("| endpoint | what it does |", rows)


def speed_table() -> str:
    """What was aimed at and reached in the stored run of the yardsticks."""
    from benchmarks import targets  # brings gradio along

    return targets.summary(targets.stored())


TABLES: dict[str, tuple[Path, Callable[[], str]]] = {
    "believe": (README, believe_table),
    "believe-passages": (DOCS / "sentences.md", believe_passages_table),
    "passages": (DOCS / "benchmarks.md", passages_tables),
    "audit": (DOCS / "audit.md", audit_table),
    "methods": (DOCS / "methods.md", methods_table),
    "models": (DOCS / "models.md", models_table),
    "families": (DOCS / "families.md", families_table),
    "benchmark": (DOCS / "benchmarks.md", benchmark_tables),
    "endpoints": (DOCS / "api.md", endpoints_table),
    "compare": (DOCS / "compare.md", compare_tables),
    "probes": (DOCS / "probes.md", probes_table),
    "load": (DOCS / "load.md", load_table),
    "fuzz": (DOCS / "load.md", fuzz_table),
    "speed": (DOCS / "benchmarks.md", speed_table),
    "lab": (DOCS / "autograd.md", lab_table),
}


def section(text: str, name: str) -> str:
    """What stands between the two marks of `name`."""
    return text.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0].rstrip("\n")


def write_section(path: Path, name: str, body: str) -> None:
    """Replace what stands between the two marks of `name` in `path`."""
    before, rest = path.read_text(encoding="utf-8").split(f"<!-- {name} -->\n")
    after = rest.split(f"<!-- /{name} -->")[1]
    path.write_text(f"{before}<!-- {name} -->\n{body}\n<!-- /{name} -->{after}", encoding="utf-8")


def code_blocks(text: str, language: str) -> list[str]:
    """What stands in the fenced blocks of Markdown that name `language`."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    for name, (path, table) in TABLES.items():
        write_section(path, name, table())
