"""What a sentence says where islands stand in it (`guard/islands.py`), so that names hide in none.

A sentence is never cut inside an island. Which tokens are islands is decided from the left: of a token that is longer
than a stream holds, only the pieces between two cuts are read.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from gnomon.contract.verdicts import Span
from gnomon.guard import islands
from gnomon.guard.cutting import LONGEST, TOKEN
from gnomon.guard.names.segments import LONGEST as LONGEST_SENTENCE
from gnomon.guard.names.segments import ends
from gnomon.guard.view import Found

_MAYBE: Final = re.compile(r"[%\\]|[A-Za-z0-9+/_\-]{15}")
_TOKEN: Final = re.compile(rf"[{TOKEN}]+")

Place = tuple[int, int]


class Said(NamedTuple):
    """What a text says, and where each character of it stands in the text (`None`: at the same place)."""

    text: str
    places: list[Place] | None = None

    def parts(self) -> list[tuple[int, str]]:
        """Where each sentence begins in what is said, and the sentence: an island may say more than one."""
        if self.places is None or len(self.text) <= LONGEST_SENTENCE:
            return [(0, self.text)]
        cuts = ends(self.text, ())
        starts = [0, *(cut for cut in cuts if cut < len(self.text))]
        return [(start, self.text[start:end]) for start, end in zip(starts, [*starts[1:], len(self.text)], strict=True)]

    def placed(self, item: Found, start: int) -> Found:
        """A finding in the sentence that begins at `start`, at its place in the text."""
        first, last = item.start + start, item.end + start
        if self.places is None:
            return item._replace(start=first, end=last)
        return item._replace(start=self.places[first][0], end=self.places[last - 1][1])


def said(text: str, depth: int = 0) -> Said:
    """What a sentence says with its islands read, and the islands in those."""
    if depth == islands.DEEPEST or not _MAYBE.search(text):
        return Said(text)
    parts: list[str] = []
    places: list[Place] = []
    at = 0
    for reading in islands.readings(text):
        if reading.start < at:
            continue  # of a token that has been read, escapes first
        inner = said(reading.text, depth + 1)
        parts += [text[at : reading.start], inner.text]
        places += [(place, place + 1) for place in range(at, reading.start)]
        places += _within(reading, inner)
        at = reading.end
    if not parts:
        return Said(text)
    places += [(place, place + 1) for place in range(at, len(text))]
    return Said("".join((*parts, text[at:])), places)


def _within(reading: islands.Reading, inner: Said) -> list[Place]:
    """Where the characters that an island says stand; those of base64 all stand in the whole of it."""
    outer = reading.places
    if outer is None:
        return [(reading.start, reading.end)] * len(inner.text)
    if inner.places is None:
        return outer
    return [(outer[first][0], outer[last - 1][1]) for first, last in inner.places]


class Walls(NamedTuple):
    """Where no sentence may end. Of what stands from `stop` on, more text must tell. `tail`: where the last token of
    the text begins, if it goes on to the end; `long`: tokens that are too long to be held, and read, whole."""

    walls: list[Span]
    stop: int
    long: list[Place]
    tail: int


def walls(text: str, *, is_inside: bool, is_all: bool) -> Walls:
    """The islands of a text. `is_inside`: it begins inside a token that is too long; `is_all`: nothing follows."""
    if not is_inside and not _MAYBE.search(text):
        return Walls([], len(text), [], _tail(text))
    found: list[Span] = []
    long: list[Place] = []
    for token in _TOKEN.finditer(text):
        if len(token.group()) > LONGEST or (is_inside and token.start() == 0):
            long.append(token.span())
        elif not _MAYBE.search(token.group()):
            continue
        elif token.end() == len(text) and not is_all:
            return Walls(found, token.start(), long, token.start())
        elif any(True for _ in islands.readings(token.group())):
            found.append(Span(*token.span(), "", 0))
    return Walls(found, len(text), long, _tail(text))


def _tail(text: str) -> int:
    backwards = _TOKEN.match(text[: -LONGEST - 1 : -1])
    return len(text) - (backwards.end() if backwards else 0)


def goes_on(found: Walls, end: int, length: int) -> bool:
    """Whether what follows a cut at `end` of a text of so many characters goes on with a token that was cut."""
    return any(first < end < last for first, last in found.long) or (end == length and found.tail < end)


def joined(spans: Sequence[Span]) -> list[Span]:
    """In order, those that overlap as one: two names in one base64 island are that island."""
    apart: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if apart and span.start < apart[-1].end:
            last = apart[-1]
            apart[-1] = Span(last.start, max(last.end, span.end), last.entity, last.score)
        else:
            apart.append(span)
    return apart
