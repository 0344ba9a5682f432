"""What a detector is, and the shapes that several of them share."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gnomon.guard.view import Found, Number, View

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


class Words:
    """Key words, and what may stand between one of them and its value.

    A Latin key word is no part of a longer word (`vin` in `vintage`); with `inside` it may end one (`dbpassword`).
    """

    def __init__(self, words: Iterable[str], *, gap: str = GAP, inside: bool = False) -> None:
        self._words = tuple(dict.fromkeys(word.lower() for word in words))
        self._gap = re.compile(gap)
        self._inside = inside

    def ends(self, view: View) -> Iterator[int]:
        """Where a key word ends, every one in the view."""
        lower = view.lower
        for word in self._words:
            at = lower.find(word)
            while at >= 0:
                end = at + len(word)
                glued = not self._inside and _is_latin(word[0]) and _is_latin(lower[at - 1 : at])
                if not glued and not (_is_latin(word[-1]) and _is_latin(lower[end : end + 1])):
                    yield end
                at = lower.find(word, at + 1)

    def before(self, view: View, index: int) -> bool:
        """Whether a key word, and at most a gap, stands before the number at `index`."""
        # No piece of a gap is a digit, so a gap before a number can end in one place only.
        places = view.notes.get(id(self))
        if places is None:
            places = view.notes[id(self)] = {
                match.end() for end in self.ends(view) if (match := self._gap.match(view.text, end))
            }
        return index in places


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


def matching(entity: str, pattern: str, *, first: str) -> Callable[[View], Iterator[Found]]:
    """Finds the group `v` of a pattern (or all of it), which checks its own ends. A match begins with `first`."""
    # Tried at every place where `first` stands: what is found does not depend on where the search began.
    begin = re.compile(first)
    compiled = re.compile(pattern if "(?P<v>" in pattern else f"(?P<v>{pattern})")

    def find(view: View) -> Iterator[Found]:
        for place in begin.finditer(view.text):
            if match := compiled.match(view.text, place.start()):
                yield Found(match.start("v"), match.end("v"), entity)

    return find


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
