"""Tab "Compare": its inputs, layout, state, runs and what-ifs."""
