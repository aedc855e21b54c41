"""The document's sentences within a run of the Explain tab: `without` and `alone` first, the shares after the cards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from attribution.errors import AttributionError, Stopped
from attribution.evidence.sentences import Sentences, max_passes, sentences_stream
from attribution.rerankers.meter import Meter
from attribution.rerankers.reranker import Reranker
from attribution.views.sentence_bars import FEWEST
from attribution.words import split_sentences
from interface.runs.handlers import Pair, Update
from interface.tabs.explain.results import Results

SENTENCES = "sentences"  # costed as a method is
EARLY = 2  # of what the stream yields, before any method runs


def passes_of_sentences(document: str) -> int:
    """At most so many forwards for the sentences of a `document`; 0 where it has too few to show."""
    n = len(split_sentences(document))
    return max_passes(n) if n >= FEWEST else 0


def sentences_by(reranker: Reranker, asked: Pair, on_pass: Callable[[Meter], None]) -> Iterator[Sentences]:
    """`sentences_stream` of the pair; nothing where its document has too few."""
    if not passes_of_sentences(asked.document):
        return iter(())
    return sentences_stream(reranker, asked.query, asked.document, on_pass=on_pass)


def read_sentences(results: Results, stream: Iterator[Sentences], most: int | None = None) -> Iterator[Update]:
    """Shows the next `most` of the `stream`, or all; an error is shown as the status, and the methods go on."""
    try:
        for results.found in islice(stream, most):
            yield results.page(f"Sentences: {results.found.n_forward} passes.")
    except Stopped:
        raise
    except AttributionError as error:
        yield results.page(str(error))
