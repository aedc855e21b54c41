"""What if: the fewest words or sentences of a document whose removal puts it below another."""

import time
from dataclasses import dataclass
from itertools import combinations, takewhile
from math import comb

from attribution.errors import InputError, OptionError, check_key, plain_texts, shown
from attribution.evidence.compare.contrast import words_of
from attribution.explain import explain
from attribution.methods import METHODS
from attribution.numbers import number
from attribution.removal import OPERATORS, PARTS, Play, game, parts_of
from attribution.rerankers.hooks import Meter, OnPass, metered
from attribution.rerankers.reranker import Reranker, check_reranker
from attribution.types import Explanation, Result, TokenizedPair, Word

MAX_SETS = 200  # sets of sentences of one size that are all tried; beyond, one more is dropped at a time
MEASURED = "without"  # what orders sentences: how far the score falls without each
AT_ONCE = {"mask": 8, "delete": 1}  # sets tried in one call: masked ones share a batch, and few are tried in vain


@dataclass(frozen=True)
class Counterfactual(Result):
    """Words of `document` dropped one after the other until it falls below `rival_logit`; logits are raw.

    `dropped[k]`: the word that went at step `k`, with its attribution by `method`. `logits[k]`: the logit without the
    first `k` of them; `predicted[k]`: what their attributions said that it would be. `flipped`: the last logit is below
    the rival's; if not, every word that raises the score by `method` is dropped. `unit`: "word", or "sentence": then
    `method` is "without", and a sentence's attribution is what the logit falls by when that sentence alone goes.
    `truncated`: a part of one of the two was not read.
    """

    document: str
    rival: str
    method: str
    operator: str
    flipped: bool
    rival_logit: float
    dropped: tuple[Word, ...]
    logits: tuple[float, ...]
    predicted: tuple[float, ...]
    n_forward: int
    n_backward: int
    seconds: float
    unit: str
    truncated: bool


def counterfactual(
    reranker: Reranker,
    query: str,
    document: str,
    rival: str,
    method: str | None = None,
    *,
    operator: str = "delete",
    unit: str = "word",
    explanation: Explanation | None = None,
    on_pass: OnPass | None = None,
) -> Counterfactual:
    """The fewest words to drop from `document`, in the order of their attributions, so that it falls below `rival`.

    Greedy: words go in the order of `method`'s attributions (a key of `METHODS` with a sign, by default integrated
    gradients), largest first, and the model scores what is left after each; the first logit below the rival's ends it.
    Another order may need fewer words. `unit="sentence"`: the fewest sentences, by measuring alone. All sets of one
    sentence, of two and so on are tried, up to `MAX_SETS` of a size; beyond, the sentences of the best set so far go
    first, then the others in the order of their own loss. `operator`: a key of `OPERATORS`. `explanation`: of this
    pair; its attributions are then used, and `method` is not run. `on_pass` as for `explain`. Raises `InputError` when
    `document` is not above `rival`, and `OptionError`.
    """
    check_reranker(reranker)
    check_key("operator", operator, OPERATORS)
    check_key("unit", unit, PARTS)
    query, document, rival = plain_texts(query=query, document=document, rival=rival)
    began = time.perf_counter()
    meter = Meter(on_pass)
    if unit == "word":
        method = "integrated_gradients" if method is None else method
        if explanation is None:
            check_signed(method)
            explanation = explain(reranker, query, document, method, on_pass=on_pass)
            meter.n_forward, meter.n_backward = explanation.n_forward, explanation.n_backward
        _check(reranker, explanation, query, document)
    elif method is not None or explanation is not None:
        raise OptionError(
            "Sentences are dropped in the order of their measured effect. Give no method and no explanation."
        )
    pair = reranker.encode(query, document)
    parts = parts_of(pair, unit)
    play = game(reranker, pair, parts, operator)
    with metered(meter):
        (rival_logit,) = reranker.score(query, [rival])
        if explanation:
            words = words_of(explanation, explanation.attributions, "document")
            raising = {
                w: value for w, word in enumerate(words) if (value := word.attribution) is not None and value > 0
            }
            order = sorted(raising, key=lambda w: -raising[w])
        else:
            order, losses = _fewest(play, pair, parts, rival_logit)
            words = words_of(pair, losses, "document", unit)
        logits = _until_below(play, len(parts), order, rival_logit, AT_ONCE[operator])
    if logits[0] <= rival_logit:
        raise not_so("above", "higher", logits[0], rival_logit)
    dropped = tuple(words[w] for w in order[: len(logits) - 1])
    predicted = [logits[0]]
    for word in dropped:
        predicted.append(predicted[-1] - (word.attribution or 0.0))
    return Counterfactual(
        **reranker.about(query),
        document=document,
        rival=rival,
        method=explanation.method if explanation else MEASURED,
        operator=operator,
        flipped=logits[-1] < rival_logit,
        rival_logit=rival_logit,
        dropped=dropped,
        logits=tuple(logits),
        predicted=tuple(predicted),
        n_forward=meter.n_forward,
        n_backward=meter.n_backward,
        seconds=time.perf_counter() - began,
        unit=unit,
        truncated=pair.truncated or reranker.encode(query, rival).truncated,
    )


def not_so(where: str, first: str, logit: float, rival_logit: float) -> InputError:
    """Of a document that does not score above its rival, or below it; the `first` is to be the higher or lower one."""
    if number(logit) == number(rival_logit):  # the same text may score otherwise in another batch, by rounding
        both = f"Both documents score {number(logit)}, so neither is above the other."
        return InputError(f"{both} Choose two whose scores differ.")
    scores = f"it scores {number(logit)}, the rival {number(rival_logit)}"
    return InputError(
        f"The document must score {where} its rival; {scores}. Give the document with the {first} score first."
    )


def sets_at_most(n: int) -> int:
    """How many sets of `n` sentences are scored at most; for progress bars and estimates."""
    sizes = _sizes(n)
    return sum(comb(n, size) for size in sizes) + n - sizes[-1]


def check_signed(method: str) -> None:
    """Raises `OptionError` for a method that cannot tell raising from lowering."""
    signed = [key for key, row in METHODS.items() if row.signed]
    if not isinstance(method, str) or method not in signed:
        raise OptionError(f"{method!r} cannot say which words raise the score. Valid: {', '.join(signed)}.")


def _sizes(n: int) -> list[int]:
    """How many sentences of `n` are dropped at once where all sets of that size are tried."""
    return list(takewhile(lambda size: size < 2 or comb(n, size) <= MAX_SETS, range(n + 1)))


def _fewest(play: Play, pair: TokenizedPair, parts: list[list[int]], limit: float) -> tuple[list[int], list[float]]:
    """The order in which sentences are dropped; and each token's value: a sentence's own loss, on its first token."""
    everything = frozenset(range(len(parts)))
    best, losses = everything, [0.0] * len(parts)
    for size in _sizes(len(parts)):
        sets = [everything - frozenset(gone) for gone in combinations(range(len(parts)), size)]
        logits = play(sets)
        best = min(sets, key=lambda kept: logits[kept])
        if size == 0:
            whole = logits[best]
        elif size == 1:
            losses = [whole - logits[everything - {i}] for i in range(len(parts))]
        if logits[best] < limit:
            break
    order = sorted(everything, key=lambda i: (i in best, -losses[i]))
    values = [0.0] * len(pair.tokens)
    for positions, loss in zip(parts, losses, strict=True):
        values[positions[0]] = loss
    return order, values


def _until_below(play: Play, n: int, order: list[int], limit: float, step: int) -> list[float]:
    """Logits without the first 0, 1, 2 ... of `n` parts in this `order`; the first one below `limit` is the last."""
    everything = frozenset(range(n))
    kept = [everything - frozenset(order[:k]) for k in range(len(order) + 1)]
    logits: list[float] = []
    for at in range(0, len(kept), step):
        chunk = kept[at : at + step]
        scored = play(chunk)
        for left in chunk:
            logits.append(scored[left])
            if scored[left] < limit:
                return logits
    return logits


def _check(reranker: Reranker, explanation: Explanation, query: str, document: str) -> None:
    if not isinstance(explanation, Explanation):
        raise OptionError(f"explanation is {shown(explanation)}. Give what explain(...) returns, or None.")
    check_signed(explanation.method)
    about = (explanation.model_id, explanation.revision, explanation.query, explanation.document)
    if about != (reranker.model_id, reranker.revision, query, document):
        raise OptionError("The explanation is of another pair or model. Give one of this pair and model, or none.")
