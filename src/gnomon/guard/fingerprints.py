"""Documents that must not get out, known by hashes of their shingles and not by their text (Broder 1997).

A shingle is some letters and digits in a row, whatever stands between them and whatever their case. All of a document's
are kept and not a selection (winnowing): so a copied passage is covered to its very ends.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator

from gnomon.contract.masking import Fingerprint
from gnomon.guard.normalise import fold
from gnomon.guard.view import LEFT, Found, View

SHINGLE = 20
SHORTEST, LONGEST = 8, LEFT // 3
STRETCH = 3
"""A shingle's characters stand within so many times their number, or what is between them sets them apart."""
_BYTES = 8


def fingerprint(text: str, *, salt: bytes, shingle: int = SHINGLE, public: str = "") -> str:
    """The hashes of the document's shingles, but for those that stand in a public text too (boilerplate)."""
    own = {digest for digest, _, _ in _hashes(fold(text).text, salt, shingle)}
    own -= {digest for digest, _, _ in _hashes(fold(public).text, salt, shingle)}
    return base64.b64encode(b"".join(sorted(own))).decode()


def finder(known: Fingerprint) -> Callable[[View], Iterator[Found]]:
    """Finds every stretch that stands in the document too. Raises ValueError for a fingerprint that is none."""
    data, salt = base64.b64decode(known.hashes, validate=True), bytes.fromhex(known.salt)
    if not SHORTEST <= known.shingle <= LONGEST or len(data) % _BYTES or not data:
        raise ValueError(f"a shingle has {SHORTEST} to {LONGEST} characters, a hash {_BYTES} bytes")
    hashes = frozenset(data[at : at + _BYTES] for at in range(0, len(data), _BYTES))

    def find(view: View) -> Iterator[Found]:
        for digest, start, end in _hashes(view.text, salt, known.shingle):
            if digest in hashes:
                yield Found(start, end, known.entity)

    return find


def _hashes(text: str, salt: bytes, shingle: int) -> Iterator[tuple[bytes, int, int]]:
    """Every shingle's hash, and from where to where it stands."""
    places = [at for at, char in enumerate(text) if char.isalnum()]
    plain = "".join(text[at] for at in places)
    data = memoryview(_lower(plain).encode("utf-32-le", "surrogatepass"))
    for first in range(len(places) - shingle + 1):
        start, end = places[first], places[first + shingle - 1] + 1
        if end - start <= STRETCH * shingle:
            piece = data[4 * first : 4 * (first + shingle)]
            yield hashlib.blake2b(piece, digest_size=_BYTES, salt=salt[:16]).digest(), start, end


def _lower(text: str) -> str:
    lower = text.lower()
    return (
        lower if len(lower) == len(text) else "".join(char if len(char.lower()) > 1 else char.lower() for char in text)
    )
