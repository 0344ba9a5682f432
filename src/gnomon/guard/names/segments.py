"""Where one sentence ends and the next begins: decided from the left, by what was already read.

Names are decided a sentence at a time, so a stream that is cut anywhere sees the same sentences as the whole text. The
lines of an address are one sentence.
"""

import re
from collections.abc import Sequence
from typing import Final

from gnomon.contract.verdicts import Span
from gnomon.guard.names.postal import goes_on

USUAL: Final = 64
"""Characters after which a sentence is cut at its last comma past half, if it has one; else at the next."""
LONGEST: Final = 120
"""Characters after which a sentence is cut in any case, at its last space past half if it has one."""

_LINES: Final = 5
"""Lines that follow the first of an address and are read with it."""
_END: Final = re.compile(r"[。！？!?；;\n]")
_REST: Final = re.compile(r"[，,、：:）)]")
_NEXT: Final = re.compile(r"[。！？!?；;\n，,、：:）)]")
_SPACE: Final = re.compile(r"\s")


def ends(text: str, spans: Sequence[Span]) -> list[int]:
    """One past each sentence of `text` that is complete, whatever follows. No cut goes through one of `spans`."""
    cuts: list[int] = []
    start = 0
    while (end := _end(text, start)) is not None:
        end = _past(end, spans)
        cuts.append(end)
        start = end
    return cuts


def _end(text: str, start: int) -> int | None:
    begun = start
    for _ in range(_LINES):
        end = _cut(text, begun)
        if end is None or text[end - 1] not in "\n," or not goes_on(text[start : end - 1]):
            return end
        begun = end
    return _cut(text, begun)


def _cut(text: str, start: int) -> int | None:
    usual, last = start + USUAL, start + LONGEST
    if match := _END.search(text, start, usual):
        return match.end()
    if len(text) < usual:
        return None
    if rest := _last(_REST, text, start + USUAL // 2, usual):
        return rest
    if match := _NEXT.search(text, usual, last):
        return match.end()
    if len(text) < last:
        return None
    return _last(_SPACE, text, start + LONGEST // 2, last) or last


def _last(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    """One past the last match; 0 without any."""
    return max((match.end() for match in pattern.finditer(text, start, end)), default=0)


def _past(end: int, spans: Sequence[Span]) -> int:
    for span in spans:
        if span.start < end < span.end:
            return span.end
    return end
