"""Placeholders stand for values: readable, the same for the same value and key, and hard for a model to break.

`⟦手机_kqzmwt⟧`: brackets that no ordinary text uses, a word that tells the model what stands there, and six consonants
(a keyed digest; no digits that a model might "correct" or a detector might read, no vowels that might make a word).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Final

from gnomon import native

_ALPHABET: Final = "bcdfghjkmnpqrstvwxz"
_LETTERS: Final = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
# Letters only: a digest of digits could be read as a number by the next masker.
_HEX_LETTERS: Final = str.maketrans("0123456789abcdef", "bcdfghjkmnpqrstv")
_LETTERS_HEX: Final = str.maketrans("bcdfghjkmnpqrstv", "0123456789abcdef")
_CODE: Final = 6
_HMAC_BLOCK: Final = 64  # bytes; RFC 2104 digests a longer key first
_LONGEST_LABEL: Final = 24
_OPEN: Final = "⟦"
_CLOSE: Final = "⟧"
# What models make of it: other brackets, doubled ones, spaces, a full-width or missing underscore, capitals, and, when
# they translate, another label: the letters alone say which value it is.
OPENING: Final = "⟦[【〖〔《〚［「『"
CLOSING: Final = "⟧]】〗〕》〛］」』"
_ANY: Final = re.escape(OPENING + CLOSING)
WRITTEN: Final = re.compile(
    rf"(?:\[\[|[{re.escape(OPENING)}])\s?([^{_ANY}_＿\n]{{1,{_LONGEST_LABEL}}}?)\s?[_＿-]?\s?"
    rf"(?ai:([{_ALPHABET}]{{{_CODE},12}}))\s?(?:\]\]|[{re.escape(CLOSING)}])"
)
LONGEST: Final = _LONGEST_LABEL + 12 + 10
"""Characters that a placeholder has at most, however it is written: a stream holds back that many after a bracket."""


def code(value: str, *, key: bytes, entity: str, length: int = _CODE) -> str:
    """`length` consonants, an HMAC-SHA-256 of entity and value."""
    keyed = _keyed(key)
    if keyed is None:
        return code_slowly(value, key=key, entity=entity, length=length)
    letters: str = keyed(entity, value, length)
    return letters


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> Any:
    """The same in C, with what depends on the key alone done once; None where there is nothing in C."""
    made = native.load("digest")
    return made and made.Keyed(key if len(key) <= _HMAC_BLOCK else hashlib.sha256(key).digest(), _LETTERS).letters


def code_slowly(value: str, *, key: bytes, entity: str, length: int = _CODE) -> str:
    """The same without C."""
    digest = hmac.digest(key, f"{entity}\0{value}".encode("utf-8", "surrogatepass"), "sha256")
    return digest[:length].translate(_LETTERS).decode()


def letters_of(data: bytes) -> str:
    """Two consonants a byte."""
    return data.hex().translate(_HEX_LETTERS)


def bytes_of(letters: str) -> bytes:
    """What `letters_of` was given. Raises ValueError for anything else."""
    return bytes.fromhex(letters.translate(_LETTERS_HEX))


def placeholder(label: str, letters: str = "") -> str:
    """`⟦label_letters⟧`, or `⟦label⟧` for a value that is gone for good."""
    return f"{_OPEN}{label}_{letters}{_CLOSE}" if letters else f"{_OPEN}{label}{_CLOSE}"


class Vault:
    """Placeholder → original, for one request: it lives as long as the request; only `sealed` takes copies of it.

    Requests of one `conversation` (its id) have the same placeholders for rules that are stable in a conversation;
    without an id every vault is a conversation of its own.
    """

    def __init__(
        self, conversation: str = "", *, originals: Mapping[str, str] | None = None, real: Collection[str] = ()
    ) -> None:
        self._originals = dict(originals or {})
        self._by_letters: dict[str, str | None] = {}
        self._conversation = conversation
        self._values = real  # of the whole set, which no surrogate may look like
        self._lent: dict[str, str] = {}
        self.seen: set[str] = set()  # names of people that the conversation has had
        self.met: set[str] = set()  # every value that something was done to, but secrets: what guard.persons notes
        for name, original in self._originals.items():
            self._index(name.rpartition("_")[2], original)

    def __len__(self) -> int:
        return len(self._originals)

    def __repr__(self) -> str:
        return f"Vault({len(self)} values)"  # never the values: a vault may end up in a traceback

    def originals(self) -> dict[str, str]:
        """A copy of what is kept: `label_letters` → original. For sealing and nothing else."""
        return dict(self._originals)

    def key_of(self, key: bytes) -> bytes:
        """The key of pseudonyms that are stable in this conversation only."""
        if not self._conversation:
            self._conversation = secrets.token_hex(16)
        return hmac.digest(key, f"conversation\0{self._conversation}".encode("utf-8", "surrogatepass"), "sha256")

    def keep(self, label: str, letters: str, original: str) -> str:
        """The code under which `original` is kept: `letters`, or a longer one if another value has it already."""
        for length in range(_CODE, len(letters) + 1):
            short = letters[:length]
            if self._originals.setdefault(f"{label}_{short}", original) == original:
                self._index(short, original)
                return short
        raise LookupError(f"No free placeholder for {label}: {len(self)} values are kept.")

    def lends(self, surrogate: str, *, to: str) -> bool:
        """Whether the surrogate may stand for the value `to`: it is no real value, and stands for no other."""
        if surrogate in self._values or surrogate in self.met:
            return False
        return self._lent.setdefault(surrogate, to) == to

    def restore(self, text: str) -> str:
        """`text` with every placeholder that this request made replaced by its original; unknown ones stay."""
        if not self._originals:
            return text
        return WRITTEN.sub(self._original, text)

    def _index(self, letters: str, original: str) -> None:
        if self._by_letters.setdefault(letters, original) != original:
            self._by_letters[letters] = None  # two labels share them: only the label tells which

    def _original(self, match: re.Match[str]) -> str:
        letters = match[2].lower()
        found = self._originals.get(f"{match[1]}_{letters}")
        if found is None:
            found = self._by_letters.get(letters)
        return match[0] if found is None else found
