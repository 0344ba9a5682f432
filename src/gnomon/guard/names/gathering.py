"""Makes the digests of names and plain words in Latin letters from packages that list them.

`python -m gnomon.guard.names.gathering PACKAGES PROSE`: PACKAGES is a folder that Faker, mimesis, names and
english-words were unpacked into (PROVENANCE.md has their versions and licences), PROSE one of English texts, which say
how words are written when they are no names. `corpus/people.txt` has names that the packages lack, and names that are
plain words though prose seldom shows it.
"""

import importlib
import json
import pickle
import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from gnomon.guard.names.english_places import places
from gnomon.guard.names.given import FAMILIES, FILE, PLAIN, no_names, pack

_NAME: Final = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-Ž][a-zß-öø-ÿĀ-žǎ-ȳ'’A-ZÀ-Þ-]+\Z")
_WORDS: Final = re.compile(r"[A-Za-zÀ-ž'’-]+")
_SMALL: Final = re.compile(r"[a-z]{2,}\Z")
_ENDINGS: Final = (
    ("s", ""), ("es", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("ies", "y"), ("er", ""), ("er", "e"),
    ("ly", ""), ("ied", "y"),
)  # fmt: skip
_OFTEN: Final = 400
"""Times that a word in small letters is plain though no dictionary has it."""
_RARE, _SEEN, _KNOWN = 60, 2, 10
_GIVEN_FIRST, _GIVEN_SURE, _FAMILY_FIRST, _FAMILY_LAST = 350, 900, 1500, 40_000
"""Ranks in the census: a plain word is a name too when it is this common, and the last family name that is taken."""


class Names(NamedTuple):
    """Names as they are written; `ranks` of the given and of the family names that a census counted."""

    given: set[str]
    families: set[str]
    given_ranks: dict[str, int]
    family_ranks: dict[str, int]


class Prose(NamedTuple):
    """How often each word stands in small letters, and how often with a capital."""

    small: Counter[str]
    capital: Counter[str]


def names(packages: Path) -> Names:
    """The names of Faker, mimesis and the census that the package names carries."""
    given, families = set(_faker("first_name")), set(_faker("last_name", "surname", "family"))
    for path in packages.glob("mimesis/datasets/*/person.json"):
        person = json.loads(path.read_text(encoding="utf-8"))
        given.update(_names(_flat(list(person.get("names", {}).values()))))
        surnames = person.get("surnames", [])
        families.update(_names(_flat(list(surnames.values()) if isinstance(surnames, dict) else surnames)))
    census = next(packages.glob("names*/names")) if not (packages / "names").is_dir() else packages / "names"
    ranks: dict[str, int] = {}
    for file in ("male", "female"):
        for at, name in enumerate(_census(census / f"dist.{file}.first")):
            ranks.setdefault(name, at)
    counted = _census(census / "dist.all.last")
    return Names(given, families, ranks, {name: at for at, name in enumerate(counted)})


def prose(folder: Path) -> Prose:
    """Counts the words of all texts in the folder."""
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        for word in _WORDS.findall(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else ():
            if word.islower():
                small[word] += 1
            elif word.istitle():
                capital[word] += 1
    return Prose(small, capital)


def plain_words(known: Names, said: Prose, dictionary: frozenset[str]) -> set[str]:
    """Words that prose has in small letters, less those that it has mostly with a capital because they are names."""
    everyone = known.given | known.families | known.family_ranks.keys()
    found = set()
    for word, times in said.small.items():
        name = word.capitalize()
        capitals = said.capital[name]
        is_usual = name in everyone and known.given_ranks.get(name, _FAMILY_LAST) < _GIVEN_SURE
        if not _SMALL.match(word) or (is_usual and capitals > times) or (name in everyone and capitals > 5 * times):
            continue
        if times >= _OFTEN or (times >= _SEEN and _is_listed(word, dictionary)):
            found.add(word)
    return found


def chosen(known: Names, said: Prose, plain: set[str]) -> tuple[set[str], set[str]]:
    """The given and the family names that are no plain words, or that so many have that they are names too."""
    given = {
        name
        for name in known.given | known.given_ranks.keys()
        if known.given_ranks.get(name, _FAMILY_LAST) < _GIVEN_FIRST
        or (name.lower() not in plain and said.small[name.lower()] < _RARE)
    }
    counted = {name for name, rank in known.family_ranks.items() if rank < _FAMILY_LAST}
    families = {
        name.lower()
        for name in known.families | counted
        if name.lower() not in plain or known.family_ranks.get(name, _FAMILY_LAST) < _FAMILY_FIRST
    }
    return given, families


def main(packages: Path, folder: Path) -> None:
    sys.path.insert(0, str(packages))
    known, said, ours = names(packages), prose(folder), _ours()
    listed = pickle.loads((packages / "english_words" / "data" / "web2.pickle").read_bytes())  # noqa: S301 - the package's own
    plain = plain_words(known, said, frozenset(word for word in listed if word.islower()))
    given, families = chosen(known, said, plain)
    towns = {name.capitalize() for name in places().sure if " " not in name}
    everyone = known.given | known.families | known.family_ranks.keys()
    bases = {word for word in plain if said.small[word] >= _KNOWN} | set(ours["plain"])
    plain |= bases | {form for word in bases for form in _forms(word) if form.capitalize() not in everyone}
    plain = plain - {word.lower() for word in ours["undoubted"]} | {word.lower() for word in ours["doubtful"]}
    given |= set(ours["given"])
    families |= {name.lower() for name in ours["families"]}
    FILE.write_bytes(pack([name for name in given if len(name) > 1 and name not in no_names() | towns]))
    FAMILIES.write_bytes(pack([name for name in families if len(name) > 1 and name.capitalize() not in no_names()]))
    PLAIN.write_bytes(pack(sorted(plain)))


def _ours() -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    words: list[str] = []
    for line in Path(__file__).with_name("corpus").joinpath("people.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            words = parts.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            words += line.split()
    return parts


def _faker(*kinds: str) -> Iterator[str]:
    package = importlib.import_module("faker.providers.person")
    for module in pkgutil.iter_modules(package.__path__):
        provider: Any = importlib.import_module(f"{package.__name__}.{module.name}").Provider
        for name in dir(provider):
            if any(kind in name for kind in kinds) and "format" not in name and not callable(getattr(provider, name)):
                yield from _names(_flat(getattr(provider, name)))


def _names(values: Iterable[str]) -> Iterator[str]:
    return (word for value in values for word in value.split() if _NAME.match(word))


def _flat(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Iterable):
        for one in value:
            yield from _flat(one)


def _census(path: Path) -> list[str]:
    return [line.split()[0].capitalize() for line in path.read_text(encoding="utf-8").splitlines()]


def _forms(word: str) -> Iterator[str]:
    """The word with the endings of English, when it is long enough to be no ending itself."""
    if len(word) > 3:
        stem = word[:-1] if word.endswith(("e", "y")) else word
        yield from (word + "s", word + "ly", stem + "ing", stem + "ed", stem + "es")
        yield from (stem + "ies", stem + "ied", stem + "ily") if word.endswith("y") else ()


def _is_listed(word: str, dictionary: frozenset[str]) -> bool:
    if word in dictionary:
        return True
    return any(word.endswith(end) and word[: len(word) - len(end)] + instead in dictionary for end, instead in _ENDINGS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
