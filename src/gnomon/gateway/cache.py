"""Answers that were given before, for the same masked request of the same team under the same policy.

In this worker's memory only, masked as the model gave them, bounded in bytes and time. A key says nothing about the
request that made it: it is an HMAC under a secret that dies with the process.
"""

import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import msgspec

from gnomon.contract.bundle import Cache
from gnomon.gateway.exchange import Exchange
from gnomon.gateway.uncounted import used

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_ENTRY_BYTES = 512  # what an entry costs besides its data
_LARGEST_SHARE = 8  # of a shelf; a larger answer is not kept


@dataclass(frozen=True, slots=True)
class Remembered:
    """A masked answer, and which target gave it for how many tokens."""

    data: bytes
    target: str
    tokens_in: int
    tokens_out: int
    until: float
    persons: tuple[str, ...] = ()  # tokens of those it is about


class Answers:
    """Belongs to one event loop. A new policy forgets everything."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._policy = ""
        self._shelves: dict[str, _Shelf] = {}

    def key(self, ex: Exchange, target: str, raw: bytes) -> bytes:
        """The same for the same question to the same target: whether it arrives streamed or whole is no difference."""
        body: dict[str, Any] = _decode(raw)
        body.pop("stream", None)
        body.pop("stream_options", None)
        assert ex.key is not None
        assert ex.snapshot is not None
        who = ("team", ex.key.team) if ex.key.team else ("caller", ex.key.caller or ex.key.id)
        about = [ex.snapshot.policy_version, *who, ex.endpoint, ex.model, target, body]
        return hmac.digest(self._secret, _encode(about), "sha256")

    def find(self, ex: Exchange, key: bytes) -> Remembered | None:
        return self._shelf(ex).find(key, time.monotonic())

    def keep(self, ex: Exchange, key: bytes, data: bytes, rule: Cache, persons: tuple[str, ...] = ()) -> None:
        target = ex.target.target.id if ex.target is not None else ""
        until = time.monotonic() + rule.ttl_s
        self._shelf(ex).keep(key, Remembered(data, target, *used(ex), until, persons), rule.max_bytes)

    def _shelf(self, ex: Exchange) -> "_Shelf":
        assert ex.snapshot is not None
        if ex.snapshot.policy_version != self._policy:
            self._policy = ex.snapshot.policy_version
            self._shelves.clear()
        return self._shelves.setdefault(ex.model, _Shelf())


class _Shelf:
    """The answers of one route, the longest unused first."""

    def __init__(self) -> None:
        self.size = 0
        self._entries: OrderedDict[bytes, Remembered] = OrderedDict()

    def find(self, key: bytes, now: float) -> Remembered | None:
        found = self._entries.get(key)
        if found is None:
            return None
        if found.until <= now:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return found

    def keep(self, key: bytes, answer: Remembered, max_bytes: int) -> None:
        cost = _cost(answer)
        if cost > max_bytes // _LARGEST_SHARE:
            return
        if key in self._entries:
            self._drop(key)
        while self._entries and self.size + cost > max_bytes:
            self._drop(next(iter(self._entries)))
        self._entries[key] = answer
        self.size += cost

    def _drop(self, key: bytes) -> None:
        self.size -= _cost(self._entries.pop(key))


def _cost(answer: Remembered) -> int:
    return len(answer.data) + _ENTRY_BYTES
