"""What a sentence asks for, judged as a whole: a linear model over its words, where the rules know only the words.

A sentence is its features: stems of Latin words, pairs of them, and pieces of long ones; characters of Chinese in
twos and threes. Each has a weight, found by its hash in a table of a byte each. The artefact beside this file was
taught by `bench/defence/teach.py`; PROVENANCE.md says by what.
"""

import math
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from gnomon import native

BITS = 16
"""Of the hash of a feature: the table has two to the power of it weights."""
LONGEST = 400
"""Characters of a sentence that are looked at: whoever asks has asked by then."""
_SENTENCES = re.compile(r"[^.!?;。！？；\n]+(?:[.!?;](?=\S)[^.!?;。！？；\n]+)*")
_QUOTED = re.compile(r"[‘“「『'\"]([^‘’“”「」『』'\"]{6,})[’”」』'\"]|[：:]\s*(.{6,})")
_TOKENS = re.compile(r"[a-z]+|[0-9]+|[\u3400-\u9fff]+")
CHINESE = re.compile(r"[\u3400-\u9fff]")
_FEWEST = 2
_PIECE = 5
_ENDED = rb"(?:ings?|ed|ers?|es|s|e|ly|y|ies)?\b"
_ENDINGS = re.compile(r"(?<=[a-z]{3})(?:ings?|ed|ers?|es|s|e|ly|y|ies)$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` from character `start` of what it stood in."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Model:
    """`weights` are signed bytes, in units of `unit`; `bias` is added once, `bias_zh` instead where a sentence holds
    Chinese. Immutable; safe to share.

    A sentence without any of `hints` (stems of Latin words, pairs of Chinese characters) was never meant to be scored:
    most sentences have none.
    """

    version: str
    hints: tuple[str, ...]
    weights: memoryview
    unit: float
    bias: float
    bias_zh: float

    def score(self, sentence: str) -> float:
        """How likely, from 0 to 1, that the sentence asks for harm; 0 for less than two features."""
        count, weight = _weigh(self.weights, sentence.lower())
        if count < _FEWEST:
            return 0.0
        bias = self.bias_zh if CHINESE.search(sentence) else self.bias
        total = bias + self.unit * weight / math.sqrt(count)
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a text, each cut to LONGEST."""
    for match in _SENTENCES.finditer(text):
        yield Sentence(match.start(), match.group()[:LONGEST])


def quoted(sentence: Sentence) -> Iterator[Sentence]:
    """What a Chinese sentence quotes, or says after a colon: an order is given by somebody, and who tells of it, and
    where it stands, is no part of it.
    """
    for match in _QUOTED.finditer(sentence.text):
        start, end = match.span(match.lastindex or 0)
        if CHINESE.search(sentence.text, start, end):
            yield Sentence(sentence.start + start, sentence.text[start:end])


def weighed(weights: memoryview, sentence: str) -> tuple[int, int]:
    """How many features a sentence in small letters has, and the sum of their weights: the twin of native/meant.c."""
    seen = {zlib.crc32(one.encode()) & ((1 << BITS) - 1) for one in features(sentence)}
    return len(seen), sum(weights[at] for at in seen)


_compiled = native.load("meant")
_weigh: Callable[[memoryview, str], tuple[int, int]] = _compiled.weighed if _compiled else weighed


def features(sentence: str) -> Iterator[str]:
    """Every feature, as often as it occurs."""
    before = ""
    for token in _TOKENS.findall(sentence.lower()):
        if token[0] < "\u3400":
            stem = _ENDINGS.sub("", token) if token.isalpha() else "0"
            yield stem
            yield f"{before} {stem}"
            if len(stem) > _PIECE:
                yield from (f"~{stem[at : at + _PIECE]}" for at in range(len(stem) - _PIECE + 1))
            before = stem
        else:
            yield from (token[at : at + 2] for at in range(len(token) - 1))
            yield from (token[at : at + 3] for at in range(len(token) - 2))
            yield f"^{token[:2]}"
            before = token[-2:]


_SHIPPED = {"unsafe.request": "meant.weights", "injection.request": "aimed.weights"}


@cache
def load(category: str = "unsafe.request") -> Model:
    """The model inside the package that speaks for a category, read once."""
    return parse(resources.files("gnomon").joinpath("guard", "content", _SHIPPED[category]).read_bytes())


def shipped() -> dict[str, Model]:
    """Every model inside the package, by its category."""
    return {category: load(category) for category in _SHIPPED}


def parse(data: bytes) -> Model:
    """From a line of `version unit bias bias_zh`, one of hints, and the table. Raises ValueError where it is none."""
    version, _, told = data.partition(b" ")
    if version != versioned(told):
        raise ValueError(f"the table of weights is not the one of version {version[:8]!r}")
    head, hints, table = told.split(b"\n", 2)
    unit, bias, bias_zh = (float(one) for one in head.split(b" "))
    if len(table) != 1 << BITS:
        raise ValueError(f"the table of weights has {len(table)} bytes and not {1 << BITS}")
    words = tuple(hints.decode().split())
    return Model(version.decode(), words, memoryview(table).cast("b"), unit, bias, bias_zh)


def versioned(told: bytes) -> bytes:
    """The version of a model by everything that it judges by: unit, biases, hints and weights, as they are stored."""
    return b"%08x" % zlib.crc32(told)


def expressions(hints: Sequence[str]) -> tuple[bytes, ...]:
    """The byte patterns of hints."""
    return tuple(rb"\b" + hint.encode() + _ENDED if hint.isascii() else hint.encode() for hint in hints)
