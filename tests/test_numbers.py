"""Every printed number is made in one room, which says so where it is none."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import pytest

from attribution.numbers import coordinate, counted, exact, fixed, logit, number, percent, signed_fixed, signed_number
from attribution.views.templating import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[1]
PRINTING = [ROOT / "app.py", *ROOT.glob("attribution/**/*.py"), *ROOT.glob("interface/**/*.py")]
TEMPLATES = sorted(ROOT.glob("attribution/views/templates/*"))


@pytest.mark.parametrize("printed", [number, signed_number, logit, percent, fixed, coordinate, exact])
def test_what_is_no_number_says_so(printed: object) -> None:
    assert callable(printed)
    assert printed(math.nan) == "not a number"
    assert printed(math.inf) == "infinity"
    assert printed(-math.inf) in ("\u2212infinity", "-infinity")


def test_numbers_by_hand() -> None:
    assert [fixed(x) for x in (1.25, -0.04, -1.26)] == ["1.2", "0.0", "\u22121.3"]
    assert (fixed(0.126, 2), signed_fixed(0.126, 2)) == ("0.13", "+0.13")
    assert [coordinate(x) for x in (-1.26, 0.0)] == ["-1.3", "0.0"]
    assert [exact(x) for x in (-1234567.0, 0.1234567, 0.0)] == ["-1.23457e+06", "0.123457", "0"]
    assert [number(x) for x in (1234.5, 0.001234, -0.0)] == ["1,234", "0.00123", "0"]
    assert [number(x) for x in (999.4, 999.5, 999_999_999.0, 1e9)] == ["999", "1,000", "999,999,999", "1e+09"]
    assert [logit(x) for x in (0.0, -0.004, 2.0)] == ["0.00", "0.00", "+2.00"]
    assert [counted(n, "query") for n in (0, 1, 1234)] == ["0 queries", "1 query", "1,234 queries"]
    assert [counted(n, "forward pass") for n in (1, 2)] == ["1 forward pass", "2 forward passes"]
    assert [percent(x) for x in (0.00123, 0.87, 0.994, 0.995, 1.0, 1.5)] == ["0.12", "87", "99", "100", "100", "150"]


def formats(path: Path) -> list[str]:
    """Formatted floats in f-strings, but for a clock's seconds, which are always finite."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for part, after in zip(parts, [*parts[1:], None], strict=False):
            if isinstance(part, ast.FormattedValue) and isinstance(part.format_spec, ast.JoinedStr):
                spec = "".join(str(piece.value) for piece in part.format_spec.values if isinstance(piece, ast.Constant))
                seconds = isinstance(after, ast.Constant) and re.match(r" s(econds)?\b", str(after.value))
                if re.search(r"[efg%]$", spec) and not seconds:
                    found.append(ast.unparse(part.value))
    return found


def test_no_number_is_printed_past_the_check() -> None:
    past = {path.name: formats(path) for path in PRINTING if path.name != "numbers.py"}
    assert {name: found for name, found in past.items() if found} == {}
    assert [path.name for path in TEMPLATES if re.search(r"\bformat\(", path.read_text())] == ["score.html"]
    assert {"number", "logit", "percent", "fixed"} <= set(ENVIRONMENT.filters)


def test_the_check_of_this_file_finds_what_it_looks_for(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text('a = f"{x:.2f} logits, {y:,} passes"\nb = f"{seconds:.1f} s"\nc = f"{z:+.3g}"')
    assert formats(tmp_path / "page.py") == ["x", "z"]
