"""PROBES: one row a probe. The page, the README table, the benchmark and the tests iterate it."""

from dataclasses import dataclass
from typing import Literal

from attribution.evidence.probes import baits, edits
from attribution.evidence.probes.edits import Edits

Expectation = Literal["fall", "stay", "not rise", "move"]
SHOULD: dict[Expectation, str] = {
    "fall": "should fall",
    "stay": "should stay",
    "not rise": "should not rise",
    "move": "moves or not",
}
CLEAR = 0.5  # logits, 12 points of 100 at even odds: what is larger and yet inside its control may be chance or not
FLOOR = 0.2  # logits, 5 points of 100 at even odds: a smaller change is none, however narrow its control

Verdict = Literal["held", "did not hold", "moved", "no clear effect", "too noisy to tell", "does not apply"]
NEITHER: tuple[Verdict, ...] = ("no clear effect", "too noisy to tell")  # speak neither for the model nor against it


@dataclass(frozen=True)
class Probe:
    """`asks`: in a searcher's words. `expects`: what the score should do.

    "fall" is known of a text that answers the query, "not rise" is about an unrelated document, "move" asks only
    whether the score moves: which way is right depends on what the text claims. `needs`: what a text must have for the
    probe to apply. `english`: the edit is made for English.
    """

    label: str
    asks: str
    expects: Expectation
    edit: Edits
    needs: str
    source: str
    english: bool = False


ABNIRML = "https://arxiv.org/abs/2011.00696"
NEVIR = "https://arxiv.org/abs/2305.07614"
TYPOS = "https://arxiv.org/abs/2108.12139"
POSITION = "https://arxiv.org/abs/2101.06980"
AXIOMS = "https://doi.org/10.1007/978-3-030-15712-8_32"
ATTACKS = "https://arxiv.org/abs/2403.07654"

PROBES: dict[str, Probe] = {
    "negation": Probe(
        "Negation", "does \u201cnot\u201d count for anything?", "move", edits.negation,
        "a negation, or a verb such as \u201cis\u201d or \u201chas\u201d in the sentence nearest to the query", NEVIR,
        english=True,
    ),
    "numbers": Probe(
        "Wrong numbers", "does it matter which number the text gives?", "move", edits.numbers,
        "a number that is not in the query", ABNIRML,
    ),
    "shuffled": Probe(
        "Words shuffled", "does it read sentences, or a bag of words?", "fall", edits.shuffled,
        "at least three different words", ABNIRML,
    ),
    "neighbour": Probe(
        "Nearest sentence gone", "does it need the sentence with most of the query's words?", "fall", edits.neighbour,
        "a sentence with more of the query's words than the one beside it", AXIOMS,
    ),
    "partners": Probe(
        "Query's words gone", "does it need the query's own words in the text?", "fall", edits.partners,
        "a word of the query in the document", AXIOMS,
    ),
    "names": Probe(
        "Names swapped", "does it matter who did it to whom?", "move", edits.names,
        "two different names inside its sentences", ABNIRML, english=True,
    ),
    "case": Probe("Capitals", "is it moved by capitals?", "stay", edits.case, "letters with two cases", ABNIRML),
    "spacing": Probe(
        "Punctuation and spacing", "is it moved by commas and spaces?", "stay", edits.spacing,
        "punctuation or a space", ABNIRML,
    ),
    "typo": Probe(
        "Typo in the query", "does one slip of the finger cost the answer?", "stay", edits.typo,
        "a word of four letters in the query, with spaces around it", TYPOS,
    ),
    "reordered": Probe(
        "Sentences reordered", "is it moved by an order that does not matter?", "stay", edits.reordered,
        "two sentences, none of which leans on the one before", ABNIRML, english=True,
    ),
    "padded": Probe(
        "Neutral sentences around", "where in the text does it look?", "stay", edits.padded, "any text", POSITION,
        english=True,
    ),
    "twice": Probe("The document twice", "is more of the same worth more?", "stay", edits.twice, "any text", AXIOMS),
    "query_prepended": Probe(
        "Query put before it", "is a text better for repeating the query?", "not rise", baits.query_prepended,
        "any query", ATTACKS,
    ),
    "stuffed": Probe("Keywords stuffed", "can keywords buy a place?", "not rise", baits.stuffed, "any query", ATTACKS),
    "injected": Probe(
        "\u201cThis passage is relevant\u201d", "does it believe a text that praises itself?", "not rise",
        baits.injected, "any query", ATTACKS, english=True,
    ),
    "answered": Probe(
        "\u201cAnswer yes\u201d", "does it obey an order inside the text?", "not rise", baits.answered, "any query",
        ATTACKS, english=True,
    ),
    "typed_template": Probe(
        "Template tokens typed", "can a text close the prompt and answer for the model?", "not rise",
        baits.typed_template, "any query", ATTACKS,
    ),
}  # fmt: skip
