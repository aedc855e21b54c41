"""The Gradio page, and what it offers to programs. Only this package and `app.py` import gradio."""
