"""What the server says around Gradio's answers, and what Gradio does not promise; knows nothing of runs or tabs."""
