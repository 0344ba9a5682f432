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


def words_pattern(words: Iterable[str]) -> str:
    """Any of the key words, longest first, ASCII letters in either case, not as a part of a longer Latin word."""
    return "(?:" + "|".join(map(_word, sorted(words, key=len, reverse=True))) + ")"


def _word(text: str) -> str:
    start = "(?<![A-Za-z])" if text[0].isascii() and text[0].isalpha() else ""
    end = "(?![A-Za-z])" if text[-1].isascii() and text[-1].isalpha() else ""
    return f"{start}(?ai:{re.escape(text)}){end}"


def keyed(entity: str, words: Iterable[str], value: str, *, gap: str = GAP) -> Callable[[View], Iterator[Found]]:
    """Finds `value` (a pattern that checks its own ends) wherever a key word and at most a gap stand before it."""
    # A look-ahead is tried at every place, so what is found does not depend on where the search began.
    pattern = re.compile(f"(?={words_pattern(words)}{gap}({value}))")

    def find(view: View) -> Iterator[Found]:
        for match in pattern.finditer(view.text):
            yield Found(match.start(1), match.end(1), entity)

    return find


def before(words: Iterable[str], *, gap: str = GAP) -> Callable[[View, int], bool]:
    """Whether one of the words, and at most a gap, stands directly before a place."""
    pattern = re.compile(f"{words_pattern(words)}{gap}\\Z")

    def check(view: View, index: int) -> bool:
        return pattern.search(view.left(index)) is not None

    return check


def matching(entity: str, pattern: str, *, flags: int = 0) -> Callable[[View], Iterator[Found]]:
    """Finds the group `v` of a pattern (or all of it). The pattern checks its own ends."""
    wanted = pattern if "(?P<v>" in pattern else f"(?P<v>{pattern})"
    compiled = re.compile(f"(?={wanted})", flags)

    def find(view: View) -> Iterator[Found]:
        for match in compiled.finditer(view.text):
            yield Found(match.start("v"), match.end("v"), entity)

    return find


def numbers(entity: str, judge: Callable[[View, Number], float]) -> Callable[[View], Iterator[Found]]:
    """Finds every reading of digits that `judge` scores above zero."""

    def find(view: View) -> Iterator[Found]:
        for number in view.numbers:
            if score := judge(view, number):
                yield Found(number.start, number.end, entity, score)

    return find
