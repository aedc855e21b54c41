"""What does this model read? Edits whose right effect is known, each beside edits of the same size that mean nothing.

The idea is the diagnostic axioms of retrieval research (MacAvaney et al. 2022, arXiv:2011.00696; Rennings et al. 2019,
doi:10.1007/978-3-030-15712-8_32). A change counts only where it leaves the control: the 95 % prediction interval of
one more change, from random neutral words of the same text masked, and at least `FLOOR` to either side. To add a
probe: one function in `edits.py` and one row of `PROBES`. Each draws from a seed of its own: what it finds does not
depend on which others are asked for.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from attribution.errors import OptionError, check_key, check_seed, plain_texts, shown
from attribution.evidence.probes.edits import Edit, unrelated_document
from attribution.evidence.probes.table import CLEAR, FLOOR, PROBES, Expectation, Verdict
from attribution.evidence.probes.wording import is_english, is_neutral
from attribution.removal import score_kept
from attribution.rerankers.hooks import Meter, OnPass, metered
from attribution.rerankers.reranker import Reranker, check_reranker
from attribution.words import read_units

MAX_PASSES = 60  # of all probes on one pair
N_CONTROL = 5  # masks of each size
SIZES = (1, 4, 16)  # words masked; an edit stands beside the smallest that covers it
SHARE = 4  # at most a quarter of the text is masked: more is no longer an edit that means little
T_95 = 2.776  # Student's t, 97.5 %, N_CONTROL - 1 = 4 degrees of freedom
NOT_ENGLISH = "Not for this language: the probe is made for English."
ROUNDING = 1e-4  # logits; smaller differences are none


@dataclass(frozen=True)
class Control:
    """Changes, in logits, when `size` random neutral words are masked.

    `low` to `high`: the 95 % prediction interval of one more such change, and at least -`FLOOR` to `FLOOR`.
    """

    size: int
    changes: tuple[float, ...]
    low: float
    high: float

    def holds(self, change: float) -> bool:
        """Whether `change`, in logits, lies within, as that of an edit without a meaning would."""
        return self.low - ROUNDING <= change <= self.high + ROUNDING


@dataclass(frozen=True)
class Variant:
    """One edited pair. `change`: its logit minus the base's, in logits. `truncated`: not all of it was read.

    `outcome`: what this edit alone says.
    """

    query: str
    document: str
    says: str
    logit: float
    change: float
    control: Control
    outcome: Verdict
    truncated: bool


@dataclass(frozen=True)
class ProbeResult:
    """What one probe found. `document` and its `logit`: unedited; an unrelated one for probes that expect "not rise".

    `change`: of the edit that decides, see `conclude`. Where the texts offer nothing to edit it is None, `verdict` is
    "does not apply", and `note` says why.
    """

    probe: str
    query: str
    document: str
    logit: float
    variants: tuple[Variant, ...]
    change: float | None
    verdict: Verdict
    note: str | None


def probe(
    reranker: Reranker,
    query: str,
    document: str,
    probes: Sequence[str] | None = None,
    seed: int = 0,
    *,
    on_pass: OnPass | None = None,
) -> tuple[ProbeResult, ...]:
    """Run `probes` (keys of `PROBES`, None: all) on a pair; the same edits for the same `seed`.

    At most 60 forwards for all probes. `on_pass` hears of every batch and may raise `Stopped`. Raises `OptionError`
    for an unknown probe or seed, `InputError` for texts the model cannot read.
    """
    check_reranker(reranker)
    query, document = plain_texts(query=query, document=document)
    seed = check_seed(seed)
    chosen = check_probes(probes)
    unrelated = unrelated_document(query)
    bases = {key: unrelated if PROBES[key].expects == "not rise" else document for key in chosen}
    readable = [key for key in chosen if is_english(document) or not PROBES[key].english]
    edited = {key: PROBES[key].edit(query, bases[key], random.Random(f"{seed} {key}")) for key in readable}
    pairs = [(query, document), *((query, base) for base in bases.values())]
    pairs += [(edit.query, edit.document) for found in edited.values() for edit in found]
    with metered(Meter(on_pass)):
        logits = _score(reranker, pairs)
        sizes = {(bases[key], _bucket(edit.size)) for key, found in edited.items() for edit in found}
        controls = {key: _control(reranker, query, *key, seed, logits[query, key[0]]) for key in sorted(sizes)}
    cut = {pair: reranker.encode(*pair).truncated for pair in logits}
    return tuple(_result(key, query, bases[key], edited.get(key), logits, controls, cut) for key in chosen)


def check_probes(probes: Sequence[str] | None) -> list[str]:
    """The probes to run, in the table's order. Raises `OptionError`."""
    if isinstance(probes, str | bytes) or not (probes is None or isinstance(probes, Iterable)):
        raise OptionError(f"probes is {shown(probes)}; it must be a list of keys, or None. Valid: {', '.join(PROBES)}.")
    given = [*(PROBES if probes is None else probes)]
    for key in given:
        check_key("probe", key, PROBES)
    chosen = [key for key in PROBES if key in given]
    if not chosen:
        raise OptionError(f"No probe is chosen. Valid: {', '.join(PROBES)}.")
    return chosen


def _score(reranker: Reranker, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """Each distinct pair once, the pairs of one query in one go."""
    documents: dict[str, dict[str, None]] = {}
    for query, document in pairs:
        documents.setdefault(query, {})[document] = None
    return {
        (query, document): logit
        for query, texts in documents.items()
        for document, logit in zip(texts, reranker.score(query, list(texts)), strict=True)
    }


def _bucket(size: int) -> int:
    return next((bucket for bucket in SIZES if bucket >= size), SIZES[-1])


def _control(reranker: Reranker, query: str, document: str, size: int, seed: int, logit: float) -> Control:
    """Random neutral words of the document masked, `size` of them, at most a `SHARE`-th of its words."""
    pair = reranker.encode(query, document)
    units = read_units(pair, "document")
    neutral = [i for i, unit in enumerate(units) if is_neutral(unit.text.strip(), query)] or list(range(len(units)))
    n_words = sum(any(map(str.isalnum, unit.text)) for unit in units)  # a full stop is a unit, but no word
    size = max(1, min(size, len(neutral), n_words // SHARE))
    rand = random.Random(f"{seed} {size}")
    everything = frozenset(range(len(units)))
    kept = [everything - frozenset(rand.sample(neutral, size)) for _ in range(N_CONTROL)]
    masked = score_kept(reranker, pair, [unit.positions for unit in units], kept)
    changes = tuple(masked[left] - logit for left in kept)
    mean = fmean(changes)
    reach = T_95 * stdev(changes) * (1 + 1 / N_CONTROL) ** 0.5
    return Control(size, changes, min(-FLOOR, mean - reach), max(FLOOR, mean + reach))


def _result(
    key: str,
    query: str,
    base: str,
    edited: Sequence[Edit] | None,  # None: not for this language
    logits: Mapping[tuple[str, str], float],
    controls: Mapping[tuple[str, int], Control],
    cut: Mapping[tuple[str, str], bool],
) -> ProbeResult:
    logit = logits[query, base]
    if not edited:
        needs = f"Does not apply: it needs {PROBES[key].needs}."
        note = NOT_ENGLISH if edited is None else needs
        return ProbeResult(key, query, base, logit, (), None, "does not apply", note)
    expects = PROBES[key].expects
    variants = []
    for edit in edited:
        pair, control = (edit.query, edit.document), controls[base, _bucket(edit.size)]
        change = logits[pair] - logit
        outcome = outcome_of(expects, change, control)
        variants.append(Variant(*pair, edit.says, logits[pair], change, control, outcome, cut[pair]))
    change, verdict = conclude(expects, variants)
    return ProbeResult(key, query, base, logit, tuple(variants), change, verdict, None)


def outcome_of(expects: Expectation, change: float, control: Control) -> Verdict:
    """What `change`, in logits, says beside its control, in which 0 always lies."""
    if not control.holds(change):
        if expects == "move":
            return "moved"
        return "did not hold" if change > 0 or expects == "stay" else "held"
    if (change if expects == "not rise" else abs(change)) > CLEAR:
        return "too noisy to tell"
    return "held" if expects in ("stay", "not rise") else "no clear effect"


def conclude(expects: Expectation, variants: Sequence[Variant]) -> tuple[float, Verdict]:
    """The change and the verdict that stand for all edits: those of the largest change that did not hold, or moved.

    Where there is none: of the mean change beside the mean control if the score should fall, else of the largest one.
    """
    clear = [variant for variant in variants if variant.outcome in ("did not hold", "moved")]
    if clear or expects != "fall":
        most = max(clear or variants, key=lambda v: v.change if expects == "not rise" else abs(v.change))
        return most.change, most.outcome
    change = fmean(variant.change for variant in variants)
    low, high = (fmean(getattr(variant.control, end) for variant in variants) for end in ("low", "high"))
    return change, outcome_of(expects, change, Control(0, (), low, high))
