"""What each sentence of a document does to the score: without it, with it alone, and its share. By forwards only."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from statistics import fmean, stdev
from typing import Any

import torch

from attribution.errors import check_seed
from attribution.methods.perturbation import balanced_orders, exact_shapley, order_effects
from attribution.numbers import fall, logit
from attribution.removal import Logits, Play, Present, game
from attribution.rerankers.hooks import Meter, OnPass, metered
from attribution.rerankers.reranker import Reranker, check_reranker
from attribution.types import Result
from attribution.words import pieces, sentence_units, units_by_sentence

MAX_EXACT = 6  # sentences; their 64 subsets are all scored
MANY = 12  # sentences; beyond, half as many orders
N_ORDERS = 16  # half of them the reverse of the others: at most 112 sets more for ten sentences


@dataclass(frozen=True)
class Sentence:
    """One sentence of the document, with the white space behind it; numbers in logits, None where nothing was read.

    `without`: what the logit falls by when it goes. `alone`: the logit when only it stays. `share`: its Shapley value,
    with the standard `error`, 0 where it is exact; None until it is known. `cut`: the model's limit cut some of it off.
    `n_words`: how many words it has, as `to_words` counts them.
    """

    text: str
    start: int
    end: int
    cut: bool
    without: float | None = None
    alone: float | None = None
    share: float | None = None
    error: float | None = None
    n_words: int = field(kw_only=True)

    @property
    def read(self) -> bool:
        """Whether the model read any of it."""
        return self.without is not None


@dataclass(frozen=True)
class Sentences(Result):
    """`logit` - `empty_logit` = the sum of the shares + `remainder`, which is rounding; all in logits.

    `empty_logit`: with none of the document's words left. `sentences`: joined, they are the document; `n_pieces`: how
    many there were before neighbours were put together. `n_orders`: the shares are means over so many orders, or exact
    for 0. `remainder` is None until the shares are known. `notes`: what to know of the model.
    """

    document: str
    operator: str
    logit: float
    empty_logit: float
    sentences: tuple[Sentence, ...]
    n_orders: int
    remainder: float | None
    n_pieces: int
    truncated: bool
    n_forward: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def unread(self) -> tuple[int, ...]:
        """The numbers, from 1, of the sentences that lie behind the model's limit or have nothing it can read."""
        return tuple(i for i, sentence in enumerate(self.sentences, start=1) if not sentence.read)

    @property
    def costliest(self) -> int | None:
        """The number, from 1, of the sentence whose removal lowers the logit most; None where no removal does."""
        loss, i = max((s.without or 0.0, -i) for i, s in enumerate(self.sentences, start=1))
        return -i if loss > 0 else None

    @property
    def says(self) -> str:
        """The finding in a sentence."""
        if self.costliest is None:
            return "The score does not fall when any one sentence is taken away."
        sentence = self.sentences[self.costliest - 1]
        left = self.logit - (sentence.without or 0.0)
        alone = "" if sentence.alone is None else f"; alone it scores {logit(sentence.alone)}"
        falls = f"the score {fall(self.logit, left)}"
        return f"Without sentence {self.costliest} {falls}{alone}."


def sentences(
    reranker: Reranker,
    query: str,
    document: str,
    *,
    operator: str = "delete",
    seed: int = 0,
    on_pass: OnPass | None = None,
) -> Sentences:
    """What each sentence of `document` does to the logit: `without`, `alone` and `share`, see `Sentence`.

    The share is the Shapley value of the game whose players are the sentences that the model reads: exact for up to 6
    of them; else the mean over `balanced_orders` drawn by `seed`. Its standard error is taken over pairs of an order
    and its reverse as if pairs were independent, so it is a little too large. Shares add up to `logit - empty_logit`.
    No set of sentences is scored twice. `operator`: a key of `removal.OPERATORS`. `on_pass` is called before every
    batch and may raise `Stopped`. Raises `InputError` and `OptionError`.
    Castro et al. 2009, doi:10.1016/j.cor.2008.04.004; orders with their reverse: Mitchell et al. 2022,
    arXiv:2104.12199.
    """
    check_reranker(reranker)
    *_, last = sentences_stream(reranker, query, document, operator=operator, seed=seed, on_pass=on_pass)
    return last


def sentences_stream(
    reranker: Reranker,
    query: str,
    document: str,
    *,
    operator: str = "delete",
    seed: int = 0,
    on_pass: OnPass | None = None,
) -> Iterator[Sentences]:
    """`sentences` as it goes: first with `without`, after n + 2 forwards; then with `alone`; then with the shares."""
    seed = check_seed(seed)
    pair = reranker.encode(query, document)
    parts = sentence_units(pair)
    read = [i for i, part in enumerate(parts) if part.positions]
    meter, took = Meter(on_pass), list[float]()
    score = game(reranker, pair, [parts[i].positions for i in read], operator)

    def play(sets: Iterable[Present]) -> Logits:
        began = time.perf_counter()
        with metered(meter):  # left before each yield: the caller's passes are not ours
            known = score(sets)
        took.append(time.perf_counter() - began)
        return known

    def told(
        before: Iterable[Sentence],
        numbers: Mapping[str, Mapping[int, Any]],
        n_orders: int = 0,
        remainder: float | None = None,
    ) -> Sentences:
        new: list[dict[str, Any]] = [{name: of.get(i) for name, of in numbers.items()} for i in range(len(parts))]
        return Sentences(
            **reranker.about(pair.query),
            document=pair.document,
            operator=operator,
            logit=logit,
            empty_logit=empty_logit,
            sentences=tuple(replace(s, **of) for s, of in zip(before, new, strict=True)),
            n_orders=n_orders,
            remainder=remainder,
            n_pieces=len(pieces(pair.document)),
            truncated=pair.truncated,
            n_forward=meter.n_forward,
            seconds=sum(took),
            notes=reranker.notes,
        )

    everything = frozenset(range(len(read)))
    known = play([everything, frozenset(), *(everything - {k} for k in everything)])  # each `play` adds to it
    logit, empty_logit = known[everything], known[frozenset()]
    unread = (
        Sentence(part.text, part.start, part.end, part.cut, n_words=len(words))
        for part, words in zip(parts, units_by_sentence(pair), strict=True)
    )
    first = told(unread, {"without": {i: logit - known[everything - {k}] for k, i in enumerate(read)}})
    yield first
    play(frozenset({k}) for k in everything)
    second = told(first.sentences, {"alone": {i: known[frozenset({k})] for k, i in enumerate(read)}})
    yield second
    found = shares(play, len(read), seed)
    values, errors = ({i: one[at] for i, one in zip(read, found, strict=True)} for at in (0, 1))
    remainder = logit - empty_logit - sum(values.values())
    yield told(second.sentences, {"share": values, "error": errors}, n_orders(len(read)), remainder)


def max_passes(n: int) -> int:
    """At most so many sequences for `n` sentences; for progress bars and estimates."""
    return 2 + 2 * n + n_orders(n) * (n - 3) if n_orders(n) else 2**n


def n_orders(n: int) -> int:
    """Over how many orders the shares of `n` sentences are means; 0: over all subsets."""
    return 0 if n <= MAX_EXACT else N_ORDERS if n <= MANY else N_ORDERS // 2


def shares(play: Play, n: int, seed: int, most: int = N_ORDERS) -> list[tuple[float, float]]:
    """Each of `n` sentences' Shapley value with its standard error, in logits; exact, or over `n_orders(n)` orders.

    `most`: no more orders than that, an even number.
    """
    n_drawn = min(most, n_orders(n))
    orders = balanced_orders(n, n_drawn, torch.Generator().manual_seed(seed)) if n_drawn else []
    if not orders:
        return [(value, 0.0) for value in exact_shapley(play, n)]
    effects = order_effects(play, orders)  # (n_orders, n); an order, then its reverse
    pairs = [[(a + b) / 2 for a, b in zip(*two, strict=True)] for two in zip(effects[::2], effects[1::2], strict=True)]
    return [(fmean(values), stdev(values) / sqrt(len(pairs))) for values in zip(*pairs, strict=True)]
