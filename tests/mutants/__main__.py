"""Which small faults would no test notice? `make mutants`, or python -m tests.mutants [--sites N] [--seed N].

Cosmic Ray's operators change one place of a random sample of places; the tests that exercise the module run on the
changed copy, the quickest first, until one fails. Survivors are listed with file and line, and stored beside the
benchmarks. A fork of this process, with the large libraries already imported, runs each; no browser is needed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

from tests.mutants.report import markdown, summary
from tests.mutants.runs import run_all
from tests.mutants.sites import ROOT, sample

STORED = ROOT / "benchmarks" / "mutants"


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the sites, run them, print survivors, store the figure."""
    options = _parse(arguments)
    began = time.monotonic()
    sites = sample(options.sites, options.seed, options.only)
    results, left_out = run_all(sites, options.workers, began + 60 * options.minutes)
    report = summary(results, left_out, options.seed, time.monotonic() - began)
    print(markdown(report))
    if options.store:
        STORED.with_suffix(".json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
        STORED.with_suffix(".md").write_text(markdown(report), "utf-8")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=18, help="no change is begun after that (default: 18)")
    parser.add_argument("--only", default="", help="files whose path holds this")
    parser.add_argument("--no-store", dest="store", action="store_false", help="leave benchmarks/ as it is")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
