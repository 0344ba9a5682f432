"""Where the concepts stand in a text: two scans over its bytes with hyperscan, whatever the number of phrases.

What is scanned is *squeezed*: spaces, line ends, quotes, dashes, stars and underscores between words are one space.
"""

import re
from pathlib import Path
from typing import NamedTuple

from gnomon.guard.content.book import BadBook, Book
from gnomon.guard.content.patterns import Patterns

_GAPS = b'\t\n\x0b\x0c\r "*_-~`'
_TO_SPACE = bytes.maketrans(_GAPS, b" " * len(_GAPS))
_WORD = re.compile(b"[^" + re.escape(_GAPS) + b"]+")
_WIDE = ((b"\xe3\x80\x80", b"   "), (b"\xe2\x80\x99", b"  '"), (b"\xe2\x80\x98", b"  '"), (b"\xe2\x80\x94", b"   "))
"""Characters of three bytes that stand for one of ours; as long as they are, so that places stay."""
_SYNTAX = re.compile(r"\\.|\[[^\]]*\]|\{[0-9,]+\}|.", re.DOTALL)
_LONGEST_PHRASE = 160


class Event(NamedTuple):
    """A phrase of `concept` ends at byte `end`; in the order of their ends."""

    end: int
    concept: int
    phrase: int


def squeezed(data: bytes) -> bytes:
    """`data` with one space for whatever stands between words."""
    for wide, narrow in _WIDE:
        if wide in data:
            data = data.replace(wide, narrow)
    return b" ".join(data.translate(_TO_SPACE).split())


def unsqueezed(data: bytes, at: int) -> int:
    """The place in `data` of byte `at` of `squeezed(data)`."""
    for wide, narrow in _WIDE:
        data = data.replace(wide, narrow)
    for word in _WORD.finditer(data):
        length = word.end() - word.start()
        if at <= length:
            return word.start() + at
        at -= length + 1
        if at < 0:
            return word.end()
    return len(data)


def expression(phrase: str) -> bytes:
    """The byte pattern of a phrase of the book. Bytes of Chinese characters are no word characters to `\\b`."""
    if phrase.startswith("re:"):
        return phrase[3:].encode()
    body = phrase.removesuffix("*")
    tokens = _SYNTAX.findall(body)
    letters = [token for token in tokens if token[0] not in "()|?*+{"]
    if not letters:
        raise BadBook(f"the phrase {phrase!r} has no letters")
    start = rb"\b" if phrase.isascii() and _is_word(letters[0]) else b""
    end = rb"\b" if phrase.isascii() and _is_word(letters[-1]) and body == phrase else b""
    pattern = re.sub(b" +", b" ", b"".join(map(_pattern, tokens)))
    return start + b"(?:" + pattern + b")" + end


def _is_word(piece: str) -> bool:
    return piece in ("\\d", "\\w") or piece.startswith("[") or (piece.isascii() and piece.isalnum())


def _pattern(piece: str) -> bytes:
    if piece in ' -_"':
        return b" "
    if piece == "'":
        return b"'?"
    if piece == "(":
        return b"(?:"
    encoded = piece.encode()
    return encoded if piece.isascii() else b"(?:" + b"".join(b"\\x%02x" % byte for byte in encoded) + b")"


class Lexicon:
    """The concepts of a book. `anchors` are scanned for first: most texts hold none, and then that is all."""

    def __init__(self, book: Book, memory: Path | None = None) -> None:
        used = {name for rule in book.rules for name in (*rule.of, *rule.unless)}
        pairs = [(p, i, n) for i, n in enumerate(book.concepts) if n in used for p in book.concepts[n]]
        rare = [(phrase, index) for phrase, index, name in pairs if name not in book.common]
        usual = [(phrase, index) for phrase, index, name in pairs if name in book.common]
        self.anchors = tuple(phrase for phrase, _ in rare)
        self._rare = Patterns([expression(phrase) for phrase, _ in rare], memory=memory)
        self._usual = Patterns([expression(phrase) for phrase, _ in usual], memory=memory)
        self._concepts = [index for _, index in (*rare, *usual)]
        self._exact: dict[int, re.Pattern[bytes]] = {}  # of the phrases that were evidence so far
        self._phrases = [phrase for phrase, _ in (*rare, *usual)]

    def events(self, data: bytes) -> list[Event]:
        """Every concept in squeezed `data`, by where it ends; none where no rule can hold."""
        ends = self._rare.found(data)
        if not ends:
            return []
        shift = len(self.anchors)
        ends += [(end, number + shift) for end, number in self._usual.found(data)]
        ends.sort()
        concepts = self._concepts
        return [Event(end, concepts[number], number) for end, number in ends]

    def start(self, data: bytes, event: Event) -> int:
        """Where the phrase of an event begins in squeezed `data`: looked for only when somebody asks."""
        floor = max(0, event.end - _LONGEST_PHRASE)
        pattern = self._exact.get(event.phrase)
        if pattern is None:
            pattern = re.compile(expression(self._phrases[event.phrase]), re.IGNORECASE | re.DOTALL)
            self._exact[event.phrase] = pattern
        starts = [match.start() for match in pattern.finditer(data, floor, event.end)]
        return starts[-1] if starts else event.end
