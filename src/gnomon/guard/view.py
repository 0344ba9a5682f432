"""What a detector looks at: a stretch of shadow text, and the numbers in it."""

import re
from typing import Any, Final, NamedTuple

from gnomon.guard.normalise import DIGIT, digits

LEFT: Final = 96
"""Shadow characters to the left of a value that may speak for it (a key word). A stream keeps that many."""

SPACED: Final = 72
"""Longest value, in shadow characters, that may contain spaces: a stream holds back that many."""

SEPARATOR: Final = r"\s\-—―./·•_"
_RUN: Final = re.compile(f"[{DIGIT}](?:[{SEPARATOR}]{{0,3}}[{DIGIT}]){{4,}}[Xx]?")
_GROUP: Final = re.compile(f"[{DIGIT}]+")
_WORD_BEFORE: Final = re.compile(r"[A-Za-z0-9]*\Z")
_WORD_AFTER: Final = re.compile(r"[A-Za-z0-9]*")
_LONG_WORD: Final = re.compile("[A-Za-z0-9]{15,}")
MOST_DIGITS: Final = 19
_LENGTHS: Final = frozenset((7, 8, *range(11, MOST_DIGITS + 1)))


class Found(NamedTuple):
    """`view.text[start:end]` is an `entity`, with a score in (0, 1]."""

    start: int
    end: int
    entity: str
    score: float = 1.0


Place = tuple[int, int, Any, str | None]
"""Where a string or number stands in JSON, with its quotation marks, what a quick look said of its text, and the text
(None: a number)."""


class Number(NamedTuple):
    """Neighbouring groups of digits that may be one number. `digits` is ASCII, with a final X where there is one."""

    start: int
    end: int
    digits: str
    gaps: tuple[str, ...]  # what stands between the groups
    sizes: tuple[int, ...]  # how many digits each group has

    @property
    def is_even(self) -> bool:
        """Written in one piece, or with the same separator throughout."""
        return len(self.gaps) < 2 or len(set(self.gaps)) == 1


class View:
    """A stretch of shadow text. Values begin at or after `start`; what stands before only speaks for them."""

    # By hand and not by `cached_property`, whose lock costs more than most detectors.
    __slots__ = ("_lower", "_numbers", "_words", "notes", "start", "text")

    def __init__(self, text: str, start: int = 0) -> None:
        self.text = text
        self.start = start
        self.notes: dict[int, set[int]] = {}  # what detectors remember about this view
        self._lower: str | None = None
        self._words: list[tuple[int, int]] | None = None
        self._numbers: dict[int, list[Number]] | None = None

    @property
    def lower(self) -> str:
        """The text in lower case, every character at its place."""
        if self._lower is None:
            lower = self.text.lower()
            if len(lower) != len(self.text):
                lower = "".join(low if len(low := char.lower()) == 1 else char for char in self.text)
            self._lower = lower
        return self._lower

    @property
    def words(self) -> list[tuple[int, int]]:
        """Where the whole Latin words stand, letters and digits, of 15 characters and more."""
        if self._words is None:
            self._words = [match.span() for match in _LONG_WORD.finditer(self.text)]
        return self._words

    @property
    def numbers(self) -> dict[int, list[Number]]:
        """By how many digits: every way to read neighbouring whole groups as one number.

        Only digits (7, 8 and 11 to 19), and after 17 an X. Whether something touches it: `is_alone`.
        """
        if self._numbers is None:
            by_length: dict[int, list[Number]] = {}
            for run in _RUN.finditer(self.text):
                if not self._read_one(run.group(), run.start(), by_length):
                    self._read(run, by_length)
            self._numbers = by_length
        return self._numbers

    def _read_one(self, run: str, start: int, by_length: dict[int, list[Number]]) -> bool:
        """Whether the run was one group of ASCII digits, which is read at once: most are."""
        value = run[:-1] if run[-1] in "Xx" else run
        if not (value.isascii() and value.isdigit()):
            return False
        size = len(value)
        if size == 17 and value is not run:
            by_length.setdefault(18, []).append(Number(start, start + 18, value + "X", (), (17,)))
        elif size in _LENGTHS:
            by_length.setdefault(size, []).append(Number(start, start + size, value, (), (size,)))
        return True

    def _read(self, run: re.Match[str], by_length: dict[int, list[Number]]) -> None:
        text, end = self.text, run.end()
        groups = [(*group.span(), digits(group.group())) for group in _GROUP.finditer(text, run.start(), end)]
        last = len(groups) - 1
        has_x = text[end - 1] in "Xx"
        single = [len(group[2]) == 1 for group in groups] + [False]
        for first, (start, _, _) in enumerate(groups):
            # A row of single digits is read from its first to its last, or every table of digits would cost dearly.
            if single[first] and single[first + 1] and first and single[first - 1]:
                continue
            value, previous = "", start
            gaps: tuple[str, ...] = ()
            sizes: tuple[int, ...] = ()
            for index in range(first, last + 1):
                low, high, group = groups[index]
                value += group
                if len(value) > MOST_DIGITS or high - start > SPACED - 8:
                    break
                sizes = (*sizes, len(group))
                if index > first:
                    gaps = (*gaps, text[previous:low])
                previous = high
                if index > first and single[index - 1] and single[index] and single[index + 1]:
                    continue
                if has_x and index == last and len(value) == 17:
                    by_length.setdefault(18, []).append(Number(start, high + 1, value + "X", gaps, sizes))
                elif len(value) in _LENGTHS:
                    by_length.setdefault(len(value), []).append(Number(start, high, value, gaps, sizes))

    def is_alone(self, number: Number) -> bool:
        """Whether no digit, letter or decimal point touches it, but for a plain word such as `tel`, of
        which the nearest twelve characters are looked at."""
        return self._is_alone(number.start, number.end, number.gaps)

    def _is_alone(self, start: int, end: int, gaps: tuple[str, ...]) -> bool:
        text = self.text
        before, after = text[start - 1 : start], text[end : end + 1]
        if before == "." and text[start - 2 : start - 1].isdigit():
            return False
        if after == "." and text[end + 1 : end + 2].isdigit():
            return False
        if not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum()):
            return True
        left = _WORD_BEFORE.search(text, max(0, start - 12), start)
        right = _WORD_AFTER.match(text, end, end + 12)
        word, tail = (left.group() if left else ""), (right.group() if right else "")
        if (word and tail) or not (word + tail).isalpha():
            return False
        # One letter before or any after grouped digits is a piece of an identifier (a UUID, a part number).
        return not gaps or (len(word) > 1 and not tail)
