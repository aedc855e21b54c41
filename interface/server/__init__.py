"""What the server says around Gradio's answers."""
