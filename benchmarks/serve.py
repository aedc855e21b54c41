"""The app in a process of its own, as a user starts it, once it answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATIENCE = 300.0  # seconds


CARD = 'rl-strongest\\"'  # a class, in JSON, that only cards with a result have


@contextmanager
def serve(
    *command: str, shows: str = "", log: Path | None = None, port: int = 0, root: Path = ROOT, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`python COMMAND` in `root`, on `port` or a free one: the process and its address; ended afterwards.

    From the first byte on, or once the page `shows` such a text, as the app's does a `CARD` of its first example. What
    it prints goes to `log`. Raises `RuntimeError` with it if no answer comes.
    """
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    quiet = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "GRADIO_SERVER_PORT": str(port)}
    with (log or Path(os.devnull)).open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=root,
            env={**os.environ, **quiet, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        if not await_page(process, url, shows):
            said = log.read_text(encoding="utf-8") if log else ""
            raise RuntimeError(f"{' '.join(command)[:200]} did not answer within {PATIENCE:.0f} s\n{said}")
        yield process, url
    finally:
        process.terminate()
        process.wait(20)


def await_page(process: subprocess.Popen[bytes], url: str, shows: str = "") -> bool:
    """Whether the page has come, and `shows` in it, before the process ended or patience did."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as page:
                if shows.encode() in page.read():
                    return True
        except OSError:
            pass
        time.sleep(0.1)
    return False
