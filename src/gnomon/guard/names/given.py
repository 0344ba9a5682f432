"""Given names in Latin letters, as digests: enough to know a name again, too little to list them.

`python -m gnomon.guard.names.given NAMES` makes the file from a text with one name a line; PROVENANCE.md says which.
"""

import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import Final

from gnomon.guard.names.artefact import NamesMissing

FILE: Final = Path(__file__).with_name("given.digests")
_SIZE: Final = 5  # bytes a digest: of all words of a language together, one in millions would be taken for a name
_SUM: Final = 32


def is_given(name: str) -> bool:
    """Whether it is one of the names, as it is written there. Raises NamesMissing."""
    return _digest(name) in known()


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
def known() -> frozenset[bytes]:
    """The digests, read once a process. Raises NamesMissing."""
    try:
        return unpack(FILE.read_bytes())
    except (OSError, ValueError) as error:
        raise NamesMissing(
            f"The given names {FILE.name} cannot be used: {error}.", next_step="Install the package again."
        ) from error


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=_SIZE).digest()


if __name__ == "__main__":
    FILE.write_bytes(pack(Path(sys.argv[1]).read_text(encoding="utf-8").split()))
