"""Peak memory to equal error, ours beside peers; `python -m benchmarks.memory JOB N` is one job in its own process."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Mapping

from attribution import load_reranker
from attribution.methods.path import along_path
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from benchmarks.accuracy import RULES
from benchmarks.clock import Job
from benchmarks.peers import captum_layer, shap_text
from benchmarks.plain_model import forward, pair_of
from benchmarks.report import Cell, Table
from benchmarks.serve import ROOT

TOKENS = 256
CAPTUM, SHAP = "Captum LayerIntegratedGradients, one batch", "shap's text explainer, document only"


def compare(nodes: Mapping[tuple[str, str], int | None]) -> Table:
    """Each rule, and Captum's own layer method, with the `nodes` it needs for an error: `{(rule, goal): nodes}`."""
    jobs = [(rule, goal, n) for (rule, goal), n in nodes.items() if n]
    jobs += [(CAPTUM, goal, n) for rule, goal, n in jobs if rule == "Captum's rule"]
    rows: list[dict[str, Cell]] = []
    for what, goal, n in [*jobs, (SHAP, "its defaults", 0)]:
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", what, str(n)], cwd=ROOT, capture_output=True, text=True
        )
        taken = int(run.stdout.split()[-1]) if run.returncode == 0 else None
        rows.append({"what": what, "goal": goal, "nodes": n or None, "MB beyond the loaded model": taken})
    says = (
        f"A pair of {TOKENS} tokens, its document's path; what the job adds to the peak of a process that has loaded "
        "the model and scored once. Our rules go in batches of about 2,048 tokens. –: it crashed, or is not installed."
    )
    return Table("Memory to equal error", says, rows)


def job(what: str, n: int, reranker: Reranker, pair: TokenizedPair) -> Job:
    """What to run for a row."""
    if what == SHAP:
        return shap_text(reranker, pair)
    if what == CAPTUM:
        return captum_layer(reranker, pair, n)
    start = reranker.baselines(pair, reranker.default_baseline)
    path = along_path(reranker, pair, reranker.embed(pair), start)
    return lambda: RULES[what][0](path, n)


def peak() -> int:
    """MB of this process's largest resident set so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Run the job of `JOB N` and print what it added to the peak, in MB."""
    reranker = load_reranker(device="cpu")
    pair = pair_of(reranker, TOKENS)
    run = job(sys.argv[1], int(sys.argv[2]), reranker, pair)
    forward(reranker, pair)
    before = peak()
    run()
    print(peak() - before)


if __name__ == "__main__":
    main()
