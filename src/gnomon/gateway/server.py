"""All callers of one worker: their connections, and the end of connections that idle or dawdle."""

import asyncio
import hmac
import secrets
import time
from functools import lru_cache
from typing import Final

from gnomon.gateway.addresses import Proxies, network
from gnomon.gateway.connection import Connection
from gnomon.gateway.hosting import ServerLimits
from gnomon.gateway.services import Services

_PORTION: Final = 500  # connections looked at in a row: half a millisecond
_CROWDED: Final = 0.8  # of the connections that may be: from here on idle ones go sooner
_CROWDED_IDLE_S: Final = 5.0
_ADDRESSES: Final = 4096  # whose digests are remembered: who calls once calls again
_HEX: Final = tuple(f"{byte:02x}" for byte in range(256))


class Server:
    """Makes one `Connection` per caller and sweeps those that take too long."""

    def __init__(
        self,
        services: Services,
        *,
        address_key: bytes,
        limits: ServerLimits | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self.services = services
        self.proxies = proxies or Proxies()
        self.limits = limits or ServerLimits()
        self.connections: set[Connection] = set()
        self.draining = False
        self.loop = asyncio.get_running_loop()
        self._address_key = address_key
        self.address = lru_cache(_ADDRESSES)(self._digest)
        """The keyed digest under which an address (an IPv6 one: its network) appears in records, bans and lifts."""
        self._counter = 0
        self._start = secrets.token_hex(5)
        self._now = -1  # the millisecond of the last id, and what all of it begin with
        self._begins = ""

    def __call__(self) -> Connection:
        return Connection(self)

    def new_id(self) -> str:
        """Unique, sorts by time, 0.5 us: milliseconds, this process's random part, a counter."""
        self._counter = count = (self._counter + 1) & 0xFFFFFF
        now = int(time.time() * 1000)
        if now != self._now:
            self._now, self._begins = now, f"req_{now:011x}{self._start}"
        return self._begins + _HEX[count >> 16] + _HEX[count >> 8 & 0xFF] + _HEX[count & 0xFF]

    def _digest(self, peer: str) -> str:
        return hmac.digest(self._address_key, network(peer).encode(), "sha256")[:12].hex()

    async def sweep(self) -> None:
        """Close what idles or dawdles; called about once a second. Requests go on between two portions."""
        now = self.loop.time()
        idle_s = self.limits.idle_s
        if len(self.connections) > _CROWDED * self.limits.connections:
            idle_s = min(idle_s, _CROWDED_IDLE_S)  # or those who say nothing would keep out those who want something
        for place, connection in enumerate(tuple(self.connections)):
            connection.check(now, idle_s)
            if place % _PORTION == _PORTION - 1:
                await asyncio.sleep(0)

    async def drain(self, timeout_s: float) -> None:
        """No new requests; those under way end, or are cut after `timeout_s`."""
        self.draining = True
        until = self.loop.time() + timeout_s
        while self.connections and self.loop.time() < until:
            for connection in tuple(self.connections):
                connection.close_if_idle()
            await asyncio.sleep(0.05)
        for connection in tuple(self.connections):
            connection.abort()
        await asyncio.sleep(0)
