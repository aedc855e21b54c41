"""Requests that are too long, half sent or files, over real HTTP: refused in a sentence, and they leave nothing."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from interface.runs.limits import LONGEST_REQUEST, MAX_DOCUMENT, MAX_DOCUMENTS, MAX_QUERY
from interface.server.body import NO_FILES, Body, close_half_sent

LIMIT = 100_000


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body's length."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message["body"]), message["more_body"]
    answer = str(length).encode()
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


@contextmanager
def served(patience: float = 30.0) -> Iterator[tuple[str, int]]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        app = Body(echo, LIMIT, patience)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        server.config.load()
        close_half_sent(server, patience)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as (host, port):
        yield f"http://{host}:{port}"


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """Each request on a connection of its own; certificates, which none of them needs, are not read for each."""
    with httpx.Client(verify=False, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        yield client


def resident() -> int:
    """Memory of this process, which also serves, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20


def all_of(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    received = b""
    while piece := connection.recv(4096):
        received += piece
    return received


def in_pieces(megabytes: int) -> Iterator[bytes]:
    piece = b"x" * 2**20
    for _ in range(megabytes):
        yield piece


def test_the_longest_valid_request_fits_however_json_spells_it() -> None:
    longest = {"data": ["🎉" * MAX_QUERY, ["🎉" * MAX_DOCUMENT] * MAX_DOCUMENTS]}
    assert 0.99 < len(json.dumps(longest)) / LONGEST_REQUEST < 1.001


@pytest.mark.parametrize("length", [0, 1, LIMIT])
def test_a_request_within_the_limit_arrives_whole(url: str, http: httpx.Client, length: int) -> None:
    assert http.post(url, content=b"x" * length).text == str(length)
    assert http.put(url, content=iter([b"x" * length])).text == str(length)
    assert http.get(url).text == "0"


@pytest.mark.parametrize("body", [b"x" * (LIMIT + 1), iter([b"x" * LIMIT, b"x"])], ids=["by length", "while reading"])
def test_one_byte_more_is_refused(url: str, http: httpx.Client, body: Any) -> None:
    answer = http.post(url, content=body)
    assert answer.status_code == 413
    assert answer.json() == {"error": "The request is too long: at most 100,000 bytes are taken. Shorten the texts."}


def test_huge_posts_side_by_side_leave_memory_level(url: str, http: httpx.Client) -> None:
    http.post(url, content=in_pieces(1))
    before = resident()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: http.post(url, content=in_pieces(24), timeout=60), range(4)))
    assert [answer.status_code for answer in answers] == [413] * 4
    assert resident() - before < 24  # one body of the four would not fit
    assert http.post(url, content=b"x").text == "1"


@pytest.mark.parametrize("path", ["upload", "upload/", "upload?upload_id=a", "process_recording", "stream/a"])
def test_files_are_refused(url: str, http: httpx.Client, path: str) -> None:
    answer = http.post(f"{url}/gradio_api/{path}", files={"files": ("a.txt", b"text")})
    assert (answer.status_code, answer.json()) == (403, {"error": NO_FILES})


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"", b""),
        (b"POST /x HT", b""),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n", b""),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", b"HTTP/1.1 408 "),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", b"HTTP/1.1 408 "),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\nhalf", b"HTTP/1.1 413 "),
    ],
)
def test_what_is_half_sent_is_closed(sent: bytes, says: bytes) -> None:
    with served(patience=0.2) as address, socket.create_connection(address, timeout=20) as connection:
        connection.sendall(sent)
        assert all_of(connection).startswith(says)


def test_a_second_request_half_sent_is_closed_too() -> None:
    with served(patience=0.2) as address, socket.create_connection(address, timeout=20) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"POST /x HT")
        assert all_of(connection) in (b"", b"1")
