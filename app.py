"""Rerank Lens: which words made a reranker's score. `python app.py --help` lists the options."""

from __future__ import annotations

# --- constants -------------------------------------------------------------------------------------------------------
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ["GRADIO_SSR_MODE"] = "false"

import interface.gpu  # noqa: F401 - before torch, as ZeroGPU asks

# isort: split
import argparse
import json
from pathlib import Path

import gradio as gr

from attribution import MODELS, AttributionError, load_reranker
from attribution.rerankers.models import Checkpoint
from interface import explain_tab, inside_tab, lab_tab
from interface.api import explain_pair
from interface.common import MAX_DOCUMENT, MAX_QUERY, QUEUE, PairInputs

ROOT = Path(__file__).parent
EXAMPLES = json.loads((ROOT / "examples" / "pairs.json").read_text(encoding="utf-8"))
# Gradio's bundled semi-bold has few letters; its bold has all.
FONT: list[gr.themes.Font | str] = [
    gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)),
    "system-ui",
    "sans-serif",
]
CSS_FILES = sorted((ROOT / "attribution" / "views" / "static").glob("*.css"))
TITLE = "Rerank Lens"
INTRO = (
    "# Rerank Lens\nA reranker reads a query and a document together and returns one number. "
    "See which words made it, by several methods side by side, and how far to trust each."
)


# --- layout ----------------------------------------------------------------------------------------------------------
def build(model_ids: list[str]) -> gr.Blocks:
    """The page, with `model_ids` (keys of MODELS) on offer."""
    with gr.Blocks(title=TITLE, fill_width=True) as demo:
        gr.Markdown(INTRO)
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=320):
                pair = PairInputs(
                    model=gr.Dropdown(
                        [(MODELS[key].label, key) for key in model_ids], value=model_ids[0], label="Model"
                    ),
                    query=gr.Textbox(
                        EXAMPLES[0]["query"], label="Query", elem_id="query", lines=2, max_lines=6, max_length=MAX_QUERY
                    ),
                    document=gr.Textbox(
                        EXAMPLES[0]["document"],
                        label="Document",
                        elem_id="document",
                        lines=6,
                        max_lines=14,
                        max_length=MAX_DOCUMENT,
                    ),
                )
                settings = explain_tab.build_settings()
                with gr.Row():
                    start = gr.Button("Explain", variant="primary")
                    stop = gr.Button("Stop")
                examples = gr.Examples(
                    [[example["query"], example["document"]] for example in EXAMPLES],
                    [pair.query, pair.document],
                    example_labels=[example["label"] for example in EXAMPLES],
                    cache_examples=False,
                    examples_per_page=len(EXAMPLES),
                    label="Examples: a click fills the boxes and explains",
                    api_visibility="private",
                )
            with gr.Column(scale=2, min_width=320), gr.Tabs():
                with gr.Tab("Explain"):
                    begin = [start.click, pair.query.submit, examples.load_input_event.then]
                    explain_tab.build(pair, settings, begin, stop)
                with gr.Tab("Autograd lab"):
                    lab_tab.build(pair)
                with gr.Tab("Inside"):
                    inside_tab.build(pair)
        demo.unload(explain_tab.forget)
        gr.api(explain_pair, api_name="explain", **QUEUE)
    return demo


# --- launch ----------------------------------------------------------------------------------------------------------
def parse_args() -> argparse.Namespace:
    """Command line; a Space passes nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", action="append", default=[], metavar="ID_OR_PATH", help="another reranker: a folder or a Hub id"
    )
    parser.add_argument("--port", type=int, default=None, help="default: 7860 or the next free one")
    parser.add_argument("--host", default=None, help="default: this machine only; 0.0.0.0 for all")
    parser.add_argument("--share", action="store_true", help="a public link for up to a week, through Gradio")
    return parser.parse_args()


def main() -> None:
    """Load the models, then serve."""
    args = parse_args()
    for model in args.model:
        MODELS.setdefault(model, Checkpoint(label=Path(model).name, path=model, licence="see its card", trained_on=""))
    for model in MODELS:
        try:
            load_reranker(model)
        except AttributionError as error:
            raise SystemExit(f"error: {error}") from error
    demo = build([*args.model, *(key for key in MODELS if key not in args.model)])
    demo.queue(max_size=24).launch(
        server_name=args.host,
        server_port=args.port,
        share=args.share,
        css_paths=CSS_FILES,
        theme=gr.themes.Default(font=FONT),
        show_error=False,
        max_file_size="64kb",
        enable_monitoring=False,
        pwa=False,
        ssr_mode=False,
        mcp_server=True,
    )


if __name__ == "__main__":
    main()
