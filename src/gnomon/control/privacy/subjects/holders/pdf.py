"""The words of the PDFs that our own reports are (WeasyPrint's): no reader of everybody's PDFs, and it says so.

What such a file is made of is little: objects one after the other, streams that are deflated, fonts that say which
letters their glyphs are (ISO 32000-1, 9.10.3). Whatever is not as expected makes the whole file unread.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final

_END: Final = b"\nendobj"
_OBJECT: Final = re.compile(rb"(?:%PDF[^\n]*\n%[^\n]*\n|\n)(\d{1,9}) 0 obj\s(.*)", re.DOTALL)
_STREAM: Final = re.compile(rb"(.*?)\nstream\r?\n(.*)\nendstream", re.DOTALL)
_TO_UNICODE: Final = re.compile(rb"/ToUnicode (\d+) 0 R")
_NAMED: Final = re.compile(rb"/([^\s/<>\[\]()]+)\s+(\d+)\s+0\s+R")
_PAIR: Final = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_TOKEN: Final = re.compile(rb"/(\S+)\s+[\d.\-]+\s+Tf\b|<([0-9A-Fa-f\s]*)>|\((?:[^()\\]|\\.)*\)\s*(?:Tj|'|\")|\b(ET)\b")
_ABOUT: Final = re.compile(rb"<(feff(?:[0-9a-f]{4})+)>")  # its title, what a picture shows
_HEX_DIGITS: Final = 4  # of one glyph


class NotOurs(ValueError):
    """The file is another one than our reports are."""


def words(data: bytes, *, most: int) -> Iterator[str]:
    """The text of each stream of the file. Raises NotOurs for a file that is made otherwise or unpacks to more."""
    if data.count(b"%%EOF") != 1 or b"/Encrypt" in data:
        raise NotOurs
    objects = _objects(data)
    streams = _streams(objects, most)
    for number, body in list(objects.items()):
        if b"/Type /ObjStm" in body[:200]:
            objects |= _packed(body, streams.get(number, b""))
    if not any(b"/Producer (WeasyPrint" in body for body in objects.values()):
        raise NotOurs
    fonts = _fonts(objects, streams)
    texts = [_said(content, fonts) for content in streams.values() if re.search(rb"\bBT\b", content)]
    if not any(text.strip() for text in texts):
        raise NotOurs  # a page that is a picture has words that nobody can read here
    yield from texts
    for body in objects.values():
        yield from (bytes.fromhex(told.decode()).decode("utf-16", "replace") for told in _ABOUT.findall(body))


def _objects(data: bytes) -> dict[int, bytes]:
    *bodies, trailer = data.split(_END)
    matches = [_OBJECT.fullmatch(body) for body in bodies]
    found = {int(match[1]): match[2] for match in matches if match}
    is_whole = len(found) == len(bodies) and trailer.lstrip().startswith((b"startxref", b"xref"))
    if not is_whole or any(b"\nstream" in body and not _STREAM.fullmatch(body) for body in found.values()):
        raise NotOurs  # or what ends an object stands in one by chance
    return found


def _streams(objects: dict[int, bytes], most: int) -> dict[int, bytes]:
    """The unpacked streams by their object, but pictures and the files of fonts."""
    found = {}
    for number, body in objects.items():
        match = _STREAM.fullmatch(body)
        if match is None or re.search(rb"/Subtype\s*/(?:Image|OpenType|CIDFontType0C|Type1C|XML)|/Length1\b", match[1]):
            continue
        content = match[2]
        if b"/Filter" in match[1]:
            if not re.search(rb"/Filter\s*\[?\s*/FlateDecode\s*\]?", match[1]):
                raise NotOurs
            content = _inflated(content, most)
        most -= len(content)
        if most < 0:
            raise NotOurs
        found[number] = content
    return found


def _inflated(data: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise NotOurs from error
    if not unpacker.eof:
        raise NotOurs  # cut off, or more than may come out of it
    return content


def _packed(head: bytes, content: bytes) -> dict[int, bytes]:
    """The objects in a stream of objects (7.5.7): numbers and places first, then the objects."""
    first = re.search(rb"/First (\d+)", head)
    if first is None:
        raise NotOurs
    start = int(first[1])
    told = [int(one) for one in content[:start].split()]
    numbers, places = told[::2], [start + place for place in told[1::2]]
    return {
        number: content[begin:end]
        for number, begin, end in zip(numbers, places, [*places[1:], len(content)], strict=True)
    }


def _fonts(objects: dict[int, bytes], streams: dict[int, bytes]) -> dict[bytes, dict[str, str]]:
    """Name of a font in the pages → glyph in hexadecimal → what it says."""
    tables = {
        number: _table(streams.get(int(match[1]), b""))
        for number, body in objects.items()
        if (match := _TO_UNICODE.search(body))
    }
    fonts: dict[bytes, dict[str, str]] = {}
    for body in objects.values():
        for name, number in _NAMED.findall(body):
            if int(number) in tables and fonts.setdefault(name, tables[int(number)]) is not tables[int(number)]:
                raise NotOurs  # one name, two fonts
    return fonts


def _table(cmap: bytes) -> dict[str, str]:
    if b"beginbfrange" in cmap:
        raise NotOurs
    parts = (part.partition(b"endbfchar")[0] for part in cmap.split(b"beginbfchar")[1:])
    pairs = (pair for part in parts for pair in _PAIR.findall(part))
    return {glyph.decode().lower(): bytes.fromhex(said.decode()).decode("utf-16-be") for glyph, said in pairs}


def _said(content: bytes, fonts: dict[bytes, dict[str, str]]) -> str:
    parts: list[str] = []
    font: dict[str, str] | None = None
    for token in _TOKEN.finditer(content):
        if token[1]:
            font = fonts.get(token[1])
        elif token[3]:
            parts.append("\n")
        elif token[2] is None or font is None:
            raise NotOurs  # letters in an encoding of their own
        else:
            glyphs = re.sub(rb"\s", b"", token[2]).decode().lower()
            each = (glyphs[at : at + _HEX_DIGITS] for at in range(0, len(glyphs), _HEX_DIGITS))
            try:
                parts += [font[glyph] for glyph in each]
            except KeyError as error:
                raise NotOurs from error
    return "".join(parts)
