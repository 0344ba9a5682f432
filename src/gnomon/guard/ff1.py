"""FF1 of NIST SP 800-38G: a string of digits sealed to another of the same length and alphabet, under an AES key.

A permutation of all strings of a length, so nothing tells a changed one: whoever opens it with another key or tweak
gets another number. FF3, its sibling, was withdrawn by NIST in 2025 after attacks on small domains; FF1 is kept, for
domains of at least a million strings (SP 800-38G Rev. 1, second draft), which `least` gives as a length.
"""

from collections.abc import Sequence
from functools import cache

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from gnomon.kit.errors import BadInput

_ROUNDS = 10
_LEAST_DOMAIN = 1_000_000


class BadNumerals(BadInput):
    """What FF1 cannot seal: too short, or a numeral outside the radix."""

    code = "bad_numerals"


@cache
def least(radix: int) -> int:
    """The least number of numerals whose strings are a million."""
    length = 1
    while radix**length < _LEAST_DOMAIN:
        length += 1
    return length


class Ff1:
    """One key and radix. `encrypt` and `decrypt` take and give numerals in [0, radix); safe to share."""

    def __init__(self, key: bytes, *, radix: int) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - a building block: FF1 is made of it
        self._radix = radix

    def encrypt(self, numerals: Sequence[int], *, tweak: bytes = b"") -> list[int]:
        """As many numerals. Raises BadNumerals."""
        a, b, rounds = self._begin(numerals, tweak)
        for i in range(_ROUNDS):
            modulus = self._radix ** rounds.half(i)
            a, b = b, (a + rounds.value(i, b)) % modulus
        return self._numerals(a, rounds.u) + self._numerals(b, rounds.v)

    def decrypt(self, numerals: Sequence[int], *, tweak: bytes = b"") -> list[int]:
        """What `encrypt` was given under the same tweak."""
        a, b, rounds = self._begin(numerals, tweak)
        for i in reversed(range(_ROUNDS)):
            modulus = self._radix ** rounds.half(i)
            a, b = (b - rounds.value(i, a)) % modulus, a
        return self._numerals(a, rounds.u) + self._numerals(b, rounds.v)

    def _begin(self, numerals: Sequence[int], tweak: bytes) -> tuple[int, int, "_Rounds"]:
        if len(numerals) < least(self._radix) or any(not 0 <= one < self._radix for one in numerals):
            raise BadNumerals(
                f"{len(numerals)} numerals; at least {least(self._radix)} are needed, each below {self._radix}.",
                next_step="Seal shorter values by another operator.",
            )
        rounds = _Rounds(self._cipher.encryptor(), self._radix, len(numerals), tweak)
        return self._number(numerals[: rounds.u]), self._number(numerals[rounds.u :]), rounds

    def _number(self, numerals: Sequence[int]) -> int:
        value = 0
        for one in numerals:
            value = value * self._radix + one
        return value

    def _numerals(self, value: int, length: int) -> list[int]:
        found = []
        for _ in range(length):
            value, one = divmod(value, self._radix)
            found.append(one)
        return found[::-1]


class _Rounds:
    """The round function of one call; letters are those of the standard's algorithm 7."""

    def __init__(self, aes: CipherContext, radix: int, n: int, tweak: bytes) -> None:
        self.u, self.v = n // 2, n - n // 2
        self._aes, self._tweak = aes, tweak
        self._b = ((radix**self.v - 1).bit_length() + 7) // 8
        self._d = 4 * ((self._b + 3) // 4) + 4
        head = bytes((1, 2, 1)) + radix.to_bytes(3, "big") + bytes((10, self.u % 256))
        self._p = aes.update(head + n.to_bytes(4, "big") + len(tweak).to_bytes(4, "big"))
        self._pad = bytes((-len(tweak) - self._b - 1) % 16)

    def half(self, i: int) -> int:
        return self.u if i % 2 == 0 else self.v

    def value(self, i: int, other: int) -> int:
        q = self._tweak + self._pad + bytes((i,)) + other.to_bytes(self._b, "big")
        r = self._p
        for at in range(0, len(q), 16):
            r = self._aes.update(_xor(r, q[at : at + 16]))
        s = r
        for j in range(1, (self._d + 15) // 16):
            s += self._aes.update(_xor(r, j.to_bytes(16, "big")))
        return int.from_bytes(s[: self._d], "big")


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(16, "big")
