"""The rules as data: concepts (words for one idea, Chinese and English) and rules (ideas that stand close together).

The files lie in `rulebook/content/`. A phrase is a small regular expression in lower case, where a space stands for one
to four characters of space, quotes or light punctuation, an apostrophe for any or none, and a final `*` for any ending.
Latin words match whole, Chinese ones anywhere. After `re:` it is taken as it is.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

FILES = ("injection.yaml", "unsafe.yaml")
HIDDEN = "injection.obfuscation"
"""The category of whatever had to be decoded before it could be read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`at_least` different concepts of `of` within `within` UTF-8 bytes say `category` with `score`.

    `ordered`: in that order and not overlapping. `unless`: not where one of these concepts stands inside, or up to
    `reach` bytes before it; what follows never matters, so that a stream can be judged as it grows.
    """

    id: str
    family: str
    category: str
    of: tuple[str, ...]
    score: float
    within: int = 120
    at_least: int = 0
    ordered: bool = False
    unless: tuple[str, ...] = ()
    reach: int = 60


@dataclass(frozen=True, slots=True)
class Book:
    """All concepts and rules. `version` changes whenever a byte of the files does."""

    version: str
    titles: dict[str, dict[str, str]]  # category → title by language
    concepts: dict[str, tuple[str, ...]]
    common: frozenset[str]  # concepts of everyday words: alone they are no reason to look closer
    rules: tuple[Rule, ...]

    def without(self, family: str) -> "Book":
        """The book as if the rules of one family of attacks had never been written."""
        kept = tuple(rule for rule in self.rules if rule.family != family)
        return Book(f"{self.version}-{family}", self.titles, self.concepts, self.common, kept)


class BadBook(ValueError):
    """A rule that could never fire, or that names what is not there. The book is part of the program: this is a bug."""


@cache
def load() -> Book:
    """The book inside the package, read once."""
    root = resources.files("gnomon").joinpath("rulebook", "content")
    texts = [root.joinpath(name).read_bytes() for name in FILES]
    digest = hashlib.sha256(b"\0".join(texts)).hexdigest()
    parts = [yaml.load(text, Loader=yaml.CSafeLoader) for text in texts]
    book = Book(
        version=f"{parts[0]['version']}+{digest[:12]}",
        titles={category: title for part in parts for category, title in part["categories"].items()},
        concepts={name: tuple(phrases) for part in parts for name, phrases in part["concepts"].items()},
        common=frozenset(name for part in parts for name in part["common"]),
        rules=tuple(rule for part in parts for rule in _rules(part)),
    )
    check(book)
    return book


def _rules(part: dict[str, Any]) -> Iterator[Rule]:
    for shape in part["rules"]:
        lists = {name: tuple(shape.get(name, ())) for name in ("of", "unless")}
        yield Rule(**{"family": shape["category"], "at_least": len(lists["of"]), **shape, **lists})


def check(book: Book) -> None:
    """Raises BadBook. A rule that common words alone could satisfy would be missed by the quick look."""
    for rule in book.rules:
        unknown = {*rule.of, *rule.unless} - book.concepts.keys()
        if unknown or rule.category not in book.titles:
            raise BadBook(f"{rule.id} names {unknown or rule.category}, which the book does not have")
        if len(book.common.intersection(rule.of)) >= rule.at_least:
            raise BadBook(f"{rule.id} could be satisfied by common words alone")
        if not 0 < rule.score <= 1 or (rule.ordered and rule.at_least != len(rule.of)):
            raise BadBook(f"{rule.id} has a score outside (0, 1], or an order of some but not all")
