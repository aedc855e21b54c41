"""Gradio's MCP server, as its tools are promised: one JSON object each, and an end when a client leaves."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio.mcp
from mcp import types

from attribution.export import dumps
from interface.server.gradio_private import UNFIT, fitting
from interface.server.gradio_queue import leave

_leaving: set[asyncio.Task[None]] = set()  # asyncio itself keeps no task alive


@contextmanager
def leaving(job: Any) -> Iterator[None]:
    """Gradio asks its own queue for a tool, in a stream that all clients share; what a client has left, ends there."""

    async def end() -> None:
        while not job.done():
            if job.communicator.event_id:
                leave(job.communicator.event_id)
                return
            await asyncio.sleep(0.1)  # not in the queue yet

    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.get_running_loop().create_task(end())
        _leaving.add(task)
        task.add_done_callback(_leaving.discard)
        raise


class McpServer(gradio.mcp.GradioMCPServer):
    """Each tool answers one JSON object, as text and as `structuredContent`; on a Space under the same name."""

    def get_tool_to_endpoint(self) -> dict[str, str]:
        """Tools are called as the endpoints are; Gradio puts a Space's name before them."""
        self.tool_prefix = ""
        return super().get_tool_to_endpoint()

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:  # noqa: ARG002 - Gradio's signature
        """JSON, where Gradio writes Python."""
        return [types.TextContent(type="text", text=dumps(output)) for output in data]

    async def _execute_tool_without_progress(self, job: Any) -> list[Any]:
        """Gradio waits in a thread, which does not hear that the client has left."""
        with leaving(job):
            return [await asyncio.wrap_future(job.future)]

    async def _execute_tool_with_progress(self, job: Any, progress_token: str | int) -> Any:
        """As Gradio does it, as long as the client is there."""
        with leaving(job):
            return await super()._execute_tool_with_progress(job, progress_token)

    def create_mcp_server(self) -> Any:
        """Gradio's server, its answers completed."""
        server = super().create_mcp_server()
        gradio_call = server.request_handlers[types.CallToolRequest]

        async def call(request: types.CallToolRequest) -> types.ServerResult:
            answer = await gradio_call(request)
            result = answer.root
            if isinstance(result, types.CallToolResult):
                (content,) = result.content
                text = getattr(content, "text", "{}")
                if not result.isError:
                    result.structuredContent = json.loads(text)
                elif text.startswith(UNFIT):
                    said = fitting(text, self.blocks, request.params.name)
                    result.content = [types.TextContent(type="text", text=said)]
            return answer

        server.request_handlers[types.CallToolRequest] = call
        return server


def install_mcp() -> None:
    """Before the launch: Gradio makes its MCP server by this name."""
    gradio.mcp.GradioMCPServer = McpServer  # type: ignore[misc]
