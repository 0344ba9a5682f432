"""What stands for a value already is no name: texts that were masked come again, in the next turn and in every reply.

A placeholder with a known label is left whole. Of any other its letters are, which is what restoring goes by; the label
may say anything, and a name could hide there.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

from gnomon.guard.placeholders import OPENING, WRITTEN
from gnomon.guard.view import Found

_OTHERS: Final = re.compile(r"⟦([^⟦⟧~\n]{1,24})(?:~[bcdfghjkmnpqrstv]{32,})?⟧")
"""What is gone for good, and what is sealed."""
_SIGNS: Final = " \t\r\n,.;:，。、；：()（）[]【】⟦⟧_-"


def without(text: str, found: list[Found], labels: Collection[str]) -> list[Found]:
    """`found`, and of those that meet a placeholder what stands outside of it, if that says anything."""
    if not found or not any(bracket in text for bracket in OPENING):
        return found
    left = found
    for start, end in _replaced(text, labels):
        left = [piece for item in left for piece in _outside(item, start, end)]
    return left if left == found else [item for item in left if text[item.start : item.end].strip(_SIGNS)]


def _replaced(text: str, labels: Collection[str]) -> Iterator[tuple[int, int]]:
    for pattern in (WRITTEN, _OTHERS):
        for match in pattern.finditer(text):
            yield match.start() if match[1] in labels else match.end(1), match.end()


def _outside(item: Found, start: int, end: int) -> Iterator[Found]:
    if item.end <= start or end <= item.start:
        yield item
        return
    if item.start < start:
        yield item._replace(end=start)
    if end < item.end:
        yield item._replace(start=end)
