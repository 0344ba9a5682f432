"""A network's table of words keeps the rows that are asked for, and nothing else of its file changes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.guard.names.network import shortened
from gnomon.guard.names.tagger import Floats


def _varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80]) + _varint(value >> 7) if value > 0x7F else bytes([value])


def _bytes(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _network(table: Floats, *, is_packed: bool = False) -> bytes:
    """A model with a node, another table before and one behind the one that is asked for, and fields of every kind."""
    sizes = [_varint(size) for size in table.shape]
    dims = _bytes(1, b"".join(sizes)) if is_packed else b"".join(_varint(1 << 3) + size for size in sizes)
    words = dims + _varint(2 << 3) + b"\x01" + _bytes(8, b"words") + _bytes(9, table.astype("<f4").tobytes())
    other = _varint(1 << 3) + b"\x01" + _bytes(8, b"other") + _bytes(9, b"1234")
    graph = (
        _bytes(1, b"a node") + _bytes(5, other) + _bytes(5, words) + _bytes(5, other) + _varint(12 << 3 | 5) + b"four"
    )
    return _varint(1 << 3) + b"\x08" + _varint(2 << 3 | 1) + b"eight by" + _bytes(7, graph) + _bytes(8, b"the end")


@given(st.integers(1, 300), st.integers(1, 5), st.booleans(), st.data())
def test_the_rows_that_are_asked_for_are_kept_and_all_else_stands(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, is_packed: bool, data: st.DataObject
) -> None:
    table = np.arange(height * width, dtype=np.float32).reshape(height, width)
    rows = data.draw(st.lists(st.integers(0, height - 1), min_size=1, max_size=200))
    path = tmp_path_factory.mktemp("network") / "model.onnx"
    path.write_bytes(_network(table, is_packed=is_packed))
    assert shortened(path, "words", rows) == _network(table[rows])


def test_what_is_no_such_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    whole = _network(np.zeros((4, 2), np.float32))
    for data, name, rows, why in (
        (whole, "names", [0], "no table"),
        (whole, "words", [4], "4 rows"),
        (whole, "words", [], "4 rows"),
        (whole, "other", [0], "no table of floats"),
        (whole[:30], "words", [0], "longer"),
        (b"\x08\x01", "words", [0], "no network"),
        (b"\xff" * 20, "words", [0], "does not end"),
        (b"\x0b", "words", [0], "kind"),
    ):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=why):
            shortened(path, name, rows)
