"""What only this company calls secret: its own words, its own numbers, its documents; all from the policy, as data.

Patterns are a subset of regular expressions (literals, \\d, \\w, classes of ASCII ranges, groups, bounded repeats) that
hyperscan matches in linear time whatever the text. The edge of a word or number is never inside a longer one.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import hyperscan

from gnomon.contract.masking import MaskPolicy
from gnomon.guard import fingerprints
from gnomon.guard.detectors.base import Detector
from gnomon.guard.normalise import fold
from gnomon.guard.scan import literal
from gnomon.guard.view import Found, View

LONGEST = 64
"""Characters of a word or number: a stream holds back as many."""
_SHORTEST_TERM, _SHORTEST_NUMBER = 2, 4
_FLAGS = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SOM_LEFTMOST
_parser: Any = import_module("re._parser")  # how Python itself reads a pattern; public under no other name
_ANY = (rb"[\x00-\xff]",)


class BadEntry(ValueError):
    """A word, pattern or fingerprint that cannot be; says which and why."""


def detectors(policy: MaskPolicy) -> tuple[Detector, ...]:
    """A detector for each of the policy's own entries. Raises BadEntry."""
    found: list[Detector] = []
    for words in policy.terms:
        terms = [_term(term) for term in words.terms]
        expressions = [literal(term) for term in terms]
        found.append(Detector(words.entity, words.label, tuple(expressions), _matcher(expressions, words.entity)))
    for pattern in policy.patterns:
        _width(pattern.pattern)
        data = pattern.pattern.encode()
        found.append(Detector(pattern.entity, pattern.label, (data,), _matcher([data], pattern.entity)))
    for document in policy.fingerprints:
        try:
            find = fingerprints.finder(document)
        except ValueError as error:
            raise BadEntry(f"the fingerprint {document.label}: {error}") from error
        found.append(Detector(document.entity, document.label, _ANY, find))
    return tuple(found)


def reach(policy: MaskPolicy) -> int:
    """How many characters at the end of a text may still become one of the policy's own entries."""
    words = [len(term) for words in policy.terms for term in words.terms]
    numbers = [_width(pattern.pattern) for pattern in policy.patterns]
    stretches = [document.shingle * fingerprints.STRETCH for document in policy.fingerprints]
    return max((*words, *numbers, *stretches), default=0)


def _term(term: str) -> str:
    folded = fold(term.strip()).text
    if not _SHORTEST_TERM <= len(folded) <= LONGEST:
        raise BadEntry(f"the word {term!r} has not {_SHORTEST_TERM} to {LONGEST} characters")
    if any(char in '"\\' or not char.isprintable() for char in folded):
        raise BadEntry(f"the word {term!r} has a quote, a backslash or a line end in it")
    return folded


def _width(pattern: str) -> int:
    """The greatest length of what it matches. Raises BadEntry for what is outside of the subset."""
    try:
        low, high = _measured(_parser.parse(pattern), pattern)
    except (_parser.error, RecursionError, OverflowError) as error:
        raise BadEntry(f"the pattern {pattern!r} is no pattern: {error}") from error
    if low < _SHORTEST_NUMBER or high > LONGEST:
        raise BadEntry(
            f"the pattern {pattern!r} matches {low} to {high} characters, not {_SHORTEST_NUMBER} to {LONGEST}"
        )
    return high


def _measured(nodes: Any, pattern: str) -> tuple[int, int]:
    low = high = 0
    for node, value in nodes:
        least, most = _of(str(node), value, pattern)
        low, high = low + least, high + most
    return low, high


def _of(node: str, value: Any, pattern: str) -> tuple[int, int]:
    if node == "LITERAL" and chr(value).isprintable() and chr(value) not in '"\\':
        return 1, 1
    if node == "IN" and all(_is_plain(str(kind), one) for kind, one in value):
        return 1, 1
    if node == "SUBPATTERN" and not value[1] and not value[2]:
        return _measured(value[3], pattern)
    if node == "BRANCH":
        widths = [_measured(branch, pattern) for branch in value[1]]
        return min(low for low, _ in widths), max(high for _, high in widths)
    if node == "MAX_REPEAT" and int(value[1]) <= LONGEST and not _is_wide(value[2]):
        low, high = _measured(value[2], pattern)
        return low * int(value[0]), high * int(value[1])
    raise BadEntry(
        f"the pattern {pattern!r} has {node.lower()}; use literals, \\d, \\w, ASCII classes, groups and bounded repeats"
    )


def _is_plain(kind: str, value: Any) -> bool:
    if kind == "CATEGORY":
        return str(value) in ("CATEGORY_DIGIT", "CATEGORY_WORD")
    points = value if kind == "RANGE" else (value,) if kind == "LITERAL" else (999,)
    return all(0x20 <= point < 0x7F and chr(point) not in '"\\' for point in points)


def _is_wide(nodes: Any) -> bool:
    """A character of several bytes, which alone cannot be repeated as it is written."""
    return len(nodes) == 1 and str(nodes[0][0]) == "LITERAL" and nodes[0][1] > 0x7F


def _matcher(expressions: Sequence[bytes], entity: str) -> Callable[[View], Iterator[Found]]:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    count = len(expressions)
    try:
        database.compile(expressions=list(expressions), ids=list(range(count)), elements=count, flags=[_FLAGS] * count)
    except hyperscan.HyperscanError as error:
        raise BadEntry(f"the entries of {entity}: {error}") from error
    local = threading.local()

    def find(view: View) -> Iterator[Found]:
        if not hasattr(local, "scratch"):
            local.scratch = hyperscan.Scratch(database)
        data = view.text.encode("utf-8", "surrogatepass")
        seen: list[tuple[int, int]] = []
        database.scan(
            data, match_event_handler=lambda _id, start, end, *_: seen.append((start, end)), scratch=local.scratch
        )
        for start, end in _in_characters(sorted(set(seen)), data):
            if _is_whole(view.text, start, end):
                yield Found(start, end, entity)

    return find


def _in_characters(places: Sequence[tuple[int, int]], data: bytes) -> Iterator[tuple[int, int]]:
    """Places in UTF-8 as places in the text, in one walk."""
    if data.isascii():
        yield from places
        return
    wanted = sorted({at for place in places for at in place})
    at = characters = 0
    known: dict[int, int] = {}
    for place in wanted:
        characters += sum((byte & 0xC0) != 0x80 for byte in data[at:place])
        at, known[place] = place, characters
    for start, end in places:
        yield known[start], known[end]


def _is_whole(text: str, start: int, end: int) -> bool:
    return not (_glued(text[start - 1 : start], text[start]) or _glued(text[end - 1], text[end : end + 1]))


def _glued(left: str, right: str) -> bool:
    both = left + right
    return (
        len(both) == 2 and both.isascii() and left.isalnum() and right.isalnum() and left.isdigit() == right.isdigit()
    )
