"""What does a reranker read, over a set: `python -m benchmarks.probes --data FOLDER [--model ID]...`.

Questions of SelQA's dev split and claims of SciFact, each with a relevant text of 15 to 35
words; the data are named in the model card. Writes `probes.json` and prints the table.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
from pathlib import Path

from tqdm import tqdm

from attribution import load_reranker
from attribution.evidence.probe_set import ProbeShare, probe_set
from attribution.evidence.probe_table import PROBES
from benchmarks.data import read_pairs
from benchmarks.run import commit

RESULTS = Path(__file__).parent / "probes.json"


def main() -> None:
    """Measure, store, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with candidates.jsonl.gz and scifact_*")
    parser.add_argument("--model", action="append", default=[], help="key of MODELS, folder or Hub id; repeatable")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pairs = read_pairs(args.data, args.pairs, args.seed)
    tables: dict[str, dict[str, ProbeShare]] = {}
    revisions: dict[str, str] = {}
    wanted: list[str | None] = args.model or [None]
    for model in wanted:
        reranker = load_reranker(model)
        with tqdm(total=len(pairs), desc=reranker.model_id) as bar:
            shares = probe_set(
                reranker,
                [(p.query, p.document) for p in pairs],
                seed=args.seed,
                on_pair=lambda *_, bar=bar: bar.update(),
            )
        tables[reranker.model_id], revisions[reranker.model_id] = shares, reranker.revision
    results = {
        "measured": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "commit": commit(),
        "pairs": len(pairs),
        "seed": args.seed,
        "revisions": revisions,
        "shares": {model: [dataclasses.asdict(s) for s in shares.values()] for model, shares in tables.items()},
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(probes_markdown(tables))


def probes_markdown(tables: dict[str, dict[str, ProbeShare]]) -> str:
    """Model by probe: share held with its interval, of how many pairs."""
    models = list(tables)
    head = f"| probe | the score should | {' | '.join(models)} |"
    lines = [head, "| --- " * (2 + len(models)) + "|"]
    for key, probe in PROBES.items():
        cells = [_cell(tables[model][key]) for model in models if key in tables[model]]
        if cells:
            lines.append(f"| {probe.label} | {probe.expects} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(share: ProbeShare) -> str:
    if share.held is None or share.low is None or share.high is None:
        return "\u2013"
    return f"{100 * share.held:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}] of {share.n}"


if __name__ == "__main__":
    main()
