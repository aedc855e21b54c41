"""Why is one document above another, and what would change it."""
