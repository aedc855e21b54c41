"""The command `rerank-lens`. What it takes: `attribution.batch.arguments`."""

import os
import signal
import sys
from io import TextIOWrapper
from typing import Any

from attribution.batch.arguments import parse_args
from attribution.batch.lines import Unheard, printable
from attribution.errors import FULL, AttributionError, check_environment

OK, SKIPPED, USAGE, INTERRUPTED = 0, 1, 2, 130
MAKE_ROOM = "What was written stays; make room, and run the same command again."


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if stream is None:  # closed by the caller; the next file would get its number, and what a library prints
            os.open(os.devnull, os.O_RDWR)
    said: Any = Unheard(sys.stderr or open(os.devnull, "w"))  # noqa: SIM115, or tqdm says it all on stdout
    sys.stderr = said
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a terminal of another encoding ends no run
    args = parse_args(arguments)
    _stop_as_by_hand()
    try:
        check_environment()
        from attribution.batch.commands import run  # torch comes along; help and usage do without

        skipped = run(args)
    except BrokenPipeError:  # the reader has seen enough; Python would complain at exit once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SKIPPED
    except KeyboardInterrupt:
        print("interrupted; what is written is whole", file=sys.stderr)
        return INTERRUPTED
    except (AttributionError, OSError) as error:
        said, full = str(error), isinstance(error, OSError) and error.errno in FULL
        if isinstance(error, OSError) and error.strerror:
            said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror  # no number of Python's
        said = "\n".join(map(printable, said.split("\n")))  # a library's may have several lines
        print(f"error: {said}{'. ' + MAKE_ROOM if full else ''}", file=sys.stderr)
        return USAGE
    if skipped:
        print(f"skipped in all: {skipped}", file=sys.stderr)
    return SKIPPED if skipped else OK


def _stop_as_by_hand() -> None:
    """SIGTERM and SIGHUP end the command as Ctrl-C does: it is no death of the row at which they come."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one
            signal.signal(number, signal.default_int_handler)


if __name__ == "__main__":
    sys.exit(main())
