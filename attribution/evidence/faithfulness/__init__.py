"""Is an explanation right: measured on the model, beside controls."""
