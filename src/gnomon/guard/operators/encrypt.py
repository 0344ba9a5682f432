"""The value itself, sealed under the key (AES-256-SIV, RFC 5297): whoever has the key needs no map to restore it.

SIV and not GCM, because masking the same text twice, or as a stream, must give the same. Where a rule names a whole
field, the formats `digits` and `alnum` seal its digits (and letters A-Z) to others of the same length by FF1, the rest
of the shape stays; what does not fit (other characters, under a million possibilities) is sealed as a token after all.
Not in running text: there nobody could tell a sealed number from a real one, and so could not restore it.
"""

import hmac
import re
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gnomon.contract.masking import FIELD
from gnomon.guard.ff1 import Ff1, least
from gnomon.guard.operators.base import Operator, Subject
from gnomon.guard.placeholders import bytes_of, letters_of, placeholder

_TAG = 16  # bytes of authentication before the sealed value
TOKEN = re.compile(r"⟦([^⟦⟧~]{1,24})~([bcdfghjkmnpqrstv]{32,})⟧")

_ALPHABETS = {"digits": "0123456789", "alnum": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_SEPARATORS = frozenset(" -./()+_:#")  # part of a number's shape; anything else could say something


@lru_cache(maxsize=8)
def _cipher(key: bytes) -> AESSIV:
    return AESSIV(hmac.digest(key, b"mask encrypt", "sha512"))


@lru_cache(maxsize=16)
def _ff1(key: bytes, radix: int) -> Ff1:
    return Ff1(hmac.digest(key, b"mask encrypt ff1", "sha256"), radix=radix)


def _replace(subject: Subject, format: str) -> str:
    if format and _fits(subject.value, _ALPHABETS[format]):
        return _reshaped(subject.value, format, key=subject.key, tweak=subject.label.encode(), sealing=True)
    sealed = _cipher(subject.key).encrypt(
        b"\0" + subject.value.encode("utf-8", "surrogatepass"),  # one byte: SIV of nothing is refused
        [subject.label.encode()],
    )
    return placeholder(f"{subject.label}~{letters_of(sealed)}")


def _fits(value: str, alphabet: str) -> bool:
    own = [char for char in value if char in alphabet]
    return len(own) >= least(len(alphabet)) and all(char in alphabet or char in _SEPARATORS for char in value)


def _reshaped(value: str, format: str, *, key: bytes, tweak: bytes, sealing: bool) -> str:
    """`value` with the characters of the format's alphabet sealed (or opened), every other one in its place."""
    alphabet = _ALPHABETS[format]
    cipher = _ff1(key, len(alphabet))
    own = [alphabet.index(char) for char in value if char in alphabet]
    made = iter((cipher.encrypt if sealing else cipher.decrypt)(own, tweak=tweak))
    return "".join(alphabet[next(made)] if char in alphabet else char for char in value)


def _wrong(entity: str, format: str) -> str:
    if format and format not in _ALPHABETS:
        return f"it is one of: {', '.join(_ALPHABETS)}, or none"
    return "" if not format or entity == FIELD else f"only the whole content of a field ({FIELD}) keeps its format"


def opened_field(text: str, *, field: str, format: str, key: bytes) -> str:
    """The whole content of a field as it was before a rule with that format sealed it.

    Nothing tells that it was sealed, nor with which key: content that never was comes out as another number.
    """
    if TOKEN.fullmatch(text) or not _fits(text, _ALPHABETS[format]):
        return unsealed(text, key=key)
    return _reshaped(text, format, key=key, tweak=field.encode(), sealing=False)


def unsealed(text: str, *, key: bytes) -> str:
    """`text` with every token of this key opened. One that was changed in the least stays as it is."""

    def opened(match: re.Match[str]) -> str:
        try:
            value = _cipher(key).decrypt(bytes_of(match[2]), [match[1].encode()])
        except (InvalidTag, ValueError):
            return match[0]
        return value[1:].decode("utf-8", "surrogatepass")

    return TOKEN.sub(opened, text)


OPERATOR = Operator("encrypt", _replace, _wrong, is_reversible=True)
