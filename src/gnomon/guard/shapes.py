r"""What a trigger says of UTF-8 bytes, said of characters, for the scan in C (`native/scan.c`).

A shape is a regular expression of few means: classes, single characters, `\s`, `?`, `{n}` and `{n,m}`, `(?<![...])` at
its beginning and `(?![...])` at its end. It reads shadow text, so it need not know how JSON writes white space.
A trigger without a shape is left to hyperscan.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final, NamedTuple

_CLASS = r"\[(?:[^\]\\]|\\.)+\]"
_WHOLE: Final = re.compile(
    rf"(?:\(\?<!(?P<before>{_CLASS})\))?(?P<items>.*?)(?:\(\?!(?P<after>{_CLASS})\))?", re.DOTALL
)
_ITEM: Final = re.compile(
    rf"(?P<one>{_CLASS}|\\.|[^\\\[\](){{}}?*+|.])(?P<times>\?|\{{[0-9]+(?:,[0-9]+)?\}})?", re.DOTALL
)
_PART: Final = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)
_HEXED: Final = re.compile(rb"(?:\\x[0-9a-f]{2})+")
_PLAIN: Final = re.compile(rb"[A-Za-z0-9_ :/@-]+")


class Item(NamedTuple):
    """`least` to `most` characters of a class; as many as can be, fewer where the rest needs them."""

    characters: frozenset[str]
    least: int
    most: int


class Shape(NamedTuple):
    """Items one after another, with no character of `before` before them and none of `after` behind."""

    items: tuple[Item, ...]
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()

    @property
    def literal(self) -> str:
        """The single characters with which it begins, in small letters."""
        if self.before:
            return ""
        single: list[str] = []
        for item in self.items:
            small = {char.lower() if char.isascii() else char for char in item.characters}
            if (item.least, item.most) != (1, 1) or len(small) != 1:
                break
            if any(char.isalpha() and char.isascii() for char in small) and len(item.characters) == 1:
                break  # of one case only
            single += small
        return "".join(single)


class Trigger(bytes):
    """A byte pattern that is a trigger, and the same said of characters: any of `shapes`."""

    shapes: tuple[Shape, ...]


def trigger(pattern: bytes, *shapes: str, caseless: bool = True) -> Trigger:
    """A trigger with its shapes. Raises ValueError for what is no shape."""
    made = Trigger(pattern)
    made.shapes = tuple(parsed(shape, caseless=caseless) for shape in shapes)
    return made


def shapes_of(pattern: bytes) -> tuple[Shape, ...]:
    """The shapes of a trigger; of a key word, the word itself. Nothing: only hyperscan knows what it means."""
    if isinstance(pattern, Trigger):
        return pattern.shapes
    if _HEXED.fullmatch(pattern):
        return (_word(bytes.fromhex(pattern.replace(b"\\x", b"").decode()).decode()),)
    return (_word(pattern.decode()),) if _PLAIN.fullmatch(pattern) else ()


@lru_cache(maxsize=4096)  # every finder has the same words
def _word(text: str) -> Shape:
    return Shape(tuple(Item(_both({char}), 1, 1) for char in text))


def parsed(source: str, *, caseless: bool) -> Shape:
    """A shape from what it is written as."""
    whole = _WHOLE.fullmatch(source)
    assert whole is not None
    items, at = [], 0
    while at < len(whole["items"]):
        item = _ITEM.match(whole["items"], at)
        if item is None:
            raise ValueError(f"no shape: {source!r} at {at}")
        items.append(Item(_characters(item["one"], caseless), *_times(item["times"])))
        at = item.end()
    before, after = (_characters(whole[name], caseless) if whole[name] else frozenset() for name in ("before", "after"))
    return Shape(tuple(items), before, after)


def _times(told: str | None) -> tuple[int, int]:
    if told is None:
        return 1, 1
    if told == "?":
        return 0, 1
    low, _, high = told[1:-1].partition(",")
    return int(low), int(high or low)


@cache
def _characters(written: str, caseless: bool) -> frozenset[str]:
    inside = written[1:-1] if written[0] == "[" and len(written) > 1 else written
    found: set[str] = set()
    for low, high in _PART.findall(inside):
        found |= set(_spaces()) if low == r"\s" else set(map(chr, range(ord(low[-1]), ord((high or low)[-1]) + 1)))
    return _both(found) if caseless else frozenset(found)


def _both(characters: set[str]) -> frozenset[str]:
    """With both cases of its ASCII letters."""
    return frozenset(characters | {char.swapcase() for char in characters if char.isascii()})


@cache
def _spaces() -> str:
    """Every character that `\\s` matches."""
    return "".join(char for char in map(chr, range(0x3001)) if char.isspace())


def ranges(characters: Iterator[str] | frozenset[str] | str) -> list[tuple[int, int]]:
    """Sorted first and last code points of the stretches in a set of characters."""
    found: list[tuple[int, int]] = []
    for point in sorted(map(ord, set(characters))):
        if found and found[-1][1] == point - 1:
            found[-1] = found[-1][0], point
        else:
            found.append((point, point))
    return found
