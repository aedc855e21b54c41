"""The figure: how many of the changes that have an effect were noticed, and the survivors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tests.mutants.runs import EQUAL, KILLED, NOT_RUN, SLOW, SURVIVED, Result


def summary(results: Sequence[Result], left_out: Sequence[str], seed: int, seconds: float) -> dict[str, Any]:
    """All that is stored. `left_out`: test files that failed without any change, and therefore judged none."""
    words = (KILLED, SLOW, SURVIVED, EQUAL, NOT_RUN)
    counts = {word: sum(result.outcome == word for result in results) for word in words}
    noticed = counts[KILLED] + counts[SLOW]
    survivors = [result for result in results if result.outcome == SURVIVED]
    return {
        "seed": seed,
        "sites": len(results),
        "counts": counts,
        "killed of those with an effect": round(noticed / max(1, noticed + len(survivors)), 3),
        "seconds": round(seconds),
        "left out": list(left_out),
        "survivors": [{**asdict(r.site), "before": r.before, "after": r.after} for r in survivors],
    }


def markdown(report: dict[str, Any]) -> str:
    """The stored report in a few lines."""
    counts = ", ".join(f"{n} {word}" for word, n in report["counts"].items() if n)
    lines = [
        f"{report['sites']} random places of attribution/ and the pure parts of interface/, seed {report['seed']}: "
        f"{100 * report['killed of those with an effect']:.1f} % of the changes with an effect were noticed "
        f"({counts}), in {report['seconds']} s.",
        *([f"\nLeft out, they fail without any change: {', '.join(report['left out'])}"] if report["left out"] else []),
        "",
        *(f"- {s['file']}:{s['line']}: `{s['before']}` became `{s['after']}`" for s in report["survivors"]),
    ]
    return "\n".join(lines).rstrip() + "\n"
