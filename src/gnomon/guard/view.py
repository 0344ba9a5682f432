"""What a detector looks at: a stretch of shadow text, and the numbers in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from gnomon.guard.normalise import DIGIT, digits

LEFT = 96
"""Shadow characters to the left of a value that may speak for it (a key word). A stream keeps that many."""

SPACED = 72
"""Longest value, in shadow characters, that may contain spaces: a stream holds back that many."""

SEPARATOR = r"\s\-—―./·•_"
_RUN = re.compile(f"[{DIGIT}](?:[{SEPARATOR}]{{0,3}}[{DIGIT}]){{4,}}[Xx]?")
_GROUP = re.compile(f"[{DIGIT}]+")
_WORD_BEFORE = re.compile(r"[A-Za-z0-9]*\Z")
_WORD_AFTER = re.compile(r"[A-Za-z0-9]*")
MOST_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Found:
    """`view.text[start:end]` is an `entity`, with a score in (0, 1]."""

    start: int
    end: int
    entity: str
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Number:
    """Neighbouring groups of digits that may be one number. `digits` is ASCII, with a final X where there is one."""

    start: int
    end: int
    digits: str
    gaps: tuple[str, ...]  # what stands between the groups, all alike unless the run is mixed
    alone: bool  # no digit, letter or decimal point touches it, but for a plain word such as `tel`

    @property
    def is_even(self) -> bool:
        """Written in one piece, or with the same separator throughout."""
        return len(set(self.gaps)) <= 1


@dataclass
class View:
    """A stretch of shadow text. Values begin at or after `start`; what stands before only speaks for them."""

    text: str
    start: int = 0
    _left: dict[int, str] = field(default_factory=dict)

    def left(self, index: int) -> str:
        """The context before `index`."""
        return self.text[max(0, index - LEFT) : index]

    @cached_property
    def numbers(self) -> list[Number]:
        """Every way to read 5 to 19 digits in neighbouring whole groups as one number."""
        return [number for run in _RUN.finditer(self.text) for number in self._read(run)]

    def _read(self, run: re.Match[str]) -> Iterator[Number]:
        groups = [group.span() for group in _GROUP.finditer(self.text, run.start(), run.end())]
        last_x = self.text[run.end() - 1] in "Xx"
        for first, (start, _) in enumerate(groups):
            value, gaps = "", []
            for index in range(first, len(groups)):
                low, high = groups[index]
                if len(value) + high - low > MOST_DIGITS or high - start > SPACED - 4:
                    break
                if index > first:
                    gaps.append(self.text[groups[index - 1][1] : low])
                value += digits(self.text[low:high])
                if len(value) < 5:
                    continue
                is_last = index == len(groups) - 1
                yield self._number(start, high, value, tuple(gaps))
                if is_last and last_x:
                    yield self._number(start, high + 1, value + "X", tuple(gaps))

    def _number(self, start: int, end: int, value: str, gaps: tuple[str, ...]) -> Number:
        return Number(start, end, value, gaps, alone=self._is_alone(start, end, grouped=bool(gaps)))

    def _is_alone(self, start: int, end: int, *, grouped: bool) -> bool:
        text = self.text
        if text[start - 1 : start] == "." and text[start - 2 : start - 1].isdigit():
            return False
        if text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit():
            return False
        before = _WORD_BEFORE.search(text, max(0, start - 12), start)
        after = _WORD_AFTER.match(text, end, end + 12)
        word, tail = (before.group() if before else ""), (after.group() if after else "")
        if not word and not tail:
            return True
        if (word and tail) or len(word + tail) == 12 or not (word + tail).isalpha():
            return False
        # One letter before or any after grouped digits is a piece of an identifier (a UUID, a part number).
        return not grouped or (len(word) > 1 and not tail)
