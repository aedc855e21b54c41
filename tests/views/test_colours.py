"""Text on any colour of the cards can be read, in light and dark: WCAG's contrast, computed from the style sheet."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr
import pytest

from attribution.views.text import MAX_ALPHA

CSS = (Path(__file__).parents[2] / "attribution" / "views" / "static" / "style.css").read_text(encoding="utf-8")
RULES = {"light": r"^\.rl-root \{([^}]*)\}", "dark": r"^\.dark \.rl-root \{([^}]*)\}"}
THEME = gr.themes.Default()
AA = 4.5
Colour = tuple[float, float, float]


def colour(value: str) -> Colour:
    """Of `#rrggbb`, `r, g, b`, or a name in Gradio's theme."""
    if value.startswith("*"):
        value = getattr(THEME, value[1:])
    value = {"white": "#ffffff"}.get(value, value)
    parts = [int(value[i : i + 2], 16) for i in (1, 3, 5)] if value.startswith("#") else map(int, value.split(","))
    red, green, blue = (float(part) for part in parts)
    return red, green, blue


def luminance(of: Colour) -> float:
    """WCAG 2.2, relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in of)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: Colour, b: Colour) -> float:
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def blend(over: Colour, under: Colour, alpha: float) -> Colour:
    red, green, blue = (alpha * a + (1 - alpha) * b for a, b in zip(over, under, strict=True))
    return red, green, blue


@pytest.mark.parametrize("mode", RULES)
def test_text_on_every_colour_and_every_coloured_text_has_aa_contrast(mode: str) -> None:
    rule = re.search(RULES[mode], CSS, re.MULTILINE)
    assert rule
    end = "_dark" if mode == "dark" else ""
    text = colour(getattr(THEME, f"body_text_color{end}"))
    below = [colour(getattr(THEME, f"background_fill_{kind}{end}")) for kind in ("primary", "secondary")]
    washes = dict(re.findall(r"--(\w+): (\d+, \d+, \d+)", rule[1]))
    inks = dict(re.findall(r"--(\w+): (#\w+)", rule[1]))
    assert washes.keys() == {"raises", "lowers", "strength", "control"}
    assert inks.keys() == {"good", "focus"}
    for background in below:
        for name, value in washes.items():
            assert contrast(text, blend(colour(value), background, MAX_ALPHA)) >= AA, name
        for name, value in inks.items():
            assert contrast(colour(value), background) >= AA, name
        for share in map(int, re.findall(r"var\(--body-text-color\) (\d+)%, transparent\)(?=;)", CSS)):
            if share > 50:  # quiet text; lower shares are shadows
                assert contrast(blend(text, background, share / 100), background) >= AA, share
