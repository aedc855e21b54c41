"""Jinja2 with autoescape on: whatever a template prints is text, unless it is HTML that another template made."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from attribution.numbers import fixed, logit, number, percent
from attribution.views.terms import TERMS

ENVIRONMENT = Environment(
    loader=PackageLoader("attribution.views"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,  # a template stays as it is while the app runs
)
ENVIRONMENT.filters.update(number=number, logit=logit, percent=percent, fixed=fixed)
ENVIRONMENT.globals["terms"] = TERMS


def render(template: str, **context: object) -> Markup:
    """The HTML of `templates/<template>`, for a page or for another template."""
    return Markup(ENVIRONMENT.get_template(template).render(context))


def write(template: str, **context: object) -> str:
    """A whole file by `templates/<template>`: plain text, unlike `Markup`, which escapes what is added to it."""
    return str(render(template, **context))
