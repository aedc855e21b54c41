"""Words -> what the `words` macro prints: one colour and one number a word, the user's text untouched."""

from collections.abc import Sequence
from dataclasses import dataclass

from attribution.numbers import coordinate, number, signed_number
from attribution.types import Segment, Word

MAX_ALPHA = 0.62  # text on a full-strength word keeps a contrast of 4.5 in light and dark
PLAIN_BELOW = 0.04  # of full strength: no colour
UNDERLINE_ABOVE = 0.25
LONG = 600  # characters from which a text scrolls in its box and has a strip
UNSEEN = "the model never read this"
CUT = "cut by the model's limit: only its beginning was read"
STRIP = 1000  # units of the strip's height


@dataclass(frozen=True)
class Shown:
    """One word as a page shows it: white space, the word, white space. `kinds`: its classes; `alpha`: None for plain.

    `key` names the same word on all cards; `value` and `share` (of full strength, in %) are None past the cut; `says`:
    what the limit did to it.
    """

    before: str
    core: str
    after: str
    kinds: str
    alpha: str | None = None
    key: str | None = None
    value: str | None = None
    share: str | None = None
    says: str | None = None


@dataclass(frozen=True)
class Side:
    """What the `side` macro prints. `full`: the number at full strength, None without any; `bar`: its colours."""

    name: Segment
    shown: list[Shown]
    full: str | None
    bar: str
    marks: list[dict[str, str | None]]


def scale_of(words: Sequence[Word]) -> float:
    """Full strength: the largest |attribution| among `words`, in the method's own unit; 1 when all are 0."""
    return max((abs(word.attribution) for word in words if word.attribution is not None), default=0.0) or 1.0


def kind_of(value: float, colours: str) -> str:
    """The colour of a value, by `Method.colours`: "raises" or "lowers" where they are "signed", else one for all."""
    return ("lowers" if value < 0 else "raises") if colours == "signed" else colours


def shown(words: Sequence[Word], scale: float, colours: str = "signed") -> list[Shown]:
    """One segment's words for the `words` macro; the text between its tags is exactly what the user typed."""
    return [_shown(i, word, scale, colours) for i, word in enumerate(words)]


def side_of(words: Sequence[Word], name: Segment, colours: str) -> Side:
    """One side with a scale of its own: query and document are two comparisons, each with its own baseline."""
    scale = scale_of(words)
    every = shown(words, scale, colours)
    full = number(scale) if any(word.attribution for word in words) else None
    return Side(name, every, full, colours, _marks(words, every) if words and words[-1].end > LONG else [])


def _marks(words: Sequence[Word], every: Sequence[Shown]) -> list[dict[str, str | None]]:
    """The strong words, with their places as `y` and `height` of the strip."""
    length, marks = words[-1].end, list[dict[str, str | None]]()
    for of, word in zip(words, every, strict=True):
        if "rl-strong" in word.kinds:
            height = max(6.0, STRIP * (of.end - of.start) / length)
            place = {"y": coordinate(STRIP * of.start / length), "height": coordinate(height)}
            marks.append({"key": word.key, "kind": word.kinds.split()[1], "alpha": word.alpha, **place})
    return marks


def strongest(words: Sequence[Word], n: int = 8) -> list[Word]:
    """The `n` words with the largest |attribution|, strongest first; zeros left out."""
    seen = [word for word in words if word.attribution]
    return sorted(seen, key=lambda word: -abs(word.attribution or 0.0))[:n]


def _shown(i: int, word: Word, scale: float, colours: str) -> Shown:
    core = word.text.strip()
    start = len(word.text) - len(word.text.lstrip())
    before, after = word.text[:start], word.text[start + len(core) :]
    if word.attribution is None:
        return Shown(before, core, after, "rl-unseen", says=UNSEEN)
    strength = min(1.0, abs(word.attribution) / scale)
    kinds, alpha = ["rl-w"], None
    if strength >= PLAIN_BELOW:
        kinds.append(f"rl-{kind_of(word.attribution, colours)}")
        alpha = coordinate(MAX_ALPHA * strength, 2)
        if strength >= UNDERLINE_ABOVE:
            kinds.append("rl-strong")
    if word.cut:
        kinds.append("rl-cut")
    key, value = f"{word.segment[0]}{i}", (signed_number if colours == "signed" else number)(word.attribution)
    share, says = coordinate(100 * strength, 0), CUT if word.cut else None
    return Shown(before, core, after, " ".join(kinds), alpha, key, value, share, says)
