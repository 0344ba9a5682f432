"""What is known of words and of names before any sentence is read: two hashed tables, small enough to ship.

Words come from a dictionary with parts of speech, one `word frequency tag` a line (jieba's, MIT); names among them
say which characters begin and which end a Chinese name, and how much more often than other words do.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gnomon.guard.names.surnames import COMPOUND, SURNAMES

Codes = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]

_CLASSES: Final = {
    tag: number
    for number, tags in enumerate(
        (
            "nr nrt nrfg",
            "ns",
            "nt",
            "nz j",
            "n ng an vn s",
            "v vg vd",
            "a ad ag b z",
            "d zg",
            "p c u uj",
            "r m q t f",
            "i l",
        ),
        start=1,
    )
    for tag in tags.split()
}
OTHER: Final = 12
PERSON: Final = 1
_BITS: Final = 22
_MIX: Final = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F], np.uint32)
LONGEST: Final = 4
_CHARS: Final = 0x10000


def _slots(columns: Sequence[Codes]) -> tuple[npt.NDArray[np.intp], Bytes]:
    """Where words (one column a character) lie in the table, and the four check bits that they carry there."""
    total = np.full(len(columns[0]), len(columns), np.uint32)
    for mix, column in zip(_MIX, columns, strict=False):
        total = (total ^ (column * mix)) * np.uint32(0x2C1B3C6D)
        total ^= total >> np.uint32(15)
    return (total >> np.uint32(32 - _BITS)).astype(np.intp), ((total & np.uint32(15)) << np.uint32(4)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """`words`: class and check bits by hash. `chars`: by code point, high half how well it begins a name, low half
    how well it ends one (0 never to 7)."""

    words: Bytes
    chars: Bytes

    def classes(self, codes: Codes, length: int) -> Bytes:
        """The class of the word of `length` characters that begins at each place; 0 where none is known."""
        found = np.zeros(len(codes), np.uint8)
        if len(codes) < length:
            return found
        stop = len(codes) - length + 1
        slots, check = _slots([codes[at : at + stop] for at in range(length)])
        entry = self.words[slots]
        found[:stop] = np.where((entry & 0xF0) == check, entry & 0x0F, 0)
        return found

    def begins(self, codes: Codes) -> Codes:
        """How well each character begins a name, 0 to 7."""
        return self.chars[np.minimum(codes, _CHARS - 1)].astype(np.uint32) >> np.uint32(4)

    def ends(self, codes: Codes) -> Codes:
        """How well each character stands in a given name, 0 to 7."""
        return self.chars[np.minimum(codes, _CHARS - 1)].astype(np.uint32) & np.uint32(7)


def build(lines: Iterable[str], *, least: int = 3) -> Lexicon:
    """The tables from dictionary lines; words rarer than `least` are left out, names are not."""
    words: list[tuple[int, int, str]] = []
    given: Counter[str] = Counter()
    plain: Counter[str] = Counter()
    for line in lines:
        word, frequency, tag = line.split()
        group = _CLASSES.get(tag, OTHER)
        if group == PERSON and _is_chinese(word):
            given.update(word[2 if word[:2] in COMPOUND else 1 :])
        else:
            plain.update({char: int(frequency) for char in word})
        if 2 <= len(word) <= LONGEST and (group == PERSON or int(frequency) >= least):
            words.append((int(frequency), group, word))
    return Lexicon(_table(words), _chars(given, plain))


def _is_chinese(word: str) -> bool:
    return 2 <= len(word) <= 4 and (word[0] in SURNAMES or word[:2] in COMPOUND)


def _table(words: list[tuple[int, int, str]]) -> Bytes:
    table = np.zeros(1 << _BITS, np.uint8)
    for length in range(2, LONGEST + 1):
        chosen = sorted(word for word in words if len(word[2]) == length)
        if not chosen:
            continue
        columns = [np.array([ord(word[2][at]) for word in chosen], np.uint32) for at in range(length)]
        slots, check = _slots(columns)
        # The more frequent word is written last and stays.
        table[slots] = check | np.array([word[1] for word in chosen], np.uint8)
    return table


def _chars(given: Counter[str], plain: Counter[str]) -> Bytes:
    chars = np.zeros(_CHARS, np.uint8)
    named, common = sum(given.values()) or 1, sum(plain.values()) or 1
    for char, count in given.items():
        odds = math.log((count + 0.5) / named) - math.log((plain[char] + 50) / common)
        if ord(char) < _CHARS:
            chars[ord(char)] = min(7, max(1, round(3 + odds)))
    for rank, char in enumerate(SURNAMES):
        level = 7 if rank < 30 else 6 if rank < 100 else 5 if rank < 200 else 4 if rank < 300 else 3
        chars[ord(char)] |= level << 4
    for char in {word[0] for word in COMPOUND}:
        chars[ord(char)] |= 0x10
    return chars
