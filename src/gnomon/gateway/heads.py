"""A caller repeats the head of its requests: the same bytes again mean the same, and are not taken apart again.

Only the digits of one Content-Length may differ. What a head says is learnt from a request that the parser took as one
whole message, on the same connection; a connection whose heads never repeat is not worth more tries.
"""

import re
from dataclasses import dataclass
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})\r\n", re.IGNORECASE)
_LARGEST: Final = 4096  # bytes of a head that is kept for as long as its connection
MOST_TRIES: Final = 8


@dataclass(slots=True)
class Proof:
    """The key that a head carries: its id and the digest of the whole. Whether it opens anything is asked anew."""

    key_id: str
    digest: str


@dataclass(slots=True)
class Head:
    """What one head says. `headers` and `tags` are not to be changed."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    tags: dict[str, str]
    http10: bool
    before: bytes = b""  # its bytes up to the digits of its length,
    after: bytes = b""  # and behind them, the empty line included
    proof: Proof | None = None  # once it was looked at

    def body(self, data: bytes) -> bytes | None:
        """The body of a request that has this head and ends where `data` ends; None for anything else."""
        if not data.startswith(self.before):
            return None
        start = len(self.before)
        end = data.find(b"\r", start, start + 10)
        if end < 0 or not data.startswith(self.after, end):
            return None
        digits, place = data[start:end], end + len(self.after)
        if not digits.isdigit() or int(digits) != len(data) - place:
            return None
        return data[place:]


def learnt(head: Head, data: bytes) -> bool:
    """Whether `head` now knows its bytes: `data` is one whole request that begins with them, and was read as one.

    What waits for an answer before its body is sent, comes in chunks or ends the connection does not.
    """
    names = head.headers
    end = data.find(b"\r\n\r\n") + 2
    if not 2 < end <= _LARGEST or head.http10 or b"transfer-encoding" in names or b"expect" in names:
        return False
    found = _LENGTH.findall(data, 0, end)
    if len(found) != 1 or found[0] != names.get(b"content-length") or int(found[0]) != len(data) - end - 2:
        return False
    place = _LENGTH.search(data, 0, end)
    assert place is not None
    head.before, head.after = data[: place.start(1)], data[place.end(1) : end + 2]
    return True
