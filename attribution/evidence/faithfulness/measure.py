"""Does a method point at the words the score depends on? ERASER's measures (DeYoung et al. 2020, arXiv:1911.03429).

On the raw logit, document words only, always beside random orders of the same words. Words are ranked by what the
method says: signed methods by value, so that what raises the score comes first; unsigned ones by size. The definition
stays the same when the logit is negative or the document lowers the score: then an unsigned method, which cannot tell
raising from lowering, may have a negative comprehensiveness although it points at words that matter.

A passage can also be measured by sentences: the sentence with the largest sum is removed first. Then there are two more
controls that never see the score: the sentences by length, and in reading order.

Cost: 8 sequences for each order of the words, and 2: so 122 for 4 methods, the magnitude control and 10 random orders;
fewer for short documents, where several shares are the same words.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from statistics import fmean, stdev
from typing import Any

from attribution.errors import OptionError, check_key, check_range
from attribution.evidence.faithfulness.scores import Control, Curves, Faithfulness, Margin, Scores, Spread, count_of
from attribution.methods import METHODS
from attribution.methods.gradients import embedding_magnitude
from attribution.removal import OPERATORS, Logits, Present, parts_of, score_kept, word_values
from attribution.rerankers.hooks import Meter, OnPass, metered, with_autograd
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation

FRACTIONS = (0.05, 0.1, 0.2, 0.5)  # of the document's seen words, at least one word each
GRID = (0.0, *FRACTIONS, 1.0)
CONTROL = "embedding_magnitude"  # measured even if not asked for: it never sees the score
BLIND: dict[str, Callable[[Sequence[int]], list[float]]] = {  # of sentences, by how many tokens each has
    "longest first": lambda lengths: [float(n) for n in lengths],
    "first first": lambda lengths: [-float(i) for i in range(len(lengths))],
}
ROUNDING = 1e-4  # logits; smaller differences are not differences


@dataclass
class Known:
    """What was scored so far for one pair, so that a later call for more methods scores only what is new."""

    logits: Logits = field(default_factory=dict)
    seconds: float = 0.0


def max_passes(n_methods: int, n_random: int = 10) -> int:
    """At most so many sequences for `n_methods` explanations; for progress bars and estimates."""
    return 2 * len(FRACTIONS) * (n_methods + 1 + n_random) + 2


def measure(reranker: Reranker, explanations: Mapping[str, Explanation], **options: Any) -> Faithfulness:
    """The last answer of `measure_stream`, in which every method is measured; `options` are that function's."""
    *_, last = measure_stream(reranker, explanations, **options)
    return last


def measure_all(
    reranker: Reranker,
    explanations: Mapping[str, Explanation],
    *,
    operator: str = "mask",
    known: dict[str, Known] | None = None,
    **options: Any,
) -> Faithfulness:
    """`measure` under `operator`, with `others` under every other of `OPERATORS`: a verdict needs them all.

    `known`: by operator, of earlier calls for the same pair; `options` as `measure` takes them.
    """
    check_key("operator", operator, OPERATORS)
    known = {} if known is None else known
    first, *others = (
        measure(reranker, explanations, operator=name, known=known.setdefault(name, Known()), **options)
        for name in sorted(OPERATORS, key=lambda name: name != operator)
    )
    return replace(first, others=tuple(others))


@with_autograd
def measure_stream(
    reranker: Reranker,
    explanations: Mapping[str, Explanation],
    *,
    operator: str = "mask",
    unit: str = "word",
    n_random: int = 10,
    seed: int = 0,
    on_pass: OnPass | None = None,
    known: Known | None = None,
) -> Iterator[Faithfulness]:
    """Comprehensiveness and sufficiency of explanations of one pair, beside `n_random` random orders drawn by `seed`.

    Yields the controls first, then once more after every method. `operator`: a key of `OPERATORS`, how words are
    removed; `unit`: one of `PARTS`, whether words or sentences are. `on_pass` is called before every batch and may
    raise `Stopped`. `known`: what an earlier call has scored for the same pair, operator and unit. No set of words is
    scored twice. Raises `OptionError`. How it is measured: see the module.
    """
    check_key("operator", operator, OPERATORS)
    n_random = check_range("n_random", n_random, 2, 100)
    pair = reranker.encode(*_the_pair(reranker, explanations))
    words = parts_of(pair, unit)
    shuffled = random_orders(len(words), n_random, seed)
    magnitude = embedding_magnitude(reranker, pair).values.tolist()
    orders = {CONTROL: _order(word_values(magnitude, words), shuffled[0])}
    orders |= {key: _order(ranked_by(e, words), shuffled[0]) for key, e in explanations.items()}
    lengths = [len(positions) for positions in words]
    blind = {name: _order(rank(lengths), shuffled[0]) for name, rank in BLIND.items() if unit == "sentence"}

    meter, known = Meter(on_pass), known or Known()
    logits = known.logits
    done: dict[str, Scores] = {}
    for key, order in orders.items():
        began = time.perf_counter()
        rivals = [*shuffled, *blind.values()] if key == CONTROL else []
        wanted = [left for o in [*rivals, order] for left in chain(*_sets(o))]
        with metered(meter):  # left before the yield: the caller's passes are not ours
            logits |= score_kept(reranker, pair, words, (left for left in wanted if left not in logits), operator)
        control = _control([_curves(o, logits) for o in shuffled])
        done[key] = judge(_curves(order, logits), control, done.get(CONTROL))
        known.seconds += time.perf_counter() - began
        yield Faithfulness(
            operator=operator,
            fractions=FRACTIONS,
            logit=logits[frozenset(range(len(words)))],
            methods=dict(done),
            random=control,
            n_words=len(words),
            n_forward=len(logits),
            seconds=known.seconds,
            unit=unit,
            blind={name: _curves(o, logits) for name, o in blind.items()},
        )


def random_orders(n_words: int, n_random: int, seed: int) -> list[list[int]]:
    """`n_random` random orders of the words; the same for the same seed."""
    shuffle = random.Random(seed)
    return [shuffle.sample(range(n_words), n_words) for _ in range(n_random)]


def ranked_by(explanation: Explanation, words: Sequence[Sequence[int]]) -> list[float]:
    """What ranks the words: the signed value where the method has a sign, else the size."""
    values = word_values(explanation.attributions, words)
    return values if METHODS[explanation.method].signed else [abs(value) for value in values]


def _the_pair(reranker: Reranker, explanations: Mapping[str, Explanation]) -> tuple[str, str]:
    """The query and document of all explanations. Raises `OptionError` when they differ, or are of another model."""
    if not explanations:
        raise OptionError("There is no explanation to measure. Give at least one.")
    sources = {(e.model_id, e.revision, e.query, e.document) for e in explanations.values()}
    model_id, revision, query, document = next(iter(sources))
    if len(sources) > 1 or (model_id, revision) != (reranker.model_id, reranker.revision):
        raise OptionError(
            "The explanations are of different pairs or models. Give explanations of one pair by this model."
        )
    return query, document


def _order(values: Sequence[float], ties: Sequence[int]) -> list[int]:
    """Words, largest value first. Equal values keep the random order `ties`: a constant says no more than chance."""
    return sorted(ties, key=lambda word: -values[word])


def _sets(order: Sequence[int]) -> tuple[list[Present], list[Present]]:
    """For each share of `GRID` what is left without the first words, and the first words alone."""
    counts = [count_of(share, len(order)) for share in GRID]
    return [frozenset(order[n:]) for n in counts], [frozenset(order[:n]) for n in counts]


def _curves(order: Sequence[int], logits: Logits) -> Curves:
    deletion, insertion = (tuple(logits[left] for left in sets) for sets in _sets(order))
    comprehensiveness, sufficiency = (deletion[0] - fmean(curve[1:-1]) for curve in (deletion, insertion))
    return Curves(comprehensiveness, sufficiency, deletion, insertion, order=tuple(order))


def _control(orders: Sequence[Curves]) -> Control:
    comprehensiveness = [curves.comprehensiveness for curves in orders]
    sufficiency = [curves.sufficiency for curves in orders]
    return Control(_spread(comprehensiveness), _spread(sufficiency), tuple(orders))


def _spread(values: Sequence[float]) -> Spread:
    return Spread(fmean(values), stdev(values), tuple(values))


def judge(curves: Curves, control: Control, magnitude: Curves | None) -> Scores:
    """A method's `curves` beside the random orders, `control`, and beside embedding magnitude's, `magnitude`.

    `magnitude` is None where that other control itself is judged.
    """
    value = curves.comprehensiveness
    reach = max(ROUNDING, 2 * control.comprehensiveness.std)
    return Scores(
        **vars(curves),
        over_random=Margin(value - control.comprehensiveness.mean, reach),
        over_control=Margin(value - magnitude.comprehensiveness, reach) if magnitude else None,
        n_beaten=sum(rival.comprehensiveness < value - ROUNDING for rival in control.orders),
        n_random=len(control.orders),
    )
