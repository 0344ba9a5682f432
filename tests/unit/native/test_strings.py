"""A text becomes the same string of JSON in C as by the encoder, from its UTF-8 too."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gnomon import native
from gnomon.gateway.quoting import holds_slowly, is_utf8_slowly, quoted_slowly

quick = native.load("strings")
# Compares C with its twin: a machine without a compiler has only the twin, tested elsewhere.
pytestmark = pytest.mark.skipif(quick is None, reason="not built")
ANY = st.one_of(st.text(st.characters()), st.text('"\\\0\b\t\n\v\f\r\x1f\x7f\x80é中😀\ud800\udfff', max_size=12))
BYTES = st.lists(st.sampled_from(["中".encode(), b"a", b'"', *(bytes([n]) for n in range(0x7E, 0x100))]), max_size=8)


@given(ANY)
@example("中" * 5000)
@example('"\0' * 3000)
def test_a_text_is_written_as_the_encoder_writes_it(text: str) -> None:
    assert quick.quoted(text) == quoted_slowly(text)


@given(st.text(), st.integers(0, 3))
@example("中" * 5000, 0)
def test_bytes_are_written_as_the_text_that_they_are(text: str, cut: int) -> None:
    data = text.encode()
    whole = data[: len(data) - cut]
    assert quick.quoted(whole) == quoted_slowly(whole)
    assert quick.is_utf8(whole) == is_utf8_slowly(whole)


@given(BYTES)
def test_bytes_that_are_no_utf8_are_told_from_those_that_are(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    assert quick.is_utf8(data) == is_utf8_slowly(data)
    assert quick.quoted(data) == quoted_slowly(data)


@given(st.binary(max_size=12), st.lists(st.binary(min_size=1, max_size=3), max_size=5))
@example(b"xab", [b"abc", b"b"])
@example(b"aab", [b"ab"])
@example(b"", [b"a"])
def test_signs_are_seen_wherever_they_stand(data: bytes, signs: list[bytes]) -> None:
    # Few letters, so that many begin alike and some stand at the very end.
    data, *signs = (bytes(97 + byte % 3 for byte in one) for one in (data, *signs))
    assert quick.holds(data, *signs, b"z") == holds_slowly(data, *signs, b"z")


def test_a_sign_of_nothing_is_no_sign() -> None:
    for wrong in ((b"a", b""), (b"a", "a"), ("a", b"a"), (b"a",)):
        with pytest.raises(TypeError):
            quick.holds(*wrong)


def test_every_character_is_written_and_read_back() -> None:
    text = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF)
    assert msgspec.json.decode(quick.quoted(text)) == text
    assert quick.is_utf8(text.encode())


def test_half_a_character_is_no_string() -> None:
    assert quick.quoted("a\ud800") is None
    assert quoted_slowly("a\ud800") is None


def test_what_is_neither_text_nor_bytes_is_refused() -> None:
    with pytest.raises(TypeError, match="a text or bytes"):
        quick.quoted(3)
