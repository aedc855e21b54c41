"""Jinja2 with autoescape on: whatever a template prints is text, unless it is HTML that another template made."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from attribution import numbers

# The words that a searcher need not know, each explained where it stands: the `term` macro and the page's key.
TERMS = {
    "logit": "the number a reranker gives a pair, before it is turned into a percentage; documents are ranked by it",
    "sigmoid": "the curve that turns any number into one between 0 and 1: 0 becomes 50 %, +2 becomes 88 %; even odds "
    "at 0 hold only for models that were trained so, like the bundled one",
    "comprehensiveness": "how far the score falls when a method's top words are taken away; higher is better",
    "share": "a Shapley value: what a sentence adds to the score, averaged over orders of adding the sentences",
    "sufficiency": "how far the score falls when only a method's top words stay; lower is better",
    "baseline": "what the pair is compared with: the same pair without the words of one side",
    "nodes": "points between the baseline and the text at which the gradient is taken; more nodes are more exact",
    "convergence delta": "by how much the words' numbers miss the score minus the baseline's; 0 is exact",
    "relative delta": "the convergence delta, before it is distributed over the words, relative to the score minus "
    "the baseline's",
    "Spearman": "how alike two rankings are: 1 the same, 0 unrelated, \u22121 reversed",
    "L1": "the sum of absolute values",
    "template tokens": "what the tokenizer adds around the two texts, such as [CLS] and [SEP]",
    "leaf": "a tensor that was not computed from others; only there PyTorch keeps a gradient by itself",
}


class Untranslated(Extension):
    """What is quoted, and code, stays as it is where a browser translates the page: colours are of these very words."""

    def preprocess(self, source: str, *_: str | None) -> str:
        """Jinja2's name for it."""
        return re.sub(r'\bdir="auto"|<(bdi|code)\b', r'\g<0> translate="no"', source)


ENVIRONMENT = Environment(
    extensions=[Untranslated],
    loader=PackageLoader("attribution.views"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,  # a template stays as it is while the app runs
)
# Outside XML 1.0, section 2.2, or control codes, which a terminal runs.
UNPRINTED = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PRINTED = ("counted", "fall", "number", "signed_number", "logit", "percent", "fixed", "signed_fixed")
ENVIRONMENT.filters.update({name: getattr(numbers, name) for name in PRINTED})
ENVIRONMENT.globals["terms"] = TERMS


def render(template: str, **context: object) -> Markup:
    """The HTML of `templates/<template>`, for a page or for another template."""
    return Markup(ENVIRONMENT.get_template(template).render(context))


def write(template: str, **context: object) -> str:
    """A whole file by `templates/<template>`: plain text, unlike `Markup`, which escapes what is added to it.

    A character that no file of HTML or XML may hold, such as a control code, is U+FFFD in it.
    """
    return UNPRINTED.sub("\ufffd", render(template, **context))
