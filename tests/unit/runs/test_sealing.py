"""A sealed set opens with its key and only as it was sealed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.engine.sealing import BadSeal, WrongSealKey, content_hash, new_seal_key, open_rows, seal_rows, sealed_hash
from gnomon.kit.errors import BadInput

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
rows_of = st.lists(st.dictionaries(texts, texts | st.integers(-(2**50), 2**50) | st.booleans() | st.none(), max_size=4))


@settings(max_examples=40, deadline=None)
@given(rows_of)
def test_rows_come_back_exactly_and_keep_their_hash_under_every_key(rows: list[dict[str, object]]) -> None:
    one, other = new_seal_key(), new_seal_key()
    blob, again = seal_rows(rows, one), seal_rows(rows, other)
    assert open_rows(blob, one) == rows
    assert sealed_hash(blob) == sealed_hash(again) == content_hash(rows)
    assert blob != seal_rows(rows, one)  # a fresh nonce each time


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    key = new_seal_key()
    blob = bytearray(seal_rows([{"id": "1", "text": "很好"}], key))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises((BadSeal, WrongSealKey)):
        open_rows(bytes(blob), key)


def test_the_text_is_not_in_the_bytes_and_another_key_is_told_apart() -> None:
    blob = seal_rows([{"id": "1", "text": "很好"}], new_seal_key())
    assert "很好".encode() not in blob
    with pytest.raises(WrongSealKey, match="sealed with key"):
        open_rows(blob, new_seal_key())
    with pytest.raises(WrongSealKey, match="32 bytes"):
        open_rows(blob, b"short")


@pytest.mark.parametrize("blob", [b"", b"PK\x03\x04", b"GNSEAL1\n" + b"\0" * 20])
def test_other_files_are_not_sealed_sets(blob: bytes) -> None:
    with pytest.raises(BadSeal, match="not a sealed set"):
        open_rows(blob, new_seal_key())


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(BadInput, match="written as JSON"):
        content_hash([{"score": float("nan")}])
