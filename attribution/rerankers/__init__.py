"""Which model: what is on offer, loading, encoding, forwards, hooks."""
