"""A numbered or bulleted list, or one quoted in an e-mail, without its marks: all of them, or none."""

import re
from collections.abc import Sequence
from string import ascii_lowercase

BULLET = "[-+*\u2022\u2013\u2014\u2023\u25e6\u00b7\u25cf\u25cb\u25aa\u25a0\u27a4\u25ba\u2043\u2219\u2192\u2713\u2714"
BULLET += "\uf0a7\uf0b7\uf0d8]"  # those of Word's own fonts
WORDS = r"[o\u00a7](?=\s{2}|\t)"  # Word's, and Outlook's; with one blank they may be of the text
ORDINAL = r"\d{1,3}|[a-z]{1,5}|[IVX]{1,5}|[A-Z](?=\))"  # A. may be a name's
MARK = r"(?(bold)((?P=bold)[.)]|[.)](?P=bold))|\\?[.)]-?)"
NUMBER = rf"(?P<bold>\*\*|__)?\(?(?P<number>{ORDINAL}){MARK}"
CITED = r"\[(?P<cited>\d{1,3})\]|#(?P<hashed>\d{1,3})[.:)]?"
MARKER = re.compile(rf"(?P<indent>\s*)({BULLET}(\s+\[[ xX]\])?|{WORDS}|{NUMBER}|{CITED})\s+(?=\S)")
ROMAN = ["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"]
SERIES = [[*ascii_lowercase], [ten + one for ten in ("", "x", "xx") for one in ROMAN][1:]]
QUOTED = re.compile(r"^((> )+|(> )*>$)", re.MULTILINE)


def unquoted(text: str) -> str:
    """The text without the `> ` that an e-mail has before each line of another; as it is where a line has none."""
    return QUOTED.sub("", text) if all(QUOTED.match(line) for line in text.split("\n") if line.strip()) else text


def items(parts: Sequence[str]) -> list[str]:
    """The items of a numbered or bulleted list, each with its indented lines; empty where `parts` are none.

    Bullets may be of several kinds; a number or letter that does not follow the one before it is part of a text.
    """
    first = MARKER.match(parts[0]) if parts else None
    if not first:
        return []
    begin, found = _numeral(first), list[str]()
    series = next((one for one in SERIES if begin.lower() == one[0]), [])
    for part in parts:
        marker = MARKER.match(part)
        if marker and len(marker["indent"]) <= len(first["indent"]):
            number, n = _numeral(marker), len(found)
            follows = number == begin == ""
            if begin.isdigit():
                follows = number.isdigit() and int(number) - int(begin) in (0, n)
            elif begin and n < len(series):
                follows = number == (series[n].upper() if begin.isupper() else series[n])
            if not follows:
                return []
            found.append(part[marker.end() :])
        elif found and part[:1].isspace():
            found[-1] += f"\n{part.strip()}"
        else:
            return []
    return found if len(found) > 1 else []


def _numeral(marker: re.Match[str]) -> str:
    return marker["number"] or marker["cited"] or marker["hashed"] or ""
