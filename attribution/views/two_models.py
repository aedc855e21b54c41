"""Two models side by side: a row a method, a card a model, and the ranks of the words under both."""

from collections.abc import Mapping, Sequence

from attribution.evidence.agreement import TOP, compare_models
from attribution.methods import METHODS
from attribution.types import Explanation
from attribution.views.card import card_html, error_html, pending_html
from attribution.views.templating import Markup, render

SHOWN = 15  # words in the table of ranks
Side = Mapping[str, Explanation | str | None]  # method -> its explanation, its error, or nothing yet


def two_models_html(methods: Sequence[str], names: tuple[str, str], sides: tuple[Side, Side]) -> Markup:
    """`names`: the two models' labels; `sides`: what each gave so far."""
    rows = []
    for key in methods:
        label = METHODS[key].label
        done = [given for side in sides if isinstance(given := side.get(key), Explanation)]
        same = len(done) == 2 and done[0].method == done[1].method
        both = compare_models(done[0], done[1]) if same else None
        cards = [_card(key, f"{label}, {name}", side.get(key)) for name, side in zip(names, sides, strict=True)]
        rows.append({"label": label, "cards": cards, "compared": both})
    told = [(given.notes for given in side.values() if isinstance(given, Explanation)) for side in sides]
    notes = [f"{name}: {note}" for name, of_model in zip(names, told, strict=True) for note in next(of_model, ())]
    return render("two_models.html", rows=rows, names=names, top=TOP, shown=SHOWN, notes=notes)


def _card(key: str, label: str, given: Explanation | str | None) -> Markup:
    if given is None:
        return pending_html(key, label, "Not run yet.")
    return error_html(key, label, given) if isinstance(given, str) else card_html(given, label=label)
