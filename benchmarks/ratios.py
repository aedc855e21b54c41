"""Did a ratio get worse? python -m benchmarks.ratios OLD.json NEW.json: every ratio, share and gain, and how it moved.

Exit status 1 when one is more than 20 % worse. Ratios are better small, shares and gains large; times are not compared,
since the two runs may stand on different machines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

WORSE = 1.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line a number; those that got worse are marked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    options = parser.parse_args(arguments)
    old, new = (dict(numbers(json.loads(path.read_text(encoding="utf-8")))) for path in (options.old, options.new))
    worse = 0
    for key in old.keys() & new.keys():
        change = worsening(key, old[key], new[key])
        worse += change > WORSE
        mark = "WORSE " if change > WORSE else "better" if change < 1 / WORSE else "      "
        print(f"{mark} {' / '.join(key)}: {old[key]:.3g} -> {new[key]:.3g}")
    for key in sorted(old.keys() ^ new.keys()):
        print(f"only in the {'old' if key in old else 'new'}: {' / '.join(key)}")
    print(f"{worse} of {len(old.keys() & new.keys())} are more than {100 * (WORSE - 1):.0f} % worse.")
    return int(worse > 0)


def numbers(results: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], float]]:
    """(title, what names the row, column) -> number, of all columns that hold a ratio, a share or a gain."""
    for section in results["sections"].values():
        for table in section["tables"]:
            for row in table["rows"]:
                name = [str(row[column]) for column in row if column in NAMES]
                for column, value in row.items():
                    if column.split()[0] in KINDS and value is not None:
                        yield (table["title"], *name, column), float(value)


NAMES = ("model", "tokens", "job", "what", "goal", "sets scored")  # columns that say what a row is of
KINDS = ("ratio", "share", "gain")


def worsening(key: Sequence[str], old: float, new: float) -> float:
    """How many times worse, below 1 when it got better."""
    return new / old if key[-1].split()[0] == "ratio" else old / new


if __name__ == "__main__":
    sys.exit(main())
