"""Whoever reads archives says that one is damaged; none of it is an error of the program."""

import contextlib
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gnomon.cli.subject import BadPackage, checked
from gnomon.contract.masking import MaskPolicy
from gnomon.control.privacy.documents import masked_document
from gnomon.control.privacy.subjects.holders.base import Unread
from gnomon.control.privacy.subjects.holders.words import words_of
from gnomon.control.privacy.trying import Bench
from gnomon.engine.byte_sources import Unreadable, parts_of
from gnomon.guard.carriers import UnreadableDocument
from gnomon.guard.policy import DEFAULT_POLICY


def packed(how: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        archive.writestr("word/document.xml", b"<p>" + b"words " * 40 + b"</p>")
        archive.writestr("manifest.json", b"{}")
        archive.writestr("manifest.sig", b"none")
    return out.getvalue()


WAYS = ("stored", "deflated", "bzip2", "lzma")
ARCHIVES = dict(zip(WAYS, map(packed, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, 12, 14)), strict=True))
BENCH = Bench(MaskPolicy(id="tried", version="1", rules=DEFAULT_POLICY.rules), direction="input")


def through_policy(data: bytes) -> None:
    masked_document(BENCH, data, "a.docx", may_pass_unread=True)


def for_a_person(data: bytes) -> None:
    list(words_of(data))


def as_a_thief(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a").write_bytes(data)
        for _, chunks in parts_of(Path(folder, "a")):
            list(chunks)


def as_a_copy(data: bytes) -> None:
    checked(data)


def end(archive: bytes) -> int:
    """Where its list of parts begins."""
    return archive.index(b"PK\x01\x02")


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (through_policy, UnreadableDocument),
        (for_a_person, Unread),
        (as_a_thief, Unreadable),
        (as_a_copy, BadPackage),
    ],
)
@given(st.sampled_from(WAYS), st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
@example("deflated", [(52, 0xFF)])
@example("bzip2", [(52, 0xFF)])
@example("lzma", [(58, 0xFF)])
@example("stored", [(end(ARCHIVES["stored"]) + 46, 0)])  # a part without a name
@example("stored", [(ARCHIVES["stored"].rindex(b"PK\x01\x02") + 46, 0)])
@example("stored", [(end(ARCHIVES["stored"]) + 6, 0xFF)])  # a version that nobody knows
@example("stored", [(end(ARCHIVES["stored"]) + 10, 0x63)])  # a compression that nobody knows
@example("stored", [(len(ARCHIVES["stored"]) - 4, 0xFF)])  # a list of parts that begins elsewhere
def test_damage_anywhere_is_told_in_words(
    read: Callable[[bytes], None], words: type[Exception], way: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(ARCHIVES[way])
    for place, value in changes:
        data[place % len(data)] = value
    with contextlib.suppress(words):  # or the change was none, or hit what nobody reads
        read(bytes(data))
