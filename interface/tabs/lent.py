"""For how long each run asks for a lent GPU: by the passes of its work, which are known before it starts.

A visitor has few minutes a day, and is refused when less is left than a run asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attribution.cost import GRADIENT, Sides, forwards, sides_of
from attribution.evidence.compare.interaction import DIFFERENCE, pairs_of_words
from attribution.evidence.probes.probe import MAX_PASSES
from attribution.lab.autograd import EXPERIMENTS
from attribution.methods import METHODS
from attribution.rerankers.loading.load import in_memory
from interface.runs.budget import lent_seconds
from interface.tabs.compare.state import Asked, Compared, pick

Passes = Callable[[Sides], int]  # words of the query and of a document -> forwards


def for_pairs(model_id: str, query: str, documents: Sequence[str], passes: Passes) -> int:
    """`passes` for each document, all as long as the longest; a model that is yet to be loaded asks for the least."""
    reranker = in_memory(model_id)
    if reranker is None:
        return lent_seconds(0, 0)
    pairs = [reranker.encode(query, document) for document in documents]
    return lent_seconds(sum(passes(sides_of(pair)) for pair in pairs), max(len(pair.tokens) for pair in pairs))


def for_inside(model_id: str, query: str, document: str, *_: Any) -> int:
    """One gradient."""
    return for_pairs(model_id, query, [document], lambda _sides: GRADIENT)


def for_lab(model_id: str, query: str, document: str, *_: Any) -> int:
    """A gradient each row, the true one for each beside it, and the plain forward."""
    return for_pairs(model_id, query, [document], lambda _sides: 2 * GRADIENT * (1 + len(EXPERIMENTS)))


def for_probes(model_id: str, query: str, document: str, *_: Any) -> int:
    """All of them; some of the edited documents are longer than this one."""
    return for_pairs(model_id, query, [document], lambda _sides: 3 * MAX_PASSES)


def for_two_models(model_id: str, query: str, document: str, second: str, *lists: Any) -> int:
    """Every ticked method under both; `lists`: what is ticked, a group each, and what else the handler takes."""
    ticked = [key for keys in lists[:5] for key in keys or [] if key in METHODS]

    def passes(sides: Sides) -> int:
        return 2 * sum(forwards(key, sides) for key in ticked)

    return max(for_pairs(key, query, [document], passes) for key in (model_id, second))


def for_list(asked: Asked | str | None, *_: Any) -> int:
    """Every document scored and coloured, two of them contrasted."""
    if not isinstance(asked, Asked):
        return lent_seconds(0, 0)

    texts = [document.text for document in asked.documents]

    def passes(sides: Sides) -> int:
        contrasted = math.ceil(2 * forwards(asked.method, sides) / len(texts))  # a document's share of it
        return 1 + forwards(asked.colour, sides) + contrasted

    return for_pairs(asked.model_id, asked.query, texts, passes)


def for_pick(compared: Compared | None, place: int, which: Any, *_: Any) -> int:
    """The two explained anew."""
    chosen = pick(compared, place, which) if compared else None
    texts = [chosen.asked.documents[at - 1].text for at in (chosen.a, chosen.b)] if chosen else []
    return _of(chosen, texts, lambda sides, asked: forwards(asked.method, sides))


def for_drop(compared: Compared | None, *_: Any) -> int:
    """A forward for each of the two."""
    return _of(compared, _texts(compared), lambda _sides, _asked: 1)


def for_edit(compared: Compared | None, _which: Any, text: str, *_: Any) -> int:
    """One forward."""
    return _of(compared, [text], lambda _sides, _asked: 1)


def for_flip(compared: Compared | None, *_: Any) -> int:
    """A forward a word, at most."""
    return _of(compared, _texts(compared), lambda sides, _asked: 2 + sides[1])


def for_meet(compared: Compared | None, which: Any, n_words: int, form: str, *_: Any) -> int:
    """Each word alone and every two of them; or an explanation for each query word."""
    texts = [compared.explanation(which).document] if compared and compared.contrast else []

    def passes(sides: Sides, _asked: Asked) -> int:
        if form in METHODS:
            return (2 + sides[0]) * forwards(form, sides)
        return pairs_of_words(sides, n_words) if form == DIFFERENCE else 0  # the handler says what is valid

    return _of(compared, texts, passes)


API: dict[str, Callable[..., tuple[Sequence[str], Passes]]] = {  # task -> its documents, and the passes for each
    "explain": lambda document, method, **options: ([document], lambda sides: forwards(method, sides, **options)),
    "rank": lambda documents: (documents, lambda _sides: 1),
    "contrast": lambda first, second, method: ([first, second], lambda sides: forwards(method, sides)),
    "interaction": lambda document, n_words: ([document], lambda sides: pairs_of_words(sides, n_words)),
    "probe": lambda document, **_: ([document], lambda _sides: 3 * MAX_PASSES),
    "counterfactual": lambda document, rival, method, **_: (
        [document, rival],
        lambda sides: 2 + sides[1] + forwards(method, sides),
    ),
}


def for_task(task: str, model: str, arguments: Mapping[str, Any], *_: Any) -> int:
    """One of the API's."""
    others = {name: value for name, value in arguments.items() if name != "query"}
    return for_pairs(model, arguments["query"], *API[task](**others))


def _texts(compared: Compared | None) -> list[str]:
    return [compared.explanation(which).document for which in ("A", "B")] if compared and compared.contrast else []


def _of(compared: Compared | None, texts: Sequence[str], passes: Callable[[Sides, Asked], int]) -> int:
    """For texts of a list; without any, the handler says what is wrong."""
    if compared is None or not texts:
        return lent_seconds(0, 0)
    asked = compared.asked
    return for_pairs(asked.model_id, asked.query, texts, lambda sides: passes(sides, asked))
