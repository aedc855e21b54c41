"""Which model: what is on offer, loading, forwards, the one hook, scores with words gone."""
