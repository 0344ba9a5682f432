"""What a detector is, and the shapes that several of them share."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gnomon.guard.view import Found, Number, View

_LINE = 24
"""Characters before a number that are searched for text in its line."""
GAP = (
    r"(?:[\s:：=＝#＃*\"'“”‘’「『【\[（(《—-]|[是为叫]|号码|编号|号|码|帐号|账号|账户|名|"
    r"(?ai:no\.?|number|num|is|id)(?![A-Za-z])){0,8}"
)
"""What may stand between a key word and its value; at most 8 pieces, so that a key word is always within `LEFT`."""


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds one entity.

    `triggers` are loose byte patterns (see `scan`): where `find` finds something, one of them matches between
    `view.LEFT` characters before it and a few after it, in raw JSON too. `find` looks at most `view.LEFT` characters to
    the left of a value; values that contain spaces are at most `view.SPACED` long. It is linear in the view.
    """

    entity: str
    label: str  # the word in a placeholder
    triggers: tuple[bytes, ...]
    find: Callable[[View], Iterable[Found]]
    visible: tuple[int, int] = (0, 0)  # characters that the operator `mask` leaves at the two ends
    is_secret: bool = False  # names whatever it overlaps: a secret must not be treated as something milder
    begins: re.Pattern[str] | None = None  # a secret that begins so can only become longer, whatever follows
    reach: int = 0  # characters behind a value that may yet make or change it: a stream holds back as many


class Words:
    """Key words, and what may stand between one of them and its value.

    A Latin key word is no part of a longer word (`vin` in `vintage`); with `inside` it may end one (`dbpassword`).
    """

    def __init__(self, words: Iterable[str], *, gap: str = GAP, inside: bool = False) -> None:
        self.words = tuple(dict.fromkeys(word.lower() for word in words))
        self._gap = re.compile(gap)
        self._inside = inside

    def ends(self, view: View) -> Iterator[int]:
        """Where a key word ends, every one in the view."""
        lower = view.lower
        for word in self.words:
            at = lower.find(word)
            while at >= 0:
                end = at + len(word)
                glued = not self._inside and _is_latin(word[0]) and _is_latin(lower[at - 1 : at])
                if not glued and not (_is_latin(word[-1]) and _is_latin(lower[end : end + 1])):
                    yield end
                at = lower.find(word, at + 1)

    def before(self, view: View, index: int) -> bool:
        """Whether a key word, and at most a gap, stands before the number at `index`."""
        places = view.notes.get(id(self))
        if places is None:
            places = view.notes[id(self)] = self.places(view)
        return index in places

    def places(self, view: View) -> set[int]:
        """Where a number begins that a key word, and at most a gap, stands before."""
        # No piece of a gap is a digit, so a gap before a number can end in one place only.
        return {match.end() for end in self.ends(view) if (match := self._gap.match(view.text, end))}


_LINE_END = re.compile(r"[^\n]?[^\n]?\n[^\n]*")
_HAS_TEXT = re.compile(r"[^\s0-9]")


def unbroken(view: View, number: Number) -> tuple[str, ...]:
    """The gaps of a number, without the one that the end of a wrapped line made.

    Text must stand before it in its line: a number below a number is a column of a table. Chinese numerals may be the
    first word of the next line.
    """
    written = view.text[number.start : number.end]
    if "\n" not in written or not written.isascii():
        return number.gaps
    ends = [at for at, gap in enumerate(number.gaps) if _LINE_END.fullmatch(gap)]
    if len(ends) != 1:
        return number.gaps
    before = view.text[max(0, number.start - _LINE) : number.start]
    if not _HAS_TEXT.search(before.rpartition("\n")[2]):
        return number.gaps
    return number.gaps[: ends[0]] + number.gaps[ends[0] + 1 :]


def _is_latin(char: str) -> bool:
    return "a" <= char <= "z"


def keyed(
    entity: str, words: Iterable[str], value: str, *, gap: str = GAP, inside: bool = False
) -> Callable[[View], Iterator[Found]]:
    """Finds `value` (a pattern that checks its own ends) wherever a key word and at most a gap stand before it."""
    named = Words(words, inside=inside)
    pattern = re.compile(f"{gap}(?P<v>{value})")

    def find(view: View) -> Iterator[Found]:
        for end in named.ends(view):
            if match := pattern.match(view.text, end):
                yield Found(match.start("v"), match.end("v"), entity)

    return find


_CLASS = r"\[(?:[^\]\\]|\\.)+\]"


def matching(entity: str, pattern: str, *, first: str) -> Callable[[View], Iterator[Found]]:
    """Finds the group `v` of a pattern (or all of it), which checks its own ends. A match begins with `first`."""
    # Tried at every place where `first` stands: what is found does not depend on where the search began.
    begin = re.compile(first + _not_after(pattern, first))
    needed = _characters(first)
    compiled = re.compile(pattern if "(?P<v>" in pattern else f"(?P<v>{pattern})")

    def find(view: View) -> Iterator[Found]:
        text = view.text
        if needed and not any(char in text for char in needed):
            return
        for place in begin.finditer(text):
            if match := compiled.match(text, place.start()):
                yield Found(match.start("v"), match.end("v"), entity)

    return find


def _not_after(pattern: str, first: str) -> str:
    """What a pattern says about the character before it, said of the one before `first`: most places need no match."""
    before = re.match(rf"\(\?<!({_CLASS})\)", pattern)
    return f"(?<!{before[1]}(?s:.))" if before and re.fullmatch(_CLASS, first) else ""


def _characters(first: str) -> str:
    """The characters of a small class without ranges, of which a match needs one; empty where it is no such class."""
    plain = re.fullmatch(r"\[([^\\\]^-]{1,3})\]", first)
    return plain[1] if plain else ""


def numbers(
    entity: str, lengths: Iterable[int], judge: Callable[[View, Number], float]
) -> Callable[[View], Iterator[Found]]:
    """Finds every reading of that many digits that `judge` scores above zero and that nothing touches."""
    wanted = tuple(lengths)

    def find(view: View) -> Iterator[Found]:
        by_length = view.numbers
        for length in wanted:
            for number in by_length.get(length, ()):
                if (score := judge(view, number)) and view.is_alone(number):
                    yield Found(number.start, number.end, entity, score)

    return find
