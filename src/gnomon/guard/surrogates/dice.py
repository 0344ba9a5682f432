"""Chance that is the same for the same key and value, and that nobody foresees without the key."""

import hmac
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_WORD = 8  # bytes a throw: of lists this short none is favoured by more than one in 2^50


class Dice:
    """HMAC-SHA-256 in counter mode over entity, value and attempt. Feeds one surrogate; not thread-safe."""

    def __init__(self, key: bytes, *, entity: str, value: str, attempt: int) -> None:
        self._key = key
        self._seed = f"surrogate\0{entity}\0{attempt}\0{value}".encode("utf-8", "surrogatepass")
        self._block, self._left = 0, b""

    def below(self, count: int) -> int:
        """One of 0 … count - 1."""
        if len(self._left) < _WORD:
            self._block += 1
            self._left += hmac.digest(self._key, self._block.to_bytes(4, "big") + self._seed, "sha256")
        word, self._left = self._left[:_WORD], self._left[_WORD:]
        return int.from_bytes(word, "big") % count

    def choice(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def text(self, alphabet: Sequence[str], length: int) -> str:
        return "".join(self.choice(alphabet) for _ in range(length))
