"""Which small faults would no test notice? `python -m tests.mutants`."""
