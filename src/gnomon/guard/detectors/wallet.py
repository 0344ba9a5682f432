"""加密货币钱包 / wallets: the addresses of Bitcoin, Tron and Ethereum. Looked for only where a policy names them: who
is to pay into a wallet has to see it.

What has a checksum must pass it. That of Ethereum needs a hash that Python does not have: 40 digits after 0x will do.
"""

import re
from collections.abc import Iterator
from hashlib import sha256

from gnomon.guard.detectors.base import Detector
from gnomon.guard.view import Found, View

ENTITY = "WALLET"
_SHAPE = re.compile(
    r"(?<![0-9A-Za-z])(?:0x[0-9a-fA-F]{40}|[13T][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,87}"
    r"|BC1[02-9AC-HJ-NP-Z]{11,87})(?![0-9A-Za-z])"
)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_FACTORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def base58check(code: str) -> bool:
    """25 bytes, of which the last four begin the double SHA-256 of the others."""
    value = 0
    for char in code:
        value = value * 58 + _BASE58.index(char)
    if value.bit_length() > 200:
        return False
    data = value.to_bytes(25, "big")
    return sha256(sha256(data[:21]).digest()).digest()[:4] == data[21:]


def bech32(code: str) -> bool:
    """BIP 173 and, from version 1 on, BIP 350: the polynomial over prefix and characters leaves 1 or its constant."""
    prefix, _, rest = code.lower().rpartition("1")
    values = [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]
    left = 1
    for value in (*values, *map(_BECH32.index, rest)):
        top, left = left >> 25, (left & 0x1FFFFFF) << 5 ^ value
        for bit, factor in enumerate(_FACTORS):
            left ^= factor if top >> bit & 1 else 0
    return left in (1, 0x2BC830A3)


def _find(view: View) -> Iterator[Found]:
    for match in _SHAPE.finditer(view.text):
        said = match.group()
        if said[0] == "0" or (bech32 if said[0] in "bB" else base58check)(said):
            yield Found(match.start(), match.end(), ENTITY)


DETECTOR = Detector(
    ENTITY, "钱包", (rb"0x[0-9a-f]{40}", rb"bc1[0-9a-z]{11}", rb"[13T][0-9A-Za-z]{25}"), _find, visible=(4, 4), reach=2
)
