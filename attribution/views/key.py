"""How to read the page: colours, signs, scale, badges, the one hook, and the words used."""

from __future__ import annotations

from attribution.views.templating import Markup, render


def key_html() -> Markup:
    """The whole key, without a heading."""
    return render("key.html")
