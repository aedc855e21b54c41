"""Rerank Lens: which words made a reranker's score, as a page that this command serves."""

# --- constants -------------------------------------------------------------------------------------------------------
import gc
import os

gc.disable()  # until all is imported, of which nothing is garbage: to look for some took a sixth of the start
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from attribution.errors import OptionError, check_environment

try:
    check_environment()
except OptionError as error:
    raise SystemExit(f"error: {error}") from None

from interface.runs.gpu import ON_ZEROGPU  # before torch, as ZeroGPU asks

# isort: split
import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from attribution import MODELS, AttributionError, load_reranker
from attribution.rerankers.loading.load import default_model, on_disk
from attribution.rerankers.loading.models import offer, split_ids
from attribution.views.templating import render
from interface.page import actions, layout, links, models, settings
from interface.programs.api import ENDPOINTS
from interface.programs.endpoints import register
from interface.runs.handlers import explain_ahead
from interface.runs.lanes import MAIN, places, refuse, wait_of_a_full_queue
from interface.runs.limits import LONGEST_REQUEST, limit
from interface.server import gradio_private, host, open_graph
from interface.server.body import Body, close_half_sent
from interface.server.gradio_mcp import install_mcp
from interface.server.gradio_queue import install_queue
from interface.tabs.table import TABS, lines

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
CSS_FILES = [*sorted((ROOT / "attribution" / "views" / "static").glob("*.css")), layout.STATIC / "page.css"]
SCRIPTS = layout.scripts("page", "host", "stream", "order", "count", "documents", "links", "files", "downloads")
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
# What Gradio says to screen readers, and has no English words for.
SPOKEN = {"common.complete": "Complete", "common.progress": "Progress", "status.queue_position": "Waiting"}
demo: gr.Blocks  # Gradio looks for it by this name on a Space
SESSIONS = 500  # visitors remembered, 0.24 MB each; the one who was longest away is forgotten


# --- layout ----------------------------------------------------------------------------------------------------------
def build(model_ids: list[str]) -> tuple[gr.Blocks, Callable[[], None]]:
    """The page, with `model_ids` (keys of MODELS) on offer; and what is left to do once the server listens."""
    with gradio_private.Page(title=TITLE, fill_width=True) as demo:
        chips = layout.build_top([*open_graph.about(), host.LINK, ("API", "?view=api")], EXAMPLES)
        pair = layout.build_pair(model_ids, EXAMPLES[0])
        with gr.Row(elem_id="actions"):
            buttons = actions.build(lines())
            options = settings.build_settings(pair, model_ids[0])
            copy_button = links.build_copy()
            buttons.lines[MAIN].render()
            buttons.stops[""].render()
        layout.fill_from(chips, pair, "() => window.rerankLens.start()")
        models.build(pair, buttons)
        shell = layout.Shell(pair, options, buttons, model_ids, EXAMPLES)
        linked = [links.Linked(options.fields, copy=copy_button)]
        with gr.Tabs(elem_id="tabs"):
            for row in TABS:
                with gr.Tab(row.label, id=row.id, elem_id=f"{row.id}-tab") as tab:
                    linked.append(row.build(shell, tab) or links.Linked([]))
        with gr.Accordion("Key", open=False, elem_id="key"):  # the title line's link opens it
            gr.HTML(render("key.html"))
        actions.build_stops(buttons)
        links.build(demo, pair, linked)
        demo.unload(actions.leave)
        register(demo, ENDPOINTS)

    def later() -> None:
        for job in shell.later:
            job(demo)
        if not ON_ZEROGPU:  # whose visitors run in processes of their own
            explain_ahead(shell.examples)

    return demo, later


# --- launch ----------------------------------------------------------------------------------------------------------
def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
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
    return parser.parse_args(arguments)


def start(args: argparse.Namespace) -> Callable[[], None]:
    """Load the models and serve; returns what is left to do once it listens. Raises `SystemExit` with a sentence."""
    global demo
    given = offer([*args.model, *split_ids(os.environ.get("RERANKER_MODELS", ""))])
    try:
        accounts, *_ = host.accounts(), host.headers(), limit()
        for model in given:
            if on_disk(model):  # what is to come from the Hub comes when it is chosen
                load_reranker(model)
        first = default_model()
        demo, once_it_listens = build([first, *(key for key in MODELS if key != first)])
    except AttributionError as error:
        raise SystemExit(f"error: {error}") from error
    if ON_ZEROGPU:  # there the launch takes the weights away, for the workers
        once_it_listens()
    launch(demo, accounts, server_name=args.host, server_port=args.port, share=args.share)
    return (lambda: None) if ON_ZEROGPU else once_it_listens


def launch(demo: gr.Blocks, accounts: list[tuple[str, str]] | None = None, **where: Any) -> None:
    """Serve the page and come back."""
    install_queue(places, refuse)
    install_mcp()
    gradio_private.install(partial(open_graph.rewritten, tags=open_graph.preview(TITLE, DESCRIPTION)))
    demo.queue()
    demo.launch(
        **where,
        css_paths=CSS_FILES,
        head=render("page_head.html", description=DESCRIPTION, script=SCRIPTS),
        theme=THEME,
        show_error=False,
        max_file_size="64kb",
        enable_monitoring=False,
        run_history=False,
        app_kwargs={
            "middleware": [
                Middleware(host.Headers, wait=wait_of_a_full_queue),
                Middleware(GZipMiddleware, compresslevel=4),  # no streams; Gradio sends its page of 0.6 MB as it is
                Middleware(Body, limit=LONGEST_REQUEST),
            ],
            "routes": host.ROUTES,
            "exception_handlers": gradio_private.REFUSALS,
        },
        pwa=False,
        i18n=gr.I18n(en=SPOKEN),
        ssr_mode=False,
        auth=accounts,
        mcp_server=not accounts,  # Gradio asks nobody to log in there
        prevent_thread_lock=True,
        state_session_capacity=SESSIONS,
    )
    close_half_sent(demo.server)


def main() -> None:
    """Serve until the end; the examples are explained first."""
    host.end_by_sigterm()
    start(parse_args())()
    demo.block_thread()


if __name__ == "__main__":
    main()
