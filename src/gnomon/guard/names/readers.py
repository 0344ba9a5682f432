"""Who reads Chinese sentences for names, and what is done to their readings: a tagger alone, or LAC and a tagger."""

import re
from collections.abc import Callable
from typing import Final

from gnomon.guard.names import forms, things, titles
from gnomon.guard.names.lexicon import Lexicon
from gnomon.guard.names.tagger import PLACE
from gnomon.guard.view import Found

Namer = Callable[[list[str]], list[list[Found]]]
"""The names in each of some sentences, which are shadow text."""
Nudged = Callable[[list[str], list[list[Found]]], list[list[Found]]]
"""The same, and `others` are the names that someone else found in each: who is in doubt listens."""
_HAN: Final = re.compile("[㐀-鿿豈-龎𠀀-𲎯]")


def chinese(namer: Namer, words: Lexicon | None = None) -> Namer:
    """The same namer without things, and its people without their titles.

    `words`: and its organisations begin and end where those with a legal form do.
    """

    def find(sentences: list[str]) -> list[list[Found]]:
        return [_settled(text, row, words) for text, row in zip(sentences, namer(sentences), strict=True)]

    return find


def _settled(text: str, row: list[Found], words: Lexicon | None) -> list[Found]:
    named = things.without(text, [item for item in row if item.entity != PLACE])
    if words is not None:
        named = forms.shaped(text, named, words)
    return [*(titles.trimmed(text, item) for item in named), *(item for item in row if item.entity == PLACE)]


def where_chinese(namer: Namer) -> Namer:
    """The same namer on sentences with Chinese in them: of others, a tagger of Chinese knows nothing."""

    def find(sentences: list[str]) -> list[list[Found]]:
        theirs = [sentence for sentence in sentences if _HAN.search(sentence)]
        rows = iter(namer(theirs) if theirs else ())
        return [next(rows) if _HAN.search(sentence) else [] for sentence in sentences]

    return find


def together(first: Nudged, second: Namer, words: Lexicon | None = None) -> Namer:
    """The organisations of both, the longer where they overlap, and the people that the first finds besides when it
    knows whom the second takes for one."""

    def find(sentences: list[str]) -> list[list[Found]]:
        others = second(sentences)
        people = chinese(lambda rows: first(rows, others), words)(sentences)
        return [_together(*three) for three in zip(sentences, people, others, strict=True)]

    return find


def _together(text: str, first: list[Found], second: list[Found]) -> list[Found]:
    longest = sorted(
        (item for item in (*first, *second) if item.entity == "ORGANIZATION"), key=lambda item: item.start - item.end
    )
    longest = [forms.voted(text, item, longest) for item in longest]
    found: list[Found] = []
    for item in (*longest, *(item for item in first if item.entity != "ORGANIZATION")):
        if not any(item.start < other.end and other.start < item.end for other in found):
            found.append(item)
    return found
