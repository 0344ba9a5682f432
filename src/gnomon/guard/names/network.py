"""An onnx file's network with fewer rows in one of its tables: what a table says of words that are never asked for
need not lie in memory (of LAC's 58,224 rows 8,223 are single characters).

Only the little of Protocol Buffers that this takes: fields are copied as they stand, but for the table and the lengths
of what holds it (onnx.proto3: ModelProto 7 graph, GraphProto 5 initializer, TensorProto 1 dims, 8 name, 9 raw_data).
"""

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

_GRAPH, _TABLE = 7, 5
_DIMS, _KIND, _NAME, _RAW = 1, 2, 8, 9
_FLOAT: Final = 1
_VARINT, _LONG, _BYTES, _SHORT = 0, 1, 2, 5
_FIXED: Final = {_LONG: 8, _SHORT: 4}


class _Field(NamedTuple):
    number: int
    start: int  # of the field with its key
    body: int
    end: int


def shortened(path: Path, name: str, rows: Sequence[int]) -> bytes:
    """The file, its table `name` with these of its rows only, in their order. Raises ValueError when it has no such
    table of floats, or the table no such row."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        graph = next((field for field in _fields(data, 0, len(data)) if field.number == _GRAPH), None)
        if graph is None:
            raise ValueError(f"{path.name} holds no network")
        parts, is_found = [], False
        for field in _fields(data, graph.body, graph.end):
            is_table = field.number == _TABLE and _text(data, field, _NAME) == name
            is_found |= is_table
            parts.append(
                _framed(_TABLE, _table(data, field, name, rows)) if is_table else data[field.start : field.end]
            )
        if not is_found:
            raise ValueError(f"{path.name} holds no table {name}")
        return data[: graph.start] + _framed(_GRAPH, b"".join(parts)) + data[graph.end :]


def _table(data: mmap.mmap, table: _Field, name: str, rows: Sequence[int]) -> bytes:
    raw = next((field for field in _fields(data, table.body, table.end) if field.number == _RAW), None)
    shape = [
        size for field in _fields(data, table.body, table.end) if field.number == _DIMS for size in _sizes(data, field)
    ]
    if raw is None or len(shape) != 2 or shape[0] * shape[1] * 4 != raw.end - raw.body:
        raise ValueError(f"{name} is no table of floats")
    width = shape[1] * 4
    if not rows or not 0 <= min(rows) <= max(rows) < shape[0]:
        raise ValueError(f"{name} has {shape[0]} rows")
    kept = b"".join(data[raw.body + row * width : raw.body + (row + 1) * width] for row in rows)
    sizes = b"".join(_key(_DIMS, _VARINT) + _varint(size) for size in (len(rows), shape[1]))
    return sizes + _key(_KIND, _VARINT) + _varint(_FLOAT) + _framed(_NAME, name.encode()) + _framed(_RAW, kept)


def _sizes(data: mmap.mmap, field: _Field) -> Iterator[int]:
    """The numbers of a repeated field, one or packed."""
    at = field.body
    while at < field.end:
        value, at = _number(data, at)
        yield value


def _text(data: mmap.mmap, table: _Field, number: int) -> str:
    field = next((one for one in _fields(data, table.body, table.end) if one.number == number), None)
    return data[field.body : field.end].decode("utf-8", "replace") if field else ""


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[_Field]:
    while at < end:
        start = at
        key, at = _number(data, at)
        body, kind = at, key & 7
        if kind == _VARINT:
            _, at = _number(data, at)
        elif kind == _BYTES:
            size, body = _number(data, at)
            at = body + size
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise ValueError(f"a field of kind {kind}")
        if at > end:
            raise ValueError("a field is longer than what holds it")
        yield _Field(key >> 3, start, body, at)


def _number(data: mmap.mmap, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number does not end")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _framed(number: int, body: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(body)) + body
