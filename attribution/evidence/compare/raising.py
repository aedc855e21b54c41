"""What would lift B above A: dropping what holds it down, or putting in A's best sentence or a word of the query."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Literal

from attribution.errors import plain_texts
from attribution.evidence.compare.counterfactual import not_so
from attribution.evidence.probes.wording import content_words, words_of
from attribution.evidence.sentences import sentences_stream
from attribution.rerankers.hooks import Meter, OnPass, metered
from attribution.rerankers.reranker import Reranker, check_reranker
from attribution.types import Result
from attribution.words import sentences_of

MAX_STEPS = 4  # edits one after another, where no single one is enough
MAX_DROPS = 8  # sentences whose removal raises the score most
Kind = Literal["drop", "sentence", "word"]


@dataclass(frozen=True)
class Edit:
    """One change of B's text: a sentence of its own dropped; A's best sentence, or a word of the query, put before it.

    `text`: what is dropped or put in, of `n_words` words. `predicted`: the logit it should lead to, None for a word, of
    which nothing is known before it is tried; `logit`: the model's, of the text after the edit.
    """

    kind: Kind
    text: str
    n_words: int
    predicted: float | None
    logit: float


@dataclass(frozen=True)
class Raised(Result):
    """How `document` gets above `rival_logit`, if it does; logits are raw.

    `steps`: the edits made one after another; only one where one is enough. `edited`: the text after them, with the
    last step's logit. `lifted`: that logit is above the rival's. `tried`: each edit alone, the highest logit first.
    `truncated`: of one of the three texts a part was not read; what is put in front may itself push some of it out.
    """

    document: str
    rival: str
    logit: float
    rival_logit: float
    lifted: bool
    steps: tuple[Edit, ...]
    edited: str
    tried: tuple[Edit, ...]
    n_forward: int
    seconds: float
    truncated: bool


def raise_above(reranker: Reranker, query: str, document: str, rival: str, *, on_pass: OnPass | None = None) -> Raised:
    """The smallest edit found that lifts `document` above `rival`, predicted beside measured.

    Tried are: to drop each sentence that lowers the score; to put in front the rival's sentence whose removal costs the
    rival most; to put in front each of the query's content words that the document lacks. What a sentence should change
    is predicted by `Sentence.without`, in its own document. Of the edits that are enough alone the one of fewest words
    is taken. Where none is enough, the best is made and the others are tried again after it, up to `MAX_STEPS`, as long
    as the score rises. Every logit is `Reranker.score`'s of the edited text. `on_pass` as for `explain`. Raises
    `InputError` when `document` is not below `rival`.
    """
    check_reranker(reranker)
    query, document, rival = plain_texts(query=query, document=document, rival=rival)
    began = time.perf_counter()
    with metered(Meter(on_pass)) as meter:
        logit, rival_logit = reranker.score(query, [document, rival])
        if logit >= rival_logit:
            raise not_so("below", "lower", logit, rival_logit)
        text, score, left = document, logit, list(_candidates(reranker, query, document, rival, meter))
        tried: tuple[Edit, ...] = ()
        steps: list[Edit] = []
        while left and len(steps) < MAX_STEPS and score <= rival_logit:
            made = _measure(reranker, query, text, score, left)
            if not made:
                break
            tried = tried or tuple(sorted(made, key=lambda edit: -edit.logit))
            enough = [edit for edit in made if edit.logit > rival_logit]
            best = min(enough, key=lambda edit: (edit.n_words, -edit.logit), default=None)
            best = best or max(made, key=lambda edit: edit.logit)
            if best.logit <= score:
                break
            text, score = _apply(text, best), best.logit
            steps.append(best)
            left = [edit for edit in left if (edit.kind, edit.text) != (best.kind, best.text)]
    return Raised(
        **reranker.about(query),
        document=document,
        rival=rival,
        logit=logit,
        rival_logit=rival_logit,
        lifted=score > rival_logit,
        steps=tuple(steps),
        edited=text,
        tried=tried,
        n_forward=meter.n_forward,
        seconds=time.perf_counter() - began,
        truncated=any(reranker.encode(query, one).truncated for one in (document, rival, text)),
    )


def raising_passes(n: int, n_query: int) -> int:
    """At most so many forwards for each of two texts of `n` sentences: whole, without each, and the edits tried."""
    return 3 + n + MAX_STEPS * (min(n, MAX_DROPS) + 1 + n_query) // 2


def _candidates(reranker: Reranker, query: str, document: str, rival: str, meter: Meter) -> Iterator[Edit]:
    """Each edit with what it should change the logit by as `predicted`, and no logit yet."""

    def costs(text: str) -> list[tuple[str, float]]:
        found = next(sentences_stream(reranker, query, text, on_pass=meter.on_pass))
        meter.n_forward += found.n_forward
        return [(s.text, s.without) for s in found.sentences if s.without is not None]

    own, theirs = costs(document), costs(rival)
    holding = sorted(((text, cost) for text, cost in own if cost < 0), key=itemgetter(1))
    if len(own) > 1:
        yield from (_edit("drop", text, -cost) for text, cost in holding[:MAX_DROPS])
    best, gain = max(theirs, key=itemgetter(1))
    if gain > 0 and best.strip() not in document:
        yield _edit("sentence", best.strip(), gain)
    has = {word.casefold() for word in words_of(document)}
    yield from (_edit("word", word, None) for word in content_words(query) if word not in has)


def _edit(kind: Kind, text: str, gain: float | None) -> Edit:
    return Edit(kind, text, len(text.split()), gain, 0.0)


def _measure(reranker: Reranker, query: str, text: str, logit: float, edits: list[Edit]) -> list[Edit]:
    """Each edit made alone on `text`, whose logit is given: what it was to lead to, and what the model says.

    One that would leave no text is left out.
    """
    edits = [edit for edit in edits if _apply(text, edit).strip()]
    logits = reranker.score(query, [_apply(text, edit) for edit in edits])
    return [
        replace(edit, predicted=None if edit.predicted is None else logit + edit.predicted, logit=score)
        for edit, score in zip(edits, logits, strict=True)
    ]


def _apply(text: str, edit: Edit) -> str:
    """The text with one edit made."""
    if edit.kind == "drop":
        parts = sentences_of(text)
        at = parts.index(edit.text) if edit.text in parts else len(parts)
        return "".join(parts[:at] + parts[at + 1 :])
    return f"{edit.text}{'. ' if edit.kind == 'word' else ' '}{text}"
