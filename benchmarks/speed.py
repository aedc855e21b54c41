"""Yardsticks of speed: python -m benchmarks.speed [--only NAME ...] [--rounds N] [--passages N] [--minutes M]

Prints the tables and stores them as speed.json and speed.md. Peers are optional: the row of one that is not installed,
or that crashes, says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

from attribution import load_reranker
from attribution.rerankers.reranker import Reranker
from benchmarks import accuracy, app_cost, lengths, limit, memory, page_cost, peers
from benchmarks.report import Table, from_json
from benchmarks.run import HERE, commit

FLOOD = 1000  # passages scored against one query
SECTIONS: dict[str, Callable[[Reranker, argparse.Namespace], list[Table]]] = {  # of a model and the options
    "limit": lambda reranker, of: limit.run(reranker, of.rounds),
    "peers": lambda reranker, of: [peers.compare(reranker, peers.pairs_of(reranker), of.rounds)],
    "lengths": lambda reranker, of: [lengths.against_captum(reranker, of.passages, of.minutes)],
    "page": lambda reranker, of: page_cost.run(reranker, of.rounds),
    "accuracy": lambda reranker, of: to_equal_error(reranker, of.rounds),
    "shapley": lambda reranker, _: [peers.shapley_errors(reranker), peers.shapley_time(reranker)],
    "scale": lambda reranker, of: [
        app_cost.flood(reranker, FLOOD, of.rounds),
        app_cost.documents(reranker, of.rounds),
    ],
    "busy": lambda reranker, of: [app_cost.busy(reranker, of.rounds)],
    "start": lambda *_: [app_cost.start_up(), app_cost.peak_memory()],
}


def to_equal_error(reranker: Reranker, rounds: int) -> list[Table]:
    """Time and nodes that an error takes, then the memory of those nodes."""
    tables = accuracy.run(reranker, lengths.passages(reranker, 3, (40, 100)), rounds)
    nodes = {(str(row["what"]), str(row["goal"])): row["nodes: median"] for row in tables[0].rows}
    return [*tables, memory.compare({key: int(str(n)) if n else None for key, n in nodes.items()})]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sections one after the other, print and store their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="these sections only; the stored others are kept")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each job, in turns; the median is told")
    parser.add_argument("--passages", type=int, default=lengths.PASSAGES, help="of many lengths, against Captum's")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="for those passages; no new one after so many"
    )
    parser.add_argument("--out", type=Path, default=HERE, help="folder of speed.json and speed.md")
    options = parser.parse_args(arguments)
    reranker = load_reranker(device="cpu")
    file = options.out / "speed.json"
    stored = json.loads(file.read_text(encoding="utf-8"))["sections"] if file.exists() else {}
    for name in options.only or SECTIONS:
        busy = os.getloadavg()[0]
        tables = SECTIONS[name](reranker, options)
        stored[name] = {**machine(busy), "tables": [table.json() for table in tables]}
        print("\n\n".join(table.markdown() for table in tables), end="\n\n", flush=True)
        file.write_text(json.dumps({"sections": stored}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (options.out / "speed.md").write_text(markdown(stored), encoding="utf-8")


def machine(busy: float) -> dict[str, Any]:
    """When, on what, and how many processes already ran there when the section began."""
    return {
        "date": date.today().isoformat(),
        "commit": commit(),
        "machine": f"{os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, {platform.machine()}",
        "threads": torch.get_num_threads(),
        "load before": round(busy, 1),
    }


def markdown(sections: dict[str, Any]) -> str:
    """All stored tables, each section with its date, commit and machine."""
    parts = ["# Speed"]
    for name in SECTIONS:
        if name in sections:
            of = sections[name]
            parts += [from_json(table).markdown() for table in of["tables"]]
            parts.append(
                f"<sub>{name}: {of['date']}, commit {of['commit']}, {of['machine']}, {of['threads']} threads, load "
                f"{of['load before']} before it began (0 is a quiet machine)</sub>"
            )
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
