"""Gradio's MCP server, with answers that are JSON and tools that have the same names on a Space and off it."""

from __future__ import annotations

import json
from typing import Any

import gradio.mcp
from mcp import types

from attribution.export import dumps


class McpServer(gradio.mcp.GradioMCPServer):
    """Each tool answers one JSON object: as text, and as `structuredContent`."""

    def get_tool_to_endpoint(self) -> dict[str, str]:
        """Tools are called as the endpoints are; Gradio puts a Space's name before them."""
        self.tool_prefix = ""
        return super().get_tool_to_endpoint()

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:  # noqa: ARG002 - Gradio's signature
        """JSON, where Gradio writes Python."""
        return [types.TextContent(type="text", text=dumps(output)) for output in data]

    def create_mcp_server(self) -> Any:
        """Gradio's server, its answers completed."""
        server = super().create_mcp_server()
        gradio_call = server.request_handlers[types.CallToolRequest]

        async def call(request: types.CallToolRequest) -> types.ServerResult:
            answer = await gradio_call(request)
            result = answer.root
            if isinstance(result, types.CallToolResult) and not result.isError:
                (content,) = result.content
                result.structuredContent = json.loads(getattr(content, "text", "{}"))
            return answer

        server.request_handlers[types.CallToolRequest] = call
        return server


def install() -> None:
    """Before the launch: Gradio makes its MCP server by this name."""
    gradio.mcp.GradioMCPServer = McpServer  # type: ignore[misc]
