"""A small document through a policy on trial: text, tables, JSON, office documents. In memory, and kept nowhere."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import PurePath
from typing import Final

from gnomon.control.privacy.trying import Bench
from gnomon.guard.carriers import UnreadableDocument, office, table, tree

MOST_BYTES: Final = 500_000
"""Of a document on trial, and forty times as many unpacked: it is masked while somebody waits."""
MOST_UNPACKED: Final = 40 * MOST_BYTES
KINDS: Final = ("txt", "md", "log", "csv", "tsv", "json", "jsonl", "docx", "xlsx", "pptx")
_OFFICE: Final = frozenset(("docx", "xlsx", "pptx"))
_ENCODINGS: Final = ("utf-8-sig", "gb18030")  # spreadsheets of Chinese Windows write the second


def masked_document(bench: Bench, data: bytes, name: str, *, may_pass_unread: bool = False) -> tuple[bytes, str]:
    """The document after the policy, and its kind; what was seen is in the bench's trial.

    Raises UnreadableDocument for what is too large, of no known kind, or cannot be read as what it is.
    """
    if len(data) > MOST_BYTES:
        raise UnreadableDocument(
            f"The document has {len(data)} bytes; {MOST_BYTES} can be tried here.",
            next_step="Mask it with `gnomon mask`, which takes any size.",
        )
    kind = office.kind(data) or PurePath(name).suffix.lower().lstrip(".") or "txt"
    if kind not in KINDS or (kind in _OFFICE and not office.kind(data)):
        raise UnreadableDocument(
            f"A file of kind {kind!r} cannot be read here.", next_step=f"Give one of: {', '.join(KINDS)}."
        )
    if kind in _OFFICE:
        return _office(bench, data, may_pass_unread), kind
    text, encoding = _decoded(data)
    try:
        return _WAYS.get(kind, _text)(bench, text).encode(encoding), kind
    except RecursionError as error:
        raise UnreadableDocument("The document is nested too deeply.", next_step="Flatten it.") from error


def _office(bench: Bench, data: bytes, may_pass_unread: bool) -> bytes:
    size = sum(part.file_size for part in zipfile.ZipFile(io.BytesIO(data)).infolist())
    if size > MOST_UNPACKED:
        raise UnreadableDocument(
            f"Unpacked the document has {size} bytes; {MOST_UNPACKED} can be tried here.",
            next_step="Mask it with `gnomon mask`, which takes any size.",
        )
    if bench.tool.wants_columns and not may_pass_unread:
        office.without_columns(data)
    return office.applied(data, bench.apply, may_pass_unread=may_pass_unread)


def _decoded(data: bytes) -> tuple[str, str]:
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        has_mark = data.startswith(b"\xef\xbb\xbf")
        return text, encoding if encoding != "utf-8-sig" or has_mark else "utf-8"
    raise UnreadableDocument("The file is neither UTF-8 nor GB 18030.", next_step="Save it as UTF-8.")


def _text(bench: Bench, text: str) -> str:
    return bench.apply(text).text


def _rows(delimiter: str) -> Callable[[Bench, str], str]:
    def through(bench: Bench, text: str) -> str:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n" if "\r\n" in text else "\n")
        writer.writerows(table.applied(io.StringIO(text, newline=""), bench.apply, delimiter=delimiter))
        return out.getvalue()

    return through


def _json(bench: Bench, text: str) -> str:
    return _dumped(tree.applied(_value(text, 1), bench.apply, is_whole=_is_whole(bench)), indent=2)


def _lines(bench: Bench, text: str) -> str:
    values = (_value(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    return "".join(_dumped(tree.applied(value, bench.apply, is_whole=_is_whole(bench))) for value in values)


def _is_whole(bench: Bench) -> Callable[[str], bool]:
    return lambda field: bench.tool.is_whole(field, bench.direction)


def _value(text: str, line: int) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UnreadableDocument(
            f"Line {line} is no JSON: {error}.", next_step="Correct it, or name it .txt."
        ) from error


def _dumped(value: object, *, indent: int | None = None) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be written with escapes
        text = json.dumps(value, indent=indent)
    return text + "\n"


_WAYS: Final = {"csv": _rows(","), "tsv": _rows("\t"), "json": _json, "jsonl": _lines}
