"""Given names, family names and plain words in Latin letters, as digests: enough to know one again, too little to list.

`python -m gnomon.guard.names.given FILE WORDS` makes one of the files from a text with one word a line; PROVENANCE.md
says which words. Accents count for nothing: who writes Gomez may mean Gómez.
"""

import hashlib
import sys
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from gnomon.guard.names.missing import NamesMissing

FILE: Final = Path(__file__).with_name("given.digests")
FAMILIES: Final = Path(__file__).with_name("families.digests")
PLAIN: Final = Path(__file__).with_name("plain.digests")
_SIZE: Final = 5  # bytes a digest: of all words of a language together, one in millions would be taken for a name
_SUM: Final = 32
_REMEMBERED: Final = 8192
_LETTERS: Final = str.maketrans("łŁøØđĐðÐıŀħŧ’", "lLoOdDdDilht'")
"""Letters that Unicode does not take apart."""


class Known(NamedTuple):
    """The digests of the files."""

    given: frozenset[bytes]
    families: frozenset[bytes]
    plain: frozenset[bytes]


@lru_cache(_REMEMBERED)
def is_given(name: str) -> bool:
    """Whether it is a given name, which begins with a capital. Raises NamesMissing."""
    return _digest(name) in known().given


@lru_cache(_REMEMBERED)
def is_family(name: str) -> bool:
    """Whether it is a family name, in whatever letters: McKay, MCKAY. Raises NamesMissing."""
    low = name.lower()
    return _digest(low) in known().families or ("'" in low and _digest(low.replace("'", "")) in known().families)


@lru_cache(_REMEMBERED)
def is_plain(word: str) -> bool:
    """Whether it is a word of English that says something by itself, though somebody may be called so."""
    return word.isascii() and _digest(word.lower()) in known().plain


@cache
def no_names() -> frozenset[str]:
    """Words that begin with a capital though they are no names."""
    return frozenset(Path(__file__).with_name("corpus").joinpath("capitals.txt").read_text(encoding="utf-8").split())


def pack(names: list[str]) -> bytes:
    """The sorted digests of the names, behind the SHA-256 of them all."""
    digests = b"".join(sorted({_digest(name) for name in names}))
    return hashlib.sha256(digests).digest() + digests


def unpack(data: bytes) -> frozenset[bytes]:
    """Raises ValueError when something was cut or changed."""
    digests = data[_SUM:]
    if not digests or hashlib.sha256(digests).digest() != data[:_SUM]:
        raise ValueError("its digest is another")
    return frozenset(digests[at : at + _SIZE] for at in range(0, len(digests), _SIZE))


@cache
def known() -> Known:
    """The digests, read once a process. Raises NamesMissing."""
    return Known(_read(FILE), _read(FAMILIES), _read(PLAIN))


def _read(file: Path) -> frozenset[bytes]:
    try:
        return unpack(file.read_bytes())
    except (OSError, ValueError) as error:
        raise NamesMissing(
            f"The names {file.name} cannot be used: {error}.", next_step="Install the package again."
        ) from error


def _digest(name: str) -> bytes:
    return hashlib.blake2b(folded(name).encode("utf-8", "replace"), digest_size=_SIZE).digest()


def folded(name: str) -> str:
    """The name without its accents."""
    if name.isascii():
        return name
    apart = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    return "".join(char for char in apart if not unicodedata.combining(char))


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(pack(Path(sys.argv[2]).read_text(encoding="utf-8").split()))
