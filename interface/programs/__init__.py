"""The same answers for programs: REST, `gradio_client` and MCP."""
