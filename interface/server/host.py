"""What the host may ask and say: is it up, an example of an audit, who may log in, end now; see docs/deploy.md."""

import os
import signal
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from attribution.errors import InputError

AUTH = "RERANK_LENS_AUTH"
AUDIT = Path(__file__).resolve().parents[2] / "docs" / "audit-selqa.html"
LINK = "Example audit", "example-audit"  # its place is told by the page's own, whatever a proxy calls that


async def health(_request: Request) -> JSONResponse:
    """The server answers, and its models are loaded: it is not up before."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def example_audit(_request: Request) -> FileResponse:
    """The report that docs/audit.md reads."""
    return FileResponse(AUDIT, media_type="text/html")


ROUTES = [Route("/healthz", health), Route(f"/{LINK[1]}", example_audit)]


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
