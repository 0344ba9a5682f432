"""Every character of a sentence as a row of feature numbers: what stands around it, in words and in names.

All by array arithmetic, no strings: a feature is a hash of a few character codes. The order of the features and the
mixing numbers are part of what a trained artefact means (`VERSION`).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gnomon import native
from gnomon.guard.names.lexicon import LONGEST, Codes, Lexicon

VERSION: Final = 2
BITS: Final = 20
"""Feature numbers are below 2 ** BITS."""
PAD: Final = 4
"""Places around a sentence at which nothing stands."""
_EDGE: Final = 1
_DIGIT, _LATIN, _CAPITAL = 48, 97, 65

_MIXES: Final = np.random.default_rng(20260101).integers(1 << 16, 1 << 32, size=128, dtype=np.uint32) | np.uint32(1)

Features = npt.NDArray[np.int32]
Hints = npt.NDArray[np.uint8]
"""What a second reader takes each character of a sentence for, by character and `HINTS`: its tag; the tag that comes
next; how sure it is of people, organisations and places; and of the first two more finely. All below 255."""
HINTS: Final = 4


def codes(text: str) -> Codes:
    """Code points; digits are all alike, and so are letters of one case."""
    plain = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    plain[(plain >= 48) & (plain <= 57)] = _DIGIT
    plain[(plain >= 97) & (plain <= 122)] = _LATIN
    plain[(plain >= 65) & (plain <= 90)] = _CAPITAL
    return plain


def joined(sentences: list[str]) -> tuple[Codes, npt.NDArray[np.intp]]:
    """The sentences in one row with padding around each, and where their characters stand in it."""
    edge = np.full(PAD, _EDGE, np.uint32)
    parts: list[Codes] = [edge]
    places: list[npt.NDArray[np.intp]] = []
    at = PAD
    for sentence in sentences:
        row = codes(sentence)
        places.append(np.arange(at, at + len(row)))
        parts += [row, edge]
        at += len(row) + PAD
    return np.concatenate(parts), np.concatenate(places) if places else np.zeros(0, np.intp)


class _Words:
    """Which dictionary words begin, end and lie at each place."""

    def __init__(self, row: Codes, lexicon: Lexicon) -> None:
        size = len(row)
        self.bits = np.zeros(size, np.uint32)
        self.begun = np.zeros(size, np.uint32)  # length and class of the longest word that begins here
        self.ended = np.zeros(size, np.uint32)
        self.named = np.zeros(size, np.uint32)
        self.nothing = np.zeros(size, np.uint32)
        for length in range(2, LONGEST + 1):
            kind = lexicon.classes(row, length).astype(np.uint32)
            self._add(kind, length)

    def _add(self, kind: Codes, length: int) -> None:
        there = (kind > 1).astype(np.uint32)
        person = (kind == 1).astype(np.uint32)
        mark = np.uint32(length * 16)
        self.bits |= there << np.uint32(length - 2)
        self.named |= person << np.uint32(length - 2)
        self.begun = np.where(kind > 0, kind + mark, self.begun)
        for step in range(1, length):
            behind = _shift(there, step)
            self.bits |= behind << np.uint32(2 + length if step == length - 1 else 7)
            self.named |= _shift(person, step) << np.uint32(3 if step == length - 1 else 4)
        last = _shift(kind, length - 1)
        self.ended = np.where(last > 0, last + mark, self.ended)


def _shift(row: Codes, step: int) -> Codes:
    """Each place sees what stands `step` before it."""
    moved = np.zeros_like(row)
    if step >= 0:
        moved[step:] = row[: len(row) - step]
    else:
        moved[:step] = row[-step:]
    return moved


_X, _BITS_OF, _BEGUN, _ENDED, _NAMED, _FIRST, _GIVEN, _NOTHING, _HINT, _NEXT, _SURE, _SURER = range(12)
"""What is known of one place: its character, dictionary words around it, names around it, how well it begins and
stands in a name; nothing, to fill up with; and what a second reader takes it for, in `HINTS` ways."""


def _x(*steps: int) -> tuple[tuple[int, int], ...]:
    return tuple((_X, step) for step in steps)


_GROUPS: Final = (
    *(_x(step) for step in (-2, -1, 0, 1, 2)),
    *(_x(step, step + 1) for step in (-3, -2, -1, 0, 1, 2)),
    _x(-1, 1),
    *(_x(step, step + 1, step + 2) for step in (-3, -2, -1, 0, 1)),
    ((_BITS_OF, 0),),
    ((_BITS_OF, -1), (_BITS_OF, 0)),
    ((_BITS_OF, 0), (_BITS_OF, 1)),
    ((_BITS_OF, -1), (_BITS_OF, 0), (_BITS_OF, 1)),
    ((_X, 0), (_BITS_OF, 0)),
    ((_ENDED, -1), (_BEGUN, 0)),
    ((_ENDED, 0), (_BEGUN, 1)),
    ((_ENDED, -1), (_X, 0)),
    ((_X, 0), (_BEGUN, 1)),
    ((_ENDED, -1), (_FIRST, 0), (_GIVEN, 1), (_GIVEN, 2)),
    ((_ENDED, -2), (_FIRST, -1), (_GIVEN, 0), (_BEGUN, 1)),
    ((_ENDED, -3), (_FIRST, -2), (_GIVEN, -1), (_GIVEN, 0), (_BEGUN, 1)),
    ((_FIRST, 0), (_GIVEN, 1), (_GIVEN, 2), (_BEGUN, 2), (_BEGUN, 3)),
    ((_FIRST, 0), (_GIVEN, 1), (_GIVEN, 2)),
    ((_FIRST, -1), (_GIVEN, 0), (_GIVEN, 1)),
    ((_FIRST, -2), (_GIVEN, -1), (_GIVEN, 0)),
    ((_FIRST, 0), (_GIVEN, 1), (_BITS_OF, 0), (_BITS_OF, 1)),
    ((_FIRST, -1), (_GIVEN, 0), (_BITS_OF, 0), (_BITS_OF, 1)),
    ((_NAMED, 0), (_FIRST, 0)),
    ((_NAMED, -1), (_NAMED, 0), (_NAMED, 1)),
    ((_X, -1), (_FIRST, 0), (_GIVEN, 1)),
    ((_X, 1), (_FIRST, -1), (_GIVEN, 0)),
    ((_X, 1), (_FIRST, -2), (_GIVEN, -1), (_GIVEN, 0)),
    ((_X, 2), (_X, 3), (_FIRST, 0), (_GIVEN, 1)),
    ((_X, 1), (_X, 2), (_GIVEN, 0), (_FIRST, -1)),
    ((_X, 1), (_X, 2), (_GIVEN, 0), (_FIRST, -2)),
    ((_X, -2), (_X, -1), (_FIRST, 0), (_GIVEN, 1)),
)
_HINTED: Final = (
    *(((_HINT, step),) for step in (-2, -1, 0, 1, 2)),
    ((_HINT, -1), (_HINT, 0)),
    ((_HINT, 0), (_HINT, 1)),
    ((_HINT, -1), (_HINT, 0), (_HINT, 1)),
    ((_HINT, -2), (_HINT, -1), (_HINT, 0)),
    ((_HINT, 0), (_HINT, 1), (_HINT, 2)),
    ((_X, 0), (_HINT, 0)),
    ((_X, -1), (_HINT, -1), (_HINT, 0)),
    ((_X, 1), (_HINT, 0), (_HINT, 1)),
    ((_FIRST, 0), (_HINT, 0), (_HINT, 1)),
    ((_FIRST, 0), (_GIVEN, 1), (_HINT, 0), (_HINT, 1)),
    ((_ENDED, -1), (_HINT, 0), (_BEGUN, 0)),
    *(((_NEXT, step),) for step in (-1, 0, 1)),
    *(((_SURE, step),) for step in (-2, -1, 0, 1, 2)),
    *(((_SURER, step),) for step in (-1, 0, 1)),
    ((_HINT, 0), (_NEXT, 0)),
    ((_SURE, -1), (_SURE, 0)),
    ((_SURE, 0), (_SURE, 1)),
    ((_SURE, -1), (_SURE, 0), (_SURE, 1)),
    ((_X, 0), (_SURE, 0)),
    ((_X, -1), (_SURE, 0)),
    ((_X, 1), (_SURE, 0)),
    ((_FIRST, 0), (_GIVEN, 1), (_SURE, 0), (_SURE, 1)),
    ((_FIRST, -1), (_GIVEN, 0), (_SURE, 0), (_SURE, -1)),
)
"""What there is besides where a second reader was asked."""
_ALL: Final = _GROUPS + _HINTED
WIDTH: Final = len(_GROUPS)
LEXICAL: Final = np.array([any(part == _X for part, _ in group) for group in _ALL])
"""Which features name characters; the others know only kinds, and so hold for names never seen."""
_MOST: Final = max(map(len, _ALL))
_WHAT: Final = np.array([[part for part, _ in group] + [_NOTHING] * (_MOST - len(group)) for group in _ALL], np.int64)
_WHERE: Final = np.array([[step for _, step in group] + [0] * (_MOST - len(group)) for group in _ALL], np.int64)
_SALT: Final = _MIXES[: len(_ALL), None]
_LAST: Final = np.uint32(0x2C1B3C6D)


def extract(sentences: list[str], lexicon: Lexicon, hints: Sequence[Hints] | None = None) -> Features:
    """One row a character of all sentences, one after the other; one column a feature, more with `hints`."""
    row, places = joined(sentences)
    words = _Words(row, lexicon)
    parts = [row, words.bits, words.begun, words.ended, words.named, lexicon.begins(row), lexicon.ends(row)]
    parts.append(words.nothing)
    if hints is None:
        return hashed(np.stack(parts), places, WIDTH)
    heard = np.zeros((HINTS, len(row)), np.uint32)
    heard[:, places] = np.concatenate([*hints, np.zeros((0, HINTS), np.uint8)]).T.astype(np.uint32) + np.uint32(1)
    return hashed(np.concatenate([np.stack(parts), heard]), places, len(_ALL))


def hashed(known: Codes, places: npt.NDArray[np.intp], width: int) -> Features:
    """The first `width` features of these places. `known`: by part, and by place of the row."""
    compiled = native.load("hashing")
    if compiled is None:
        return hashed_slowly(known, places, width)
    out = np.empty((len(places), width), np.int32)
    tables = (_WHAT[:width], _WHERE[:width], _SALT[:width])
    compiled.hashed(known, *tables, places, out, len(known), BITS)
    return out


def hashed_slowly(known: Codes, places: npt.NDArray[np.intp], width: int) -> Features:
    """The same without C."""
    salt = _SALT[:width]
    total = np.repeat(salt, len(places), axis=1)
    for part in range(_MOST):
        total ^= known[_WHAT[:width, part, None], _WHERE[:width, part, None] + places]
        total *= salt
        total ^= total >> np.uint32(13)
    total *= _LAST
    return np.ascontiguousarray((total >> np.uint32(32 - BITS)).T.astype(np.int32))
