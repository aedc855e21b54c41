"""What the visitor sees: one file a tab. Only this package and `app.py` import gradio."""
