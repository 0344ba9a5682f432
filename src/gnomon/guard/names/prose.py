"""Prose that nobody labelled, to learn from: LAC says which words it has and which of them are names.

Most of it teaches as LAC reads it. In the rest names are exchanged and words for people and bodies (他, 老板, 公司)
become names, so that the names are known and stand where language puts them.
"""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from gnomon.guard.names.inventing import read_words
from gnomon.guard.names.training import Sentence

Word = tuple[str, str]
"""A word and LAC's tag of it."""
_SENTENCE: Final = re.compile(r"[^。！？!?\n]{8,80}[。！？!?]?")
_WORDS: Final = read_words()
_PRONOUNS, _PEOPLE, _BODIES = (frozenset(_WORDS[name]) for name in ("pronouns", "someone", "somewhere"))
_ENTITY: Final = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}


class Names(Protocol):
    """Makes names."""

    def person(self) -> str: ...
    def foreigner(self) -> str: ...
    def place(self) -> str: ...
    def body(self) -> str: ...


def sentences(files: Iterable[Path], most: int, seed: int = 1) -> list[str]:
    """Sentences of the files' lines, each once, in an order that only the seed decides."""
    found = {part for file in files for part in _SENTENCE.findall(file.read_text(encoding="utf-8"))}
    chosen = sorted(found)
    random.Random(seed).shuffle(chosen)  # noqa: S311 - samples, not secrets
    return chosen[:most]


def examples(read: Sequence[Sequence[Word]], names: Names, *, plain: int, seed: int = 3) -> Iterator[Sentence]:
    """The first `plain` sentences as they were read, of the others those in which something could be changed."""
    dice = random.Random(seed)  # noqa: S311 - samples, not secrets
    for number, words in enumerate(read):
        if number < plain:
            yield _told([(word, _ENTITY.get(tag, "")) for word, tag in words])
            continue
        changed = [_changed(word, tag, names, dice, after=words[at - 1][0]) for at, (word, tag) in enumerate(words)]
        if any(entity and old != new for (old, _), (new, entity) in zip(words, changed, strict=True)):
            yield _told(changed)


def _changed(word: str, tag: str, names: Names, dice: random.Random, *, after: str) -> tuple[str, str]:
    """The word that takes its place, and what that is."""
    chance = dice.random()
    if tag == "PER":
        return (names.person() if chance < 0.8 else word), "PERSON"
    if tag == "LOC":
        return (names.place() if chance < 0.5 else word), "LOCATION"
    if tag == "ORG":
        return (names.body() if chance < 0.8 else word), "ORGANIZATION"
    if (word in _PRONOUNS and tag == "r" and chance < 0.6) or (
        word in _PEOPLE and after not in ("的", "位", "名") and chance < 0.42
    ):
        return (names.person() if dice.random() < 0.8 else names.foreigner()), "PERSON"
    if word in _BODIES and chance < 0.6:
        return names.body(), "ORGANIZATION"
    return word, ""


def _told(words: Iterable[tuple[str, str]]) -> Sentence:
    text, names = "", []
    for word, entity in words:
        if entity:
            names.append((len(text), len(text) + len(word), entity))
        text += word
    return Sentence(text, tuple(names))
