"""Tokens by which everything about a person is found again without the person's identifiers standing anywhere.

A token is a keyed digest (BLAKE2b with a key of its own, RFC 7693) of an identifier as `plain_form` writes it, so that
`138 1234 5678`, `+86-138-1234-5678` and the same in full width are one. Who has the tokens and not the key learns
that two places are about the same person, and nothing of whom. The key is another one than that of pseudonyms: a
placeholder shows in what models and callers read, a token never leaves the platform.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gnomon import native
from gnomon.guard.normalise import digits, fold
from gnomon.kit.errors import BadInput
from gnomon.kit.keys import next_numbered, numbered, secret_key

_DIGEST: Final = 12  # 96 bits: among a billion identifiers two share a token with a chance of 6e-12
_SHORTEST: Final = 2
_NOT_WRITTEN: Final = re.compile(r"[\W_]+")  # separators that people put in and leave out
_NOT_IN_MAIL: Final = re.compile(r"[^\w.@+-]+")
_MOBILE_DIGITS: Final = 11
_MOBILE: Final = re.compile(r"(?:00)?86(1\d{10})")


def plain_form(value: str) -> str:
    """The identifier as it counts: folded, in small letters, without separators; mobiles without +86."""
    is_ascii = value.isascii()
    text = value if is_ascii and value.isdigit() else (value if is_ascii else fold(value).text).casefold()
    if "@" in text:
        return _NOT_IN_MAIL.sub("", text)
    if not text.isalnum():
        text = _NOT_WRITTEN.sub("", text)
    if not is_ascii and not text.isascii() and (read := digits(text)).isascii() and read.isdigit():
        text = read  # 一三八… is a number; 一 in a name is not
    if len(text) > _MOBILE_DIGITS and (found := _MOBILE.fullmatch(text)):
        return found[1]
    return text


class PersonIndex:
    """Makes tokens under the newest key of a folder, and under every key for looking. Shared freely.

    Tokens say by their first eight digits which key made them.
    """

    def __init__(self, keys: Iterable[bytes]) -> None:
        used = tuple(keys)
        self._bases = [(key_name(key), hashlib.blake2b(key=key, digest_size=_DIGEST)) for key in used]
        if not self._bases:
            raise BadInput("An index of persons needs a key.", next_step="Give at least one of 32 bytes.")

        made = native.load("tokens")
        self._quick = made and made.Keyed(used[-1], _DIGEST, self._bases[-1][0], plain_form).tokens

    @property
    def key_names(self) -> tuple[str, ...]:
        """Oldest first."""
        return tuple(name for name, _ in self._bases)

    def token(self, value: str) -> str:
        """The token of an identifier under the newest key; nothing for what is too short to be one."""
        return self._made(plain_form(value), *self._bases[-1])

    def tokens(self, value: str) -> tuple[str, ...]:
        """Its token under every key: what was noted before a change of keys is found too."""
        plain = plain_form(value)
        return tuple(token for base in self._bases if (token := self._made(plain, *base)))

    def tokens_of(self, values: Iterable[str]) -> tuple[str, ...]:
        """The tokens of several identifiers, each once, under the newest key."""
        if self._quick is not None:
            return tuple(sorted(self._quick(values)))
        return self.tokens_slowly(values)

    def tokens_slowly(self, values: Iterable[str]) -> tuple[str, ...]:
        """The same without C."""
        return tuple(sorted({token for value in values if (token := self.token(value))}))

    def _made(self, plain: str, name: str, base: "hashlib.blake2b") -> str:
        if len(plain) < _SHORTEST:
            return ""
        made = base.copy()
        made.update(plain.encode("utf-8", "surrogatepass"))
        return f"{name}{made.hexdigest()}"


def key_name(key: bytes) -> str:
    """Eight hex digits that tell keys apart and say nothing of them."""
    return hashlib.blake2b(b"gnomon person key", key=key, digest_size=4).hexdigest()


def person_index(home: Path) -> PersonIndex:
    """The index of this home: `keys/persons/<n>.key`, of which the highest number is in use; the first is made.

    Raises BadInput when a key file has another length.
    """
    return PersonIndex(secret_key(path) for path in key_files(home))


def key_files(home: Path) -> list[Path]:
    """Oldest first; at least one, which need not exist yet."""
    folder = home / "keys" / "persons"
    return numbered(folder) or [next_numbered(folder)]


def add_key(home: Path) -> str:
    """A new key is in use from the next start of whoever makes tokens; the older ones still find. Its name."""
    last = key_files(home)[-1]
    if not last.exists():
        return key_name(secret_key(last))
    return key_name(secret_key(next_numbered(last.parent)))


def forget_keys(home: Path, *, used: Iterable[str]) -> list[str]:
    """Destroy every key but the newest under which no token is left; the names of those that went."""
    still, gone = set(used), []
    for path in key_files(home)[:-1]:
        name = key_name(secret_key(path))
        if name not in still:
            path.unlink()
            gone.append(name)
    return gone
