"""The words in the bytes of a file: text as it is, the parts of a package, packages in it; never silently less.

What shows pictures or sounds has no words by which anybody is looked for. Everything else that is not understood is
told as unread: who searches must know that the search is not whole.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final

from gnomon.control.privacy.subjects.holders import pdf
from gnomon.control.privacy.subjects.holders.base import Unread
from gnomon.kit.archives import DAMAGED

MOST: Final = 64 << 20
"""Bytes of one file, and of all that comes out of it."""
DEEPEST: Final = 3
"""Packages in packages: a table in a paper in an archive."""

_TAG: Final = re.compile(r"<[^>]+>")
_MARKUP: Final = (".xml", ".rels", ".vml", ".html", ".htm", ".svg")
# By their first bytes: PNG, JPEG, GIF, TIFF, BMP, EMF, WMF; fonts.
_PICTURES: Final = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"BM", b"\x01\0\0\0", b"\xd7\xcd\xc6\x9a",
    b"\0\1\0\0", b"OTTO", b"wOF",
)  # fmt: skip
_PACKED: Final = b"PK\x03\x04"
_EMPTY: Final = b"PK\x05\x06"
_PASSWORD: Final = b"\xd0\xcf\x11\xe0"  # a compound file: office documents with a password, and those of before 2007
_IS_ENCRYPTED: Final = 1


def words_of(data: bytes) -> Iterator[str]:
    """Every text in the file. Raises Unread at the end, with the first reason, when not all of it could be read."""
    reading = _Reading()
    yield from reading.of(data, "", depth=0)
    if reading.why:
        raise Unread(reading.why)


class _Reading:
    """One file: how much may still come out of it, and what first stood in the way of reading it whole."""

    def __init__(self) -> None:
        self.why = ""
        self._left = MOST

    def of(self, data: bytes, name: str, *, depth: int) -> Iterator[str]:
        if data.startswith((_PACKED, _EMPTY)):
            yield from self._package(data, depth=depth)
        elif data.startswith(b"%PDF"):
            yield from self._pdf(data)
        elif data.startswith(_PASSWORD):
            self._miss("encrypted")
        elif data.startswith(_PICTURES) and depth:
            return
        elif (text := _text(data)) is None:
            self._miss("binary")
        else:
            if len(data) > MOST:
                self._miss("too_large")
            yield _TAG.sub("\n", text) if name.endswith(_MARKUP) else text

    def _pdf(self, data: bytes) -> Iterator[str]:
        try:
            yield from list(pdf.words(data, most=self._left))
        except ValueError:
            self._miss("pdf")

    def _package(self, data: bytes, *, depth: int) -> Iterator[str]:
        if depth == DEEPEST:
            self._miss("nested")
            return
        try:
            package = zipfile.ZipFile(io.BytesIO(data))
        except DAMAGED:
            self._miss("damaged")
            return
        for part in package.infolist():
            if content := self._content(package, part):
                yield from self.of(content, part.filename, depth=depth + 1)

    def _content(self, package: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
        if part.flag_bits & _IS_ENCRYPTED:
            self._miss("encrypted")
            return b""
        try:
            with package.open(part) as opened:
                content = opened.read(self._left + 1)  # what the package says of its size may be wrong
        except DAMAGED:
            self._miss("damaged")
            return b""
        self._left -= len(content)
        if self._left < 0:
            self._left = 0
            self._miss("too_large")
            return b""
        return content

    def _miss(self, why: str) -> None:
        self.why = self.why or why


def _text(data: bytes) -> str | None:
    """What is text in UTF-8, UTF-16 with its mark or GB 18030; None for what is none."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data[:MOST].decode("utf-16", "replace")
    if b"\0" in data:
        return None
    try:
        return data[:MOST].decode("utf-8")
    except UnicodeDecodeError:
        return data[:MOST].decode("gb18030", "replace")
