"""From an id or a folder to a `Reranker`: files, the Hub, checks, the models on offer."""
