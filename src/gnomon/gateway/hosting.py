"""What a connection knows of the server that holds it."""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from gnomon.gateway.addresses import Proxies
from gnomon.gateway.services import Services


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What one caller may make us hold."""

    head_bytes: int = 16_384
    head_lines: int = 64
    path_bytes: int = 2_048
    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 75.0
    pipelined: int = 8
    connections: int = 20_000


class Host(Protocol):
    """The server of one worker, as `gateway.server` makes it."""

    services: Services
    proxies: Proxies
    limits: ServerLimits
    connections: set[Any]
    draining: bool
    loop: asyncio.AbstractEventLoop

    def new_id(self) -> str: ...

    def address(self, peer: str) -> str: ...
