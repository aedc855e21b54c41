"""Numbers as a page prints them: a real minus sign, no negative zero. Each is a filter of the templates too."""

from __future__ import annotations

MINUS = "\u2212"


def number(value: float, signed: bool = False) -> str:
    """Three significant digits; from 1,000 up to a milliard all of a whole number's."""
    form = ",.0f" if 999.5 <= abs(value) < 1e9 else ".3g"
    return _proper(f"{value:{'+' if signed else ''}{form}}")


def logit(value: float, signed: bool = False) -> str:
    """Two decimals."""
    return _proper(f"{value:+.2f}" if signed else f"{value:.2f}")


def percent(share: float) -> str:
    """A share as a percentage of two significant digits, a whole one from 100 on; without the sign."""
    return _proper(f"{100 * share:.2g}" if share < 0.995 else f"{100 * share:.0f}")


def _proper(text: str) -> str:
    return (text.lstrip("+-") if float(text.replace(",", "")) == 0 else text).replace("-", MINUS)
