"""A file of text, line by line, as people have them: gzip, byte order marks, CRLF, other separators inside a text."""

import codecs
import gzip
import io
import logging
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO

from attribution.batch.arrow import PARQUET, STREAM, json_rows
from attribution.errors import InputError

Tell = Callable[[str], object]  # hears what was read otherwise than it stands in the file
say: Tell = logging.getLogger("rerank_lens").warning

GZIP = b"\x1f\x8b"
MARK = "\ufeff"  # a byte order mark, decoded
MARKS = {  # the longer first: UTF-32's begins as UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
PACKED = {
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"\xfd7zXZ\x00": "compressed by xz",
    b"BZh": "compressed by bzip2",
    b"PK\x03\x04": "a zip archive",
    b"ARROW1": "an Arrow file",
}
CARRIAGE_RETURNS = re.compile("\r[^\r]*\t")
# What a terminal obeys or a reader takes for a new line, and what turns the direction of the text after it.
CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
ESCAPED = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of a byte that is no UTF-8


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of every line of a file. Raises `InputError` as `split_lines` does, and for what is not UTF-8."""
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give a file.")
    with naming(path), path.open("rb") as file:
        for number, line in split_lines(file, path.name):
            try:
                check_utf8(line)
            except InputError as error:
                raise InputError(f"{path.name} is not UTF-8: line {number} {error}.") from None
            yield number, line


def stdin_lines() -> Iterator[str]:
    """The text of every line of stdin. Raises `InputError` as `split_lines` does, and where it is closed."""
    if sys.stdin is None:
        raise InputError("The standard input is closed. Give the lines there, as in COMMAND < pairs.jsonl.")
    return (line for _, line in split_lines(sys.stdin.buffer, "stdin"))


def split_lines(file: IO[bytes], name: str) -> Iterator[tuple[int, str]]:
    """Number and text of every line of an open file, without its line end; bytes that are no UTF-8 are escaped.

    Lines end at a line feed, or at CRLF, and nowhere else: a lone carriage return or U+2028 is part of its text. Gzip
    is known by its first bytes, UTF-16 and UTF-32 by their byte order mark; of Parquet a line is a row, as JSON. Raises
    `InputError`, which calls it `name`.
    """
    stream: Any = file if hasattr(file, "peek") else io.BufferedReader(file)
    try:
        while stream.peek(2)[:2] == GZIP:  # a server may pack what is packed already
            stream = io.BufferedReader(gzip.GzipFile(mode="rb", fileobj=stream))
        if stream.peek(4)[:4] in (PARQUET, STREAM):
            yield from json_rows(stream, name)
            return
        encoding = _encoding(stream.peek(6)[:6], name)
        text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="\n")
        try:
            for number, line in enumerate(text, start=1):
                if number == 1 and not line.endswith("\n") and _by_returns(line):
                    raise InputError(f"{name} ends its lines by carriage returns alone. Convert them to line feeds.")
                yield number, line.removeprefix(MARK).removesuffix("\n").removesuffix("\r")
        finally:
            text.detach()  # the stream is not ours to close
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name} is cut off or damaged: {error}. Download or copy it again.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is cut off or not {error.encoding}: {error.reason}. Convert it to UTF-8.") from None


class Unheard:
    """A stream for messages that ends no run: once it cannot be written to, as when its reader left, nothing is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write it, if anybody reads."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Send what is written on its way."""
        self._try(self._stream.flush)

    def _try(self, what: Callable[[], object]) -> None:
        try:
            what()
        except OSError:
            self._stream = open(os.devnull, "w")  # noqa: SIM115 - as long as the process


@contextmanager
def naming(path: object) -> Iterator[None]:
    """An `OSError` from within names `path`, where it would name a temporary file or nothing."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno) if error.errno else str(error), str(path)) from None


def printable(said: str) -> str:
    """A message as one line for a terminal: an id or a key that it quotes from a file must not act there."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), said)


def check_utf8(line: str) -> None:
    """Raises `InputError` where `split_lines` had to escape a byte."""
    if found := ESCAPED.search(line):
        raise InputError(f"holds the byte 0x{ord(found[0]) - 0xDC00:02x}, which is not UTF-8; convert it first")


def _by_returns(line: str) -> bool:
    """Whether what is one line by its line feeds is several, since a tab follows, or there is none in it."""
    return bool(CARRIAGE_RETURNS.search(line)) or ("\t" not in line and "\r" in line.strip())


def _encoding(head: bytes, name: str) -> str:
    for mark, kind in PACKED.items():
        if head.startswith(mark):
            raise InputError(f"{name} is {kind}. Give plain text or gzip.")
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    if b"\0" in head[:2]:
        raise InputError(f"{name} looks like UTF-16 without a byte order mark. Convert it to UTF-8.")
    return "utf-8"
