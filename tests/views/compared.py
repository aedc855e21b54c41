"""What the tests of Compare's pages draw: a list of documents, and two passages read sentence by sentence."""

from __future__ import annotations

from attribution.evidence.sentences import Sentence, Sentences

QUERY = "how many people live in berlin ?"
DOCUMENTS = ["berlin has <b>3.7</b> million inhabitants .", "paris is in france .", "museums in berlin"]
FIRST, SECOND = "Berlin is <big>. It has people. Both say so.", "Paris is old. Both say so."


def sentences_of(document: str, spans: list[tuple[int, int]], logit: float, losses: list[float]) -> Sentences:
    found = tuple(
        Sentence(document[a:b], a, b, False, loss, 0.125, n_words=1) for (a, b), loss in zip(spans, losses, strict=True)
    )
    return Sentences("m", "r", QUERY, document, "delete", logit, -1.0, found, 0, None, len(found), False, 8, 0.1)


WITHOUT = {
    "A": sentences_of(FIRST, [(0, 17), (17, 32), (32, 44)], 3.0, [1.5, -0.25, 0.0]),
    "B": sentences_of(SECOND, [(0, 14), (14, 26)], 2.0, [-0.5, -0.25]),
}
