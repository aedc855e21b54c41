# The page for a host of your own: docs/deploy.md says how to run it. A Space reads requirements.txt instead.
FROM python:3.12-slim
RUN useradd --create-home --uid 1000 lens
WORKDIR /app
COPY requirements.txt constraints.txt ./
# torch without CUDA first, alone; leave the line out for a machine with a GPU.
RUN pip install --no-cache-dir --no-deps --index-url https://download.pytorch.org/whl/cpu -c constraints.txt torch
RUN pip install --no-cache-dir -c constraints.txt -r requirements.txt
COPY app.py ./
COPY attribution attribution
COPY interface interface
COPY examples examples
COPY models models
COPY docs/audit-selqa.html docs/
USER lens
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"GRADIO_SERVER_PORT\"]}/healthz')"]
CMD ["python", "app.py"]
