"""Two documents beside each other, for programs: why the one is above the other, and what would change it."""

from typing import Any

from attribution.errors import OptionError, check_key, check_range
from attribution.evidence.compare import contrast as compare
from attribution.evidence.compare import counterfactual as undoing
from attribution.evidence.compare import interaction as interactions
from attribution.evidence.compare import passages, raising
from attribution.evidence.sentences import max_passes
from attribution.explain import forwards
from attribution.export_compare import sentence_contrast_to_dict
from attribution.methods import Sides
from attribution.removal import PARTS
from attribution.types import OPERATORS
from attribution.words import split_sentences
from interface.programs.endpoints import Call, endpoint


def passes_of_method(call: Call, sides: Sides) -> int:
    """Forwards of one explanation, by the method and options that were asked for."""
    given = {name: value for name, value in call.arguments.items() if isinstance(value, int)}
    return forwards(call.arguments.get("method", "integrated_gradients"), sides, **given)


def n_sentences(call: Call) -> int:
    """The number of sentences of the document that has most."""
    return max(len(split_sentences(text)) for text in call.texts)


@endpoint(compare.contrast, passes=passes_of_method)
def contrast(
    query: str, first: str, second: str, method: str = "integrated_gradients", model: str = ""
) -> dict[str, Any]:
    """Explain the difference between two documents' scores, word by word.

    Args:
        method: How to explain: a key that the models endpoint lists as complete.

    Returns:
        The difference of the two logits as a sum over words, once by the documents' words and once by the query's;
        and both explanations.
    """
    compare.check_complete(method)
    return {"model": model, "query": query, "first": first, "second": second, "method": method}


@endpoint(
    passages.contrast_sentences,
    passes=lambda call, _sides: max_passes(n_sentences(call)),
    said=sentence_contrast_to_dict,
)
def contrast_sentences(
    query: str, first: str, second: str, operator: str = "delete", model: str = ""
) -> dict[str, Any]:
    """Explain the difference between two documents' scores, sentence by sentence; for longer passages.

    Returns:
        The difference of the two logits as a sum: bars, a term for each sentence that only one document holds; common,
        the sentences that both hold, and common_value, what they add; says: how much of the two is the same.
    """
    check_key("operator", operator, OPERATORS)
    return {"model": model, "query": query, "first": first, "second": second, "operator": operator}


def _of_interaction(call: Call, sides: Sides) -> int:
    across = (sides[0], n_sentences(call)) if call.arguments.get("unit") == "sentence" else sides
    return interactions.pairs_of_words(across, call.arguments["n_words"])


@endpoint(interactions.interaction, passes=_of_interaction)
def interaction(query: str, document: str, n_words: int = 12, model: str = "", unit: str = "word") -> dict[str, Any]:
    """Measure how query words interact with document words or sentences: what two change together beyond each alone.

    Args:
        n_words: How many of the document's strongest words to look at, 1 to 64.
        unit: What of the document to look at: word or sentence.

    Returns:
        values: a number for each query word and document word or sentence, in logits; above 0, each counts for more
        beside the other.
    """
    check_range("n_words", n_words, 1, interactions.MAX_WORDS)
    check_key("unit", unit, PARTS)
    return {"model": model, "query": query, "document": document, "n_words": n_words, "unit": unit}


def _of_counterfactual(call: Call, sides: Sides) -> int:
    if call.arguments.get("unit") == "sentence":
        return 3 + undoing.sets_at_most(n_sentences(call))
    return 2 + sides[1] + passes_of_method(call, sides)


@endpoint(undoing.counterfactual, passes=_of_counterfactual)
def counterfactual(
    query: str,
    document: str,
    rival: str,
    method: str = "",
    operator: str = "delete",
    model: str = "",
    unit: str = "word",
) -> dict[str, Any]:
    """Find the fewest words or sentences to drop from a document so that it scores below another.

    Args:
        document: The document that scores higher.
        rival: The document that scores lower.
        method: The method whose attributions order the words, one with a sign; empty for integrated_gradients.
        operator: How a word or sentence is taken away: delete or mask.
        unit: What is dropped: word or sentence. Sentences are measured and take no method.

    Returns:
        dropped: what was dropped, in the order it went; logits: after each of them, beside what was predicted; flipped:
        whether the last one puts the document below its rival; truncated: whether a text was read in part only.
    """
    check_key("operator", operator, OPERATORS)
    check_key("unit", unit, PARTS)
    if method and unit == "sentence":
        raise OptionError("method is for words; which sentences to drop is measured. Leave method empty.")
    by = {} if unit == "sentence" else {"method": method or "integrated_gradients"}
    if by:
        undoing.check_signed(by["method"])
    pair = {"model": model, "query": query, "document": document, "rival": rival}
    return {**pair, **by, "operator": operator, "unit": unit}


@endpoint(raising.raise_above, passes=lambda call, sides: raising.raising_passes(n_sentences(call), sides[0]))
def raise_above(query: str, document: str, rival: str, model: str = "") -> dict[str, Any]:
    """Find the smallest edit that lifts one document above another: a sentence dropped or put in, a word put in.

    Args:
        document: The document that scores lower.
        rival: The document that scores higher.

    Returns:
        steps: the edits, each with the logit that was predicted and the one measured; edited: the text after them;
        lifted: whether it scores above its rival; tried: every edit alone; truncated: whether a text was read in part.
    """
    return {"model": model, "query": query, "document": document, "rival": rival}


ENDPOINTS = [contrast, contrast_sentences, interaction, counterfactual, raise_above]
