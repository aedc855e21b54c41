"""Numbers as they are printed, on a page, in a file and in a terminal: a real minus sign, no negative zero.

What is no number says so: `_shown` is the one place where a float becomes text. Each is a filter of the templates too.
"""

import math

MINUS = "\u2212"


def number(value: float) -> str:
    """Three significant digits; from 1,000 up to a billion the whole number."""
    return _shown(value, _digits(value))


def signed_number(value: float) -> str:
    """As `number`, with a plus sign."""
    return _shown(value, f"+{_digits(value)}")


def logit(value: float) -> str:
    """Two decimals and the sign."""
    return signed_fixed(value, 2)


def fall(before: float, after: float) -> str:
    """That the first logit falls to the second, also where both are printed alike."""
    was, now = logit(before), logit(after)
    return f"falls from {was} to {now}" if was != now else f"falls by less than 0.01, from {was}"


def percent(share: float) -> str:
    """A share as a percentage of two significant digits, a whole one from 100 on; without the sign."""
    return _shown(100 * share, ".2g" if share < 0.995 else ".0f")


def fixed(value: float, decimals: int = 1) -> str:
    """So many decimals."""
    return _shown(value, f".{decimals}f")


def signed_fixed(value: float, decimals: int) -> str:
    """As `fixed`, with a plus sign."""
    return _shown(value, f"+.{decimals}f")


def coordinate(value: float, decimals: int = 1) -> str:
    """As `fixed`, with the minus sign that SVG and CSS read."""
    return fixed(value, decimals).replace(MINUS, "-")


def counted(n: int, noun: str) -> str:
    """So many of them: "1 query", "2 queries"."""
    several = f"{noun[:-1]}ie" if noun.endswith("y") else f"{noun}e" if noun.endswith("s") else noun
    return f"{n:,} {noun if n == 1 else several + 's'}"


def exact(value: float) -> str:
    """Six significant digits and an ordinary minus sign, for programs."""
    return _shown(value, ".6g").replace(MINUS, "-")


def _digits(value: float) -> str:
    return ",.0f" if 999.5 <= abs(value) < 1e9 else ".3g"


def _shown(value: float, form: str) -> str:
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinity" if value > 0 else f"{MINUS}infinity"
    text = f"{value:{form}}"
    return (text.lstrip("+-") if float(text.replace(",", "")) == 0 else text).replace("-", MINUS)
