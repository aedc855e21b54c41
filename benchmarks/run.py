"""Measure the methods: python -m benchmarks.run --data FOLDER [--pairs N] [--minutes M] [--only NAME ...]

Prints the tables, and stores them as results.json and results.md. `--only` measures some sections anew and keeps the
stored others, which must be of the same model.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from attribution import load_reranker
from benchmarks import complete, faithful, planted, plausible, sanity
from benchmarks.bench import Bench
from benchmarks.report import Table, from_json

HERE = Path(__file__).parent
ROOT = HERE.parent
SECTIONS: dict[str, Callable[[Bench], list[Table]]] = {
    "planted": planted.run,
    "faithfulness": faithful.run,
    "short documents": faithful.run_short,
    "plausibility": plausible.run,
    "sanity": sanity.run,
    "completeness": complete.run,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sections, print and store their tables."""
    options = _parse(arguments)
    reranker = load_reranker(options.model)
    bench = Bench(reranker, options.data, options.pairs, options.minutes)
    stored = _stored(options.out, reranker.revision)
    for name in options.only or SECTIONS:
        began = time.perf_counter()
        tables = SECTIONS[name](bench)
        stored[name] = {
            "date": date.today().isoformat(),
            "commit": commit(),
            "seconds": round(time.perf_counter() - began),
            "tables": [table.json() for table in tables],
        }
        print("\n\n".join(table.markdown() for table in tables), end="\n\n")
        _store(options.out, {"model": options.model or "demo-reranker", "revision": reranker.revision}, stored)


def commit() -> str:
    """The short git commit, with "+" when the working tree differs from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--", "*.py") else "")


def markdown(about: dict[str, str], sections: dict[str, Any]) -> str:
    """All stored tables, each section with its date, commit and time."""
    parts = [f"Model {about['model']}, revision {about['revision']}."]
    for name in SECTIONS:
        if name in sections:
            of = sections[name]
            parts += [from_json(table).markdown() for table in of["tables"]]
            parts.append(f"<sub>{name}: {of['date']}, commit {of['commit']}, {of['seconds']} s on two CPU cores</sub>")
    return "\n\n".join(parts) + "\n"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with candidates.jsonl.gz and the others")
    parser.add_argument("--model", help="a key of MODELS, a folder or a Hub id; default: the bundled reranker")
    parser.add_argument("--pairs", type=int, default=200, help="at most so many pairs a section; a third are passages")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="a section begins no new pair after so many"
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="these sections only")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of results.json and results.md")
    return parser.parse_args(arguments)


def _stored(folder: Path, revision: str) -> dict[str, Any]:
    file = folder / "results.json"
    if not file.exists():
        return {}
    stored: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return stored["sections"] if stored["revision"] == revision else {}


def _store(folder: Path, about: dict[str, str], sections: dict[str, Any]) -> None:
    text = json.dumps({**about, "sections": sections}, indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")
    (folder / "results.md").write_text(markdown(about, sections), encoding="utf-8")


if __name__ == "__main__":
    main()
