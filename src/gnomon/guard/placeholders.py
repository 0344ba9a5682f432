"""Placeholders stand for values: readable, the same for the same value and key, and hard for a model to break.

`⟦手机_kqzmwt⟧`: brackets that no ordinary text uses, a word that tells the model what stands there, and six consonants
(a keyed digest; no digits that a model might "correct" or a detector might read, no vowels that might make a word).
"""

import hmac
import re

_ALPHABET = "bcdfghjkmnpqrstvwxz"
_LETTERS = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
_CODE = 6
_OPEN, _CLOSE = "⟦", "⟧"
# What models make of it: other brackets, spaces, a full-width or missing underscore, capitals.
_WRITTEN = re.compile(
    rf"(?:⟦|\[\[?|【|〖|〔|《)\s?([^\s⟦⟧\[\]【】〖〗〔〕《》_＿]{{1,12}})\s?[_＿-]?\s?(?ai:([{_ALPHABET}]{{{_CODE},12}}))\s?(?:⟧|\]\]?|】|〗|〕|》)"
)


def code(value: str, *, key: bytes, entity: str, length: int = _CODE) -> str:
    """`length` consonants, an HMAC-SHA-256 of entity and value."""
    digest = hmac.digest(key, f"{entity}\0{value}".encode("utf-8", "surrogatepass"), "sha256")
    return digest[:length].translate(_LETTERS).decode()


def placeholder(label: str, letters: str = "") -> str:
    """`⟦label_letters⟧`, or `⟦label⟧` for a value that is gone for good."""
    return f"{_OPEN}{label}_{letters}{_CLOSE}" if letters else f"{_OPEN}{label}{_CLOSE}"


class Vault:
    """Placeholder → original, for one request: it lives as long as the request and is never shared or stored."""

    def __init__(self) -> None:
        self._originals: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._originals)

    def __repr__(self) -> str:
        return f"Vault({len(self)} values)"  # never the values: a vault may end up in a traceback

    def keep(self, label: str, letters: str, original: str) -> str:
        """The code under which `original` is kept: `letters`, or a longer one if another value has it already."""
        for length in range(_CODE, len(letters) + 1):
            known = self._originals.setdefault(f"{label}_{letters[:length]}", original)
            if known == original:
                return letters[:length]
        raise LookupError(f"No free placeholder for {label}: {len(self)} values are kept.")

    def restore(self, text: str) -> str:
        """`text` with every placeholder that this request made replaced by its original; unknown ones stay."""
        if not self._originals:
            return text
        return _WRITTEN.sub(self._original, text)

    def _original(self, match: re.Match[str]) -> str:
        return self._originals.get(f"{match[1]}_{match[2].lower()}", match[0])
