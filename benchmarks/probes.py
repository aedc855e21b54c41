"""What does a reranker read, over a set: `python -m benchmarks.probes --data FOLDER [--model ID]...`.

On the pairs of `benchmarks.data`, a third of them passages; the data are named in the model card. Writes `probes.json`
and prints the table.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

from tqdm import tqdm

from attribution.batch.probing import from_json, probe_models, probes_json, probes_markdown
from benchmarks.data import read_pairs
from benchmarks.run import commit

RESULTS = Path(__file__).parent / "probes.json"


def main() -> None:
    """Measure, store, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with candidates.jsonl.gz and scifact_*")
    parser.add_argument("--model", action="append", help="key of MODELS, folder or Hub id; repeatable")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pairs = [(pair.query, pair.document) for pair in read_pairs(args.data, args.pairs, args.seed)]
    models: list[str | None] = args.model or [None]
    with tqdm(total=len(models) * len(pairs)) as bar:
        table, revisions = probe_models(models, pairs, args.seed, on_pair=lambda *_: bar.update())
    about = {"measured": date.today().isoformat(), "commit": commit()}
    results = {**about, **probes_json(table, revisions, len(pairs), args.seed)}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(probes_markdown(table))


def stored() -> dict[str, Any]:
    """What the last run stored."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def summary(results: dict[str, Any]) -> str:
    """README's table, and when and on what it was measured."""
    of = ", ".join(f"{model} {revision}" for model, revision in results["revisions"].items())
    measured = f"Measured {results['measured']} at commit {results['commit']}, {results['pairs']} pairs, {of}."
    return f"{measured}\n\n{probes_markdown(from_json(results))}"


if __name__ == "__main__":
    main()
