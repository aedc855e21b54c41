"""Starts `rerank-lens`; in a module of its own name, since another package called attribution may replace the rest."""

import sys

import attribution


def main() -> int:
    """The command line, or what to do where this package's files are not its own any more."""
    if "load_reranker" not in getattr(attribution, "__all__", ()):
        sys.exit(
            f"error: {attribution.__file__} is not Rerank Lens: the package attribution, installed later, has replaced "
            "files of the same names. Run: pip uninstall attribution, then pip install --force-reinstall --no-deps "
            "rerank-lens; or give each an environment of its own."
        )
    from attribution.__main__ import main as run

    return run()
