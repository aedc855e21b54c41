"""Results -> escaped HTML. No torch, no gradio."""
