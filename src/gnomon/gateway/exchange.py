"""One request on its way through: what is known about it so far, and how it was refused if it was."""

import time
from typing import Any

from gnomon.contract.bundle import Key
from gnomon.contract.traffic import Outcome
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.snapshot import PreparedRoute, PreparedTarget, Snapshot


class Exchange:
    """Mutable and owned by one connection. Times: `started` on the monotonic clock, `at` in Unix seconds."""

    __slots__ = (
        "address",
        "at",
        "body",
        "canary",
        "close",
        "connect_ms",
        "endpoint",
        "entities_in",
        "entities_out",
        "error",
        "first_token_ms",
        "guard_in_ms",
        "headers",
        "held",
        "http10",
        "id",
        "key",
        "limit_headers",
        "link",
        "method",
        "model",
        "outcome",
        "path",
        "peer",
        "recorded",
        "refusal",
        "reply",
        "request",
        "route",
        "snapshot",
        "started",
        "status",
        "stream",
        "tags",
        "target",
        "tokens_in",
        "tokens_out",
        "vault",
    )

    def __init__(self, id: str, *, peer: str, address: str) -> None:
        self.id = id
        self.peer = peer
        self.address = address
        self.started = time.monotonic()
        self.at = time.time()
        self.method = ""
        self.path = ""
        self.headers: dict[bytes, bytes] = {}
        self.body: bytes = b""
        self.http10 = False
        self.close = False
        self.refusal: Refusal | None = None
        self.snapshot: Snapshot | None = None
        self.key: Key | None = None
        self.route: PreparedRoute | None = None
        self.target: PreparedTarget | None = None
        self.canary = ""
        self.endpoint = ""
        self.model = ""
        self.stream = False
        self.vault: Any = None
        self.link: Any = None  # the connection to the model server, while one answers
        self.held: str = ""  # the concurrency slot to give back
        self.limit_headers: tuple[tuple[str, str], ...] = ()
        self.tags: dict[str, str] = {}
        self.entities_in: dict[str, int] = {}
        self.entities_out: dict[str, int] = {}
        self.tokens_in = 0
        self.tokens_out = 0
        self.request = ""
        self.reply = ""
        self.error = ""
        self.outcome: Outcome = "internal"
        self.status = 0
        self.guard_in_ms: float | None = None
        self.connect_ms: float | None = None
        self.first_token_ms: float | None = None
        self.recorded = False

    def elapsed_ms(self) -> float:
        return (time.monotonic() - self.started) * 1000.0
