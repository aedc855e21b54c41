"""Rerank Lens: which words made a reranker's score. `python app.py --help` lists the options."""

from __future__ import annotations

# --- constants -------------------------------------------------------------------------------------------------------
import gc
import os

gc.disable()  # until all is imported, of which nothing is garbage: to look for some took a sixth of the start
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ["GRADIO_SSR_MODE"] = "false"

from interface.runs.gpu import ON_ZEROGPU  # before torch, as ZeroGPU asks

# isort: split
import argparse
import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from attribution import MODELS, AttributionError, load_reranker
from attribution.rerankers.loading.load import default_model, on_disk
from attribution.rerankers.loading.models import offer, split_ids
from attribution.views.page import head_html, status_html
from interface.page import actions as act
from interface.page import layout as page
from interface.page import links as permalink
from interface.page import models, settings
from interface.programs import api
from interface.programs.endpoints import register
from interface.runs.handlers import end_in_sight
from interface.runs.lanes import WAITING, places, wait_of_a_full_queue
from interface.runs.limits import LONGEST_REQUEST, MAX_DOCUMENT, MAX_QUERY
from interface.server import gradio_private, host
from interface.server.body import Body
from interface.server.connections import close_half_sent
from interface.server.headers import Headers, headers
from interface.server.open_graph import OpenGraph, about, preview
from interface.tabs import explain as explain_tab
from interface.tabs import inside as inside_tab
from interface.tabs import lab as lab_tab
from interface.tabs import probes as probes_tab
from interface.tabs import two_models
from interface.tabs.compare import tab as compare_tab
from interface.tabs.first import waiting

gc.freeze()
gc.enable()
ROOT = Path(__file__).parent
EXAMPLES = json.loads((ROOT / "examples" / "pairs.json").read_text(encoding="utf-8"))
# Gradio's bundled semi-bold has few letters; its bold has all.
FONT: list[gr.themes.Font | str] = [
    gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)),
    "system-ui",
    "sans-serif",
]
CSS_FILES = [*sorted((ROOT / "attribution" / "views" / "static").glob("*.css")), page.STATIC / "page.css"]
SCRIPT_FILES = [*(page.STATIC / f"{name}.js" for name in ("page", "host", "count", "documents")), permalink.SCRIPT]
SCRIPTS = "\n".join(path.read_text("utf-8") for path in SCRIPT_FILES)
TITLE = "Rerank Lens"
DESCRIPTION = (
    "A reranker reads a query and a document together and returns one number. See which words made it, by several "
    "methods side by side, and how far to trust each."
)
THEME = gr.themes.Default(primary_hue="blue", font=FONT).set(
    button_primary_background_fill="*primary_600",  # a contrast of 4.5 at least, as for what follows
    button_primary_background_fill_hover="*primary_700",
    body_text_color_subdued="*neutral_600",
)
KEPT_FILES = 3600, 3600  # seconds between looks, and of a file's life: the page itself writes none
demo: gr.Blocks  # Gradio looks for it by this name on a Space
SESSIONS = 500  # visitors remembered, 0.4 MB each; the one who was longest away is forgotten


# --- layout ----------------------------------------------------------------------------------------------------------
def build(model_ids: list[str]) -> tuple[gr.Blocks, Callable[[], None]]:
    """The page, with `model_ids` (keys of MODELS) on offer; and what explains its first example."""
    first = EXAMPLES[0]
    texts = model_ids[0], first["query"], first["document"]
    opening = waiting(load_reranker(model_ids[0]).revision, *texts)
    with gradio_private.Page(title=TITLE, fill_width=True) as demo:
        chips = page.build_top([*about(), ("API", "?view=api")], EXAMPLES)
        pair = page.build_pair(model_ids, first)
        with gr.Row(elem_id="actions"):
            explain_button = gr.Button("Explain", variant="primary", elem_id="explain", scale=0)
            options = settings.build_settings(pair, model_ids[0])
            stop_button = gr.Button("Stop", elem_id="stop", interactive=False, scale=0)
            copy_button = gr.Button("Copy link", elem_id="copy-link", scale=0, min_width=110)
            status = gr.HTML(status_html(act.KEYS), elem_id="status")
        actions = act.Actions(explain_button, stop_button, status, gr.Timer(1, active=False), *act.build_lines())
        page.fill_from(chips, pair, "() => window.rerankLens.start()")
        models.build(pair, actions, page.count)
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Explain", id="explain"):
                runs = explain_tab.build(pair, options, actions, tabs, opening)
                runs.append(two_models.build(pair, options.groups, model_ids, actions))
            with gr.Tab("Compare", id="compare", elem_id="compare-tab") as tab:
                compare_fields, show_form, more = compare_tab.build(pair, actions, tab)
                runs += more
            with gr.Tab("Autograd lab", id="lab", elem_id="lab-tab") as tab:
                runs.append(lab_tab.build(pair, actions, tab))
            with gr.Tab("Inside", id="inside", elem_id="inside-tab") as tab:
                runs.append(inside_tab.build(pair, actions, tab))
            with gr.Tab("Probes", id="probes", elem_id="probes-tab") as tab:
                runs.append(probes_tab.build(pair, actions, tab))
        page.build_key()
        act.end_by(actions, pair, runs)
        fields = [
            permalink.choice(pair.model),
            permalink.text(pair.query, MAX_QUERY),
            permalink.text(pair.document, MAX_DOCUMENT),
            *options.fields,
            *compare_fields,
        ]
        permalink.build(demo, fields, copy_button, show_form)
        demo.unload(act.forget)
        register(demo, api.ENDPOINTS)
    end_in_sight(demo)
    return demo, lambda: opening.explain(demo, lambda: explain_tab.first_result(*texts))


# --- launch ----------------------------------------------------------------------------------------------------------
def parse_args() -> argparse.Namespace:
    """Command line; a Space passes nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="ID_OR_PATH",
        help="another reranker: a folder or a Hub id; may be given again. In a Space: the variable RERANKER_MODELS",
    )
    parser.add_argument("--port", type=int, default=None, help="default: 7860 or the next free one")
    parser.add_argument("--host", default=None, help="default: this machine only; 0.0.0.0 for all")
    parser.add_argument("--share", action="store_true", help="a public link for up to a week, through Gradio")
    return parser.parse_args()


def main() -> None:
    """Load the models, serve, then explain the first example."""
    global demo
    host.end_by_sigterm()
    args = parse_args()
    given = offer([*args.model, *split_ids(os.environ.get("RERANKER_MODELS", ""))])
    try:
        accounts, _ = host.accounts(), headers()
        for model in given:
            if on_disk(model):  # what is to come from the Hub comes when it is chosen
                load_reranker(model)
    except AttributionError as error:
        raise SystemExit(f"error: {error}") from error
    first = default_model()
    demo, explain_first = build([first, *(key for key in MODELS if key != first)])
    gradio_private.install_mcp()
    if ON_ZEROGPU:  # there the launch takes the weights away, for the workers
        explain_first()
    demo.queue(max_size=WAITING)
    gradio_private.look_less_often(demo)
    demo.launch(
        server_name=args.host,
        server_port=args.port,
        share=args.share,
        css_paths=CSS_FILES,
        head=head_html(DESCRIPTION, SCRIPTS),
        theme=THEME,
        show_error=False,
        max_file_size="64kb",
        enable_monitoring=False,
        run_history=False,
        app_kwargs={
            "middleware": [
                Middleware(Headers, places=places, wait=wait_of_a_full_queue),
                Middleware(OpenGraph, tags=preview(TITLE, DESCRIPTION)),
                Middleware(Body, limit=LONGEST_REQUEST),
            ],
            "routes": host.ROUTES,
            "exception_handlers": gradio_private.REFUSALS,
        },
        pwa=False,
        ssr_mode=False,
        auth=accounts,
        mcp_server=not accounts,  # Gradio asks nobody to log in there
        prevent_thread_lock=True,
        state_session_capacity=SESSIONS,
    )
    close_half_sent(demo.server)
    if not ON_ZEROGPU:
        explain_first()
    demo.block_thread()


if __name__ == "__main__":
    main()
