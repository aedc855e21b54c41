"""What the Explain tab asks: a pair, methods and their options, read from the boxes."""

import json
from dataclasses import dataclass
from typing import Any

from attribution.errors import OptionError
from attribution.methods.defaults import dearest_last
from attribution.words import split_sentences
from interface.page.settings import DEFAULT_METHODS, DEFAULTS
from interface.runs import cost
from interface.runs.handlers import Pair
from interface.runs.limits import check_budgets


@dataclass(frozen=True)
class Asked(Pair):
    """A pair, the methods to explain it with, and options, of which each method gets those that it takes."""

    methods: tuple[str, ...] = tuple(DEFAULT_METHODS)
    baselines: str | None = None
    leaf: str = DEFAULTS["leaf"]
    operator: str = DEFAULTS["operator"]
    n_samples: int = DEFAULTS["n_samples"]
    n_steps: int = DEFAULTS["n_steps"]

    @property
    def options(self) -> dict[str, Any]:
        """The options, by name."""
        return {name: getattr(self, name) for name in DEFAULTS}

    @property
    def settings(self) -> str:
        """The options that differ from the page's defaults, in words."""
        return ", ".join(f"{name} {value}" for name, value in self.options.items() if (value or "") != DEFAULTS[name])

    @property
    def on_page(self) -> str:
        """Methods and options as JSON, which `page.js` compares with what is ticked now."""
        return json.dumps([sorted(self.methods), *(value or "" for value in self.options.values())])

    @property
    def n_sentences(self) -> int:
        """Of the document."""
        return len(split_sentences(self.document))

    @property
    def passes_of_sentences(self) -> int:
        """At most so many forwards for the document's sentences; 0 where it has too few to show."""
        return cost.of_sentences(self.n_sentences)


def ask(model_id: str, query: str, document: str, **settings: Any) -> Asked:
    """What the boxes ask for; `settings` as `Settings.inputs` names them. Raises `AttributionError`."""
    options = {name: settings.pop(name) for name in DEFAULTS}
    chosen = dearest_last({key for keys in settings.values() for key in keys or []})
    asked = Asked(model_id, query, document, tuple(chosen), **options | {"baselines": options["baselines"] or None})
    asked.check()
    check_budgets({name: options[name] for name in ("n_samples", "n_steps")})
    if not chosen:
        raise OptionError("No method is ticked. Open the list of methods beside Explain and tick at least one.")
    return asked
