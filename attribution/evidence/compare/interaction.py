"""How query words interact with document words: what two change together beyond what each changes alone."""

import dataclasses
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from attribution.errors import OptionError, check_key, check_range
from attribution.evidence.compare.contrast import words_of
from attribution.evidence.probes.wording import is_content
from attribution.methods import METHODS
from attribution.removal import OPERATORS, game, parts_of, score_kept, seen_words, word_values
from attribution.rerankers.hooks import Meter, OnPass, metered
from attribution.rerankers.reranker import Reranker, check_reranker
from attribution.types import Result, TokenizedPair, Word
from attribution.words import read_units

DIFFERENCE = "difference"
MAX_WORDS = 64  # document words a matrix shows
Words = list[list[int]]  # the token positions of each word
Values = tuple[float, ...]
Choose = Callable[[Sequence[float]], list[int]]  # how strong each document word is -> the places of the strongest
# The logit, what each word does alone (on its tokens, summed), the chosen document words, and the values of those.
Found = tuple[float, list[float], list[int], tuple[Values, ...]]


@dataclass(frozen=True)
class Interaction(Result):
    """`values[i][j]`, in logits: how much query word `i` and document word `j` matter together.

    Above 0: each counts for more beside the other. `form`: "difference", or the method whose attributions were
    subtracted. `query_words` and `document_words` have as `attribution` what each does alone in the whole pair.
    `document_words`: the strongest, in reading order, of the `n_words_seen` that the model read; sentences by `unit`.
    """

    document: str
    form: str
    operator: str
    logit: float
    query_words: tuple[Word, ...]
    document_words: tuple[Word, ...]
    values: tuple[Values, ...]
    n_words_seen: int
    truncated: bool
    n_forward: int
    n_backward: int
    seconds: float
    unit: str


def interaction(
    reranker: Reranker,
    query: str,
    document: str,
    *,
    n_words: int = 12,
    form: str = DIFFERENCE,
    operator: str = "mask",
    unit: str = "word",
    on_pass: OnPass | None = None,
) -> Interaction:
    """How much each query word and each of the `n_words` strongest document words matter together, in logits.

    `form="difference"`: `s(q, d) - s(q - i, d) - s(q, d - j) + s(q - i, d - j)` for words `i` and `j`, by forwards
    alone; the strongest document words are those whose own removal moves the logit most. Or `form` is a key of
    `METHODS` that has a sign and uses a gradient: its attribution of `j` minus the same with `i` masked, in one run for
    each query word and one more, which is cheaper for long texts; the strongest are those with the largest entry. Stop
    words and punctuation come last. Both forms are 0 for a model that adds up what its words do. `operator`: a key of
    `OPERATORS`, how a word is taken away; the second form always masks. `unit="sentence"`: the document's sentences in
    place of its words. `on_pass` as for `explain`. Raises `InputError` or `OptionError`.
    Second differences: Grabisch & Roubens 1999, doi:10.1007/s001820050125; of texts: Tsang et al. 2020,
    arXiv:2006.10965.
    """
    check_reranker(reranker)
    n_words = check_range("n_words", n_words, 1, MAX_WORDS)
    check_key("operator", operator, OPERATORS)
    check_key("form", form, forms())
    if form != DIFFERENCE and operator != "mask":
        raise OptionError(f"form {form!r} always masks words; operator {operator!r} needs form {DIFFERENCE!r}.")
    began = time.perf_counter()
    pair = reranker.encode(query, document)
    sides = (seen_words(pair, "query"), parts_of(pair, unit))
    with metered(Meter(on_pass)) as meter:
        parts = read_units(pair, "document", unit)
        first = [j for j, part in enumerate(parts) if unit == "sentence" or is_content(part.text)]
        choose = partial(_strongest, first=first, n=n_words)
        if form == DIFFERENCE:
            logit, alone, chosen, values = _second_differences(reranker, pair, *sides, choose, operator)
        else:
            logit, alone, chosen, values = _attribution_differences(reranker, pair, *sides, choose, form)
    words_d = words_of(pair, alone, "document", unit)
    return Interaction(
        **reranker.about(pair.query),
        document=pair.document,
        form=form,
        operator=operator,
        logit=logit,
        query_words=tuple(words_of(pair, alone, "query")),
        document_words=tuple(words_d[j] for j in chosen),
        values=values,
        n_words_seen=len(words_d),
        truncated=pair.truncated,
        n_forward=meter.n_forward,
        n_backward=meter.n_backward,
        seconds=time.perf_counter() - began,
        unit=unit,
    )


def pairs_of_words(sides: tuple[int, int], n_words: int) -> int:
    """The forwards that `interaction` by differences takes: the pair, each word alone, each pair of words.

    `sides`: the words of the query and of the document that the model sees.
    """
    n_query, n_document = sides
    return 1 + n_query + n_document + n_query * min(n_words, n_document)


def forms() -> list[str]:
    """What `interaction` takes as `form`."""
    return [DIFFERENCE, *(key for key, method in METHODS.items() if method.signed and method.uses_gradient)]


def _second_differences(
    reranker: Reranker, pair: TokenizedPair, query: Words, document: Words, choose: Choose, operator: str
) -> Found:
    words = [*query, *document]
    everything = frozenset(range(len(words)))
    play = game(reranker, pair, words, operator)
    s = play([everything, *(everything - {w} for w in range(len(words)))])  # each `play` adds to it
    logit = s[everything]
    effects = [logit - s[everything - {w}] for w in range(len(words))]
    chosen = choose([abs(effect) for effect in effects[len(query) :]])
    rows, columns = range(len(query)), [len(query) + j for j in chosen]
    play(everything - {i, j} for i in rows for j in columns)
    values = tuple(
        tuple(logit - s[everything - {i}] - s[everything - {j}] + s[everything - {i, j}] for j in columns) for i in rows
    )
    alone = [0.0] * len(pair.tokens)
    for positions, effect in zip(words, effects, strict=True):
        alone[positions[0]] = effect
    return logit, alone, chosen, values


def _attribution_differences(
    reranker: Reranker, pair: TokenizedPair, query: Words, document: Words, choose: Choose, method: str
) -> Found:
    """As `_second_differences`, from attributions with each query word masked in turn."""

    def attribute(masked: list[int]) -> list[float]:
        input_ids = pair.inputs["input_ids"].clone()
        input_ids[:, masked] = reranker.baseline_id(reranker.default_baseline)
        without = dataclasses.replace(pair, instead=input_ids)
        values: list[float] = METHODS[method].attribute(reranker, without).values.tolist()
        return values

    alone = attribute([])  # (seq,)
    whole = word_values(alone, document)
    table = [[a - b for a, b in zip(whole, word_values(attribute(word), document), strict=True)] for word in query]
    chosen = choose([max(abs(row[j]) for row in table) for j in range(len(document))])
    (logit,) = score_kept(reranker, pair, document, [frozenset(range(len(document)))]).values()
    return logit, alone, chosen, tuple(tuple(row[j] for j in chosen) for row in table)


def _strongest(sizes: Sequence[float], first: Collection[int], n: int) -> list[int]:
    """The places of the `n` largest, in reading order; those in `first` before others, of equal ones the earlier."""
    return sorted(sorted(range(len(sizes)), key=lambda j: (j not in first, -sizes[j]))[:n])
