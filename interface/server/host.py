"""What the host may ask and say: is it up, who may log in, end now. Variables are in docs/deploy.md."""

from __future__ import annotations

import os
import signal

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from attribution.errors import InputError

AUTH = "RERANK_LENS_AUTH"


async def health(_request: Request) -> JSONResponse:
    """The server answers, and its models are loaded: it is not up before."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


ROUTES = [Route("/healthz", health)]


def accounts() -> list[tuple[str, str]] | None:
    """Names and passwords of `RERANK_LENS_AUTH`, `name:password,name:password`; None: no login. Raises `InputError`."""
    given = os.environ.get(AUTH, "").strip()
    pairs = [part.partition(":") for part in given.split(",") if part.strip()]
    if any(not name.strip() or not password.strip() for name, _, password in pairs):
        raise InputError(f"{AUTH} is not of the form name:password,name:password: a name or a password is missing.")
    return [(name.strip(), password.strip()) for name, _, password in pairs] or None


def end_by_sigterm() -> None:
    """SIGTERM ends the process at once, with all runs; Linux would not end the first one of a container by itself."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
