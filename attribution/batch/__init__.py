"""Many pairs: read them, answer each, write one line an answer. `python -m attribution --help`."""
