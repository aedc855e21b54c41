"""What does a model read: edits whose right effect is known."""
