"""Every way in which a text may be meant: as it looks, spelled out, with digits for letters, backwards, coded.

One quick scan says which readings there are; ordinary text has one. A reading knows where its characters come from.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gnomon.guard.content.islands import CODINGS, islands
from gnomon.guard.content.patterns import Patterns
from gnomon.guard.normalise import fold
from gnomon.guard.scan import ODD

DEPTH = 3
"""Codings inside codings that are read."""
_HOMOGLYPHS = str.maketrans(
    "АВЕКМНОРСТУХаеорсухіјѕԁԛԝһӏɡαοερτυνικΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑıⅼℓ",
    "ABEKMHOPCTYXaeopcyxijsdqwhlgaoeptuvikABEZHIKMNOPTYXaill",
)
_LEET = str.maketrans("013457@$!|", "oieastasil")
_SPELLED = re.compile(r"(?:[^\W\d_][ \t.\-_*|/\\~·、，,+]{1,3}){4,}[^\W\d_](?!\w)")
_BETWEEN = re.compile(r"[ \t.\-_*|/\\~·、，,+]{1,3}")
_SEPARATOR = rb"[ \t.\-_*|/\\~+,]{1,3}"
_HANZI = rb"[\xe4-\xe9][\x80-\xbf]{2}"
_WIDE_SEPARATOR = rb"(?:" + _SEPARATOR + rb"|\xc2\xb7|\xe3\x80\x81|\xef\xbc\x8c)"
_GATES: tuple[tuple[bytes, ...], ...] = (
    (
        rb"\b[A-Za-z]" + (_SEPARATOR + rb"[A-Za-z]") * 4 + rb"\b",
        _HANZI + (_WIDE_SEPARATOR + _HANZI) * 3,
    ),
    (rb"[a-z][013457@$!|]{1,2}[a-z]", rb"\b[013457@$!|][a-z]{3}"),
)
_SPELLED_GATE, _LEET_GATE, _ROT13_GATE, _BACKWARDS_GATE, _FOLD_GATE, _ALIKE_GATE, _HINT_GATE = range(7)
_FIRST_CODING = 7
_ALIKE = (rb"[\xcc-\xd3][\x80-\xbf]", rb"\xc9[\x91\xa1]", rb"\xc4\xb1", rb"\xe2\x85\xbc|\xe2\x84\x93")
"""Combining marks, Greek, Cyrillic, and a few letters more that look Latin."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`places[i]` is where character `i` comes from; None: from its own place. `is_hidden`: nobody sees it so.

    `is_hinted`: it may hold a word without which nobody asks for harm (`meant`).

    All of `island` is the place of whatever stands in it: a coded text means nothing in parts.
    """

    text: str
    places: Sequence[int] | None = None
    is_hidden: bool = False
    is_hinted: bool = False
    island: tuple[int, int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of the characters `start` to `end` (`start` < `end`)."""
        if self.island is not None:
            return self.island
        if self.places is None:
            return start, end
        ends = self.places[start], self.places[end - 1]
        return min(ends), max(ends) + 1


class Reader:
    """Finds the readings of texts; backwards and in ROT13 where a stem of `phrases` stands so. Thread-safe."""

    def __init__(self, phrases: Iterable[str], hints: Sequence[bytes] = (), memory: Path | None = None) -> None:
        stems = sorted({stem for phrase in phrases for stem in re.findall("[a-z]{5,}", phrase)})
        rot13 = tuple(codecs.encode(stem, "rot13").encode() for stem in stems)
        backwards = tuple(stem[::-1].encode() for stem in stems)
        groups = [*_GATES, rot13, backwards, ODD, _ALIKE, tuple(hints), *[(coding.gate,) for coding in CODINGS]]
        self._group = [number for number, group in enumerate(groups) for _ in group]
        self._gate = Patterns([pattern for group in groups for pattern in group], once=True, memory=memory)

    def readings(self, text: str) -> list[Reading]:
        """How `text` may be read, first as it looks."""
        found: list[Reading] = []
        self._read(Reading(text), found, DEPTH)
        return found

    def plain(self, text: str) -> Reading:
        """`text` as it looks."""
        return _looks(Reading(text), self._fired(text))

    def _fired(self, text: str) -> set[int]:
        return {self._group[number] for _, number in self._gate.found(text.encode("utf-8", "surrogatepass"))}

    def _read(self, reading: Reading, found: list[Reading], depth: int) -> None:
        fired = self._fired(reading.text)
        plain = _looks(reading, fired)
        found.append(plain)
        if _SPELLED_GATE in fired:
            found.append(_joined(plain))
        if _LEET_GATE in fired:
            found.append(replace(plain, text=plain.text.translate(_LEET), is_hinted=True))
        if _ROT13_GATE in fired:
            found.append(replace(plain, text=codecs.encode(plain.text, "rot13"), is_hidden=True, is_hinted=False))
        if _BACKWARDS_GATE in fired:
            places = plain.places or range(len(plain.text))
            backwards = replace(plain, text=plain.text[::-1], places=places[::-1], is_hidden=True, is_hinted=False)
            found.append(backwards)
        codings = {number - _FIRST_CODING for number in fired if number >= _FIRST_CODING}
        if codings and depth:
            self._decode(reading, codings, found, depth)

    def _decode(self, reading: Reading, codings: set[int], found: list[Reading], depth: int) -> None:
        for island in islands(reading.text, codings):
            place = reading.span(island.start, island.end)
            self._read(Reading(island.text, None, is_hidden=True, island=place), found, depth - 1)


def _looks(reading: Reading, fired: set[int]) -> Reading:
    """As a reader sees it: look-alikes, full-width letters and invisible signs folded, character by character."""
    if _FOLD_GATE not in fired and _ALIKE_GATE not in fired:
        return replace(reading, is_hinted=True) if _HINT_GATE in fired else reading
    shadow = fold(reading.text)
    text, places = shadow.text, shadow.offsets
    if _ALIKE_GATE in fired:
        kept = [index for index, char in enumerate(text) if not unicodedata.combining(char)]
        if len(kept) < len(text):
            text = "".join([text[index] for index in kept])
            places = [places[index] for index in kept] if places is not None else kept
        text = text.translate(_HOMOGLYPHS)
    if places is not None and reading.places is not None:
        places = [reading.places[place] for place in places]
    return replace(reading, text=text, places=places if places is not None else reading.places, is_hinted=True)


def _joined(reading: Reading) -> Reading:
    """Letters that were written apart put together; what stood between words stays as one space."""
    text, source = reading.text, reading.places or range(len(reading.text))
    parts: list[str] = []
    places: list[int] = []
    at = 0
    for match in _SPELLED.finditer(text):
        parts.append(text[at : match.start()])
        places.extend(source[at : match.start()])
        usual = min(len(gap) for gap in _BETWEEN.findall(match.group()))
        for piece in re.finditer(r"[^\W\d_]|[ \t.\-_*|/\\~·、，,+]+", match.group()):
            if piece.group().isalpha():
                parts.append(piece.group())
            elif len(piece.group()) > usual:
                parts.append(" ")
            else:
                continue
            places.append(source[match.start() + piece.start()])
        at = match.end()
    parts.append(text[at:])
    places.extend(source[at:])
    return replace(reading, text="".join(parts), places=places, is_hinted=True)
