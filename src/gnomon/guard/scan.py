r"""One loose multi-pattern scan over UTF-8 bytes says which detectors are worth running.

Triggers are byte patterns without UTF-8 mode, so that lone surrogates and cut characters cannot upset them. A trigger
fires on the text as well as on the JSON string that holds it: where whitespace may stand, `\n`, `\r` and `\t` may too;
every other escape that could hide something fires `ESCAPED`.
"""

import re
import threading
from collections.abc import Iterator, Sequence

import hyperscan

from gnomon.guard.compiled import database
from gnomon.guard.normalise import FULL_WIDTH, HANZI_DIGITS, rare_class

_FLAGS = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_CASELESS
_MOST_KNOWN = 4096
_NOTHING: frozenset[int] = frozenset()
_RANGE = re.compile(r"(.)(?:-(.))?", re.DOTALL)


def characters(inside: str) -> Iterator[str]:
    """The characters of the regex class `[inside]` (characters and ranges, no escapes)."""
    for low, high in _RANGE.findall(inside):
        yield from map(chr, range(ord(low), ord(high or low) + 1))


def utf8_class(inside: str) -> bytes:
    """The byte pattern of one character of the regex class `[inside]` (characters and ranges, no escapes)."""
    prefixes: dict[bytes, list[int]] = {}
    for char in characters(inside):
        encoded = char.encode("utf-8", "surrogatepass")
        prefixes.setdefault(encoded[:-1], []).append(encoded[-1])
    tails: dict[bytes, list[bytes]] = {}
    for prefix, lasts in prefixes.items():
        tails.setdefault(b"".join(_spans(lasts)), []).append(prefix)
    parts = [_prefix(group) + b"[" + lasts + b"]" for lasts, group in tails.items()]
    return b"(?:" + b"|".join(parts) + b")"


def _spans(values: list[int]) -> Iterator[bytes]:
    """Sorted byte values as the inside of a class, neighbours as ranges."""
    ordered = sorted(set(values))
    low = 0
    for index, value in enumerate(ordered):
        if index + 1 == len(ordered) or ordered[index + 1] != value + 1:
            first = ordered[low]
            yield b"\\x%02x" % first if first == value else b"\\x%02x-\\x%02x" % (first, value)
            low = index + 1


def _prefix(group: list[bytes]) -> bytes:
    hexed = [b"".join(b"\\x%02x" % byte for byte in prefix) for prefix in group]
    return b"(?:" + b"|".join(hexed) + b")" if any(hexed) else b""


_UNICODE_SPACES = "\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
SPACE = rb"(?:[\x09-\x0d\x1c-\x20]|\\[nrt]|" + utf8_class(_UNICODE_SPACES) + b")"
HANZI = utf8_class("".join(HANZI_DIGITS))
BETWEEN = rb"(?:[\x09-\x0d\x1c-\x20./_,()-]|\\[nrt]|" + utf8_class(_UNICODE_SPACES + "—―·•，") + b")"
JOINTS = r"\s./_,()\-—―·•，"
"""The same as the inside of a class of characters, for a shape."""
_GAP = BETWEEN + b"{0,3}"
LONG_NUMBER = (
    b"[0-9](?:" + _GAP + b"[0-9]){10}",
    HANZI + b"(?:" + _GAP + b"(?:[0-9]|" + HANZI + b")){3}",
    b"(?:[0-9]" + _GAP + b"){3}" + HANZI,
)
"""Eleven digits, whatever separates them. Three patterns: with a Chinese numeral among them, a few more are enough."""
# One literal a character: as a class they would share a prefix with ，and ：, and every comma would cost a look.
ODD = (utf8_class(rare_class()), *(utf8_class(char) for char in characters(FULL_WIDTH)))
"""A character that folding changes: the shadow must be scanned instead."""
ESCAPED = rb"\\[ubf/]"
"""A JSON escape that may hide something."""


def literal(text: str) -> bytes:
    """A key word as a trigger."""
    return b"".join(b"\\x%02x" % byte for byte in text.encode())


class Scanner:
    """Which of the trigger groups match. Safe to share between threads; each has its own scratch space."""

    def __init__(self, groups: Sequence[Sequence[bytes]]) -> None:
        self._owners: list[list[int]] = []
        ids: dict[bytes, int] = {}
        for owner, patterns in enumerate(groups):
            for pattern in patterns:
                index = ids.setdefault(pattern, len(ids))
                if index == len(self._owners):
                    self._owners.append([])
                self._owners[index].append(owner)
        self._database = database(list(ids), _FLAGS)
        self._local = threading.local()
        self._known: dict[tuple[int, ...], frozenset[int]] = {}

    def fired(self, data: bytes) -> frozenset[int]:
        """The numbers of the groups of which a pattern matches. Raises `hyperscan.error` rather than say nothing."""
        seen: list[int] = []

        def see(index: int, start: int, end: int, flags: int, context: object) -> None:
            seen.append(index)

        self._database.scan(data, match_event_handler=see, scratch=self._scratch())
        return self._groups(tuple(seen)) if seen else _NOTHING

    def _groups(self, seen: tuple[int, ...]) -> frozenset[int]:
        """Whose patterns these are. The same few combinations come again and again."""
        known = self._known.get(seen)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[seen] = frozenset(owner for index in seen for owner in self._owners[index])
        return known

    def any(self, data: bytes) -> bool:
        """Whether any pattern matches; stops at the first."""
        try:
            self._database.scan(data, match_event_handler=_stop, scratch=self._scratch())
        except hyperscan.ScanTerminated:
            return True
        return False

    def _scratch(self) -> hyperscan.Scratch:
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        return scratch


def _stop(*_: object) -> bool:
    return True
