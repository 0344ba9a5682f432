"""One request on its way through: what is known about it so far, and how it was refused if it was."""

import time
from asyncio import Future
from collections.abc import Callable
from typing import Any, Final, Literal

from gnomon.contract.bundle import Key
from gnomon.contract.content import ContentFinding
from gnomon.contract.ports import Entry, Meter
from gnomon.contract.traffic import Outcome, Role
from gnomon.gateway.heads import Proof
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.snapshot import PreparedRoute, PreparedTarget, Snapshot

NOTHING: Final = Entry()
_NONE: Final[frozenset[str]] = frozenset()


def _nobody_waits() -> None: ...


class Exchange:
    """Mutable and owned by one connection. Times: `started` on the monotonic clock, `at` in Unix seconds.

    What most requests leave as it is stands in the class: only what each needs for itself is made for each.
    """

    method: str = ""
    path: str = ""
    body: bytes = b""
    http10: bool = False
    close: bool = False
    refusal: Refusal | None = None
    snapshot: Snapshot | None = None
    key: Key | None = None
    tried: str = ""
    proof: Proof | None = None
    route: PreparedRoute | None = None
    target: PreparedTarget | None = None
    canary: str = ""
    endpoint: str = ""
    model: str = ""
    stream: bool = False
    begun: bool = False  # the head of a streamed answer is out
    vault: Any = None
    persons: tuple[str, ...] = ()  # tokens of a remembered answer, and of those `noted`
    link: Any = None  # the connection to the model server, while one answers
    held: tuple[Meter, ...] = ()  # what this request is counted by until it ends
    entering: tuple[tuple[Meter, ...], Future[Entry]] | None = None  # asked, and not yet answered
    reserved: tuple[int, int] = (0, 0)  # tokens and cost taken beforehand
    more_headers: tuple[tuple[str, str], ...] = ()  # of the answer
    tokens_in: int = 0
    tokens_out: int = 0
    request: bytes = b""  # masked, UTF-8
    reply: bytes = b""
    error: str = ""
    outcome: Outcome = "internal"
    status: int = 0
    guard_in_ms: float | None = None
    connect_ms: float | None = None
    first_token_ms: float | None = None
    queue_ms: float | None = None
    role: Role = ""
    attempts: int = 0
    arm: str = ""
    cache: Literal["", "hit", "miss"] = ""
    escalated: bool = False
    saved: float = 0.0
    forward: bytes = b""  # header lines of the caller that go on to the model server
    idempotent: bool = False  # the caller gave a key by which a repetition is known
    recorded: bool = False

    def __init__(self, id: str, *, peer: str, address: str) -> None:
        self.id = id
        self.peer = peer
        self.address = address
        self.started = time.monotonic()
        self.at = time.time()
        self.cancel: Callable[[], object] = _nobody_waits  # raises CancelledError where it is being answered
        self.headers: dict[bytes, bytes] = {}
        self.tags: dict[str, str] = {}
        self.room: Entry = NOTHING  # what is left, for the headers
        self.met: set[str] = set()  # values that were masked, both ways: the record has their tokens
        self.noted: frozenset[str] = _NONE  # of these, those whose tokens are made
        self.entities_in: dict[str, int] = {}
        self.entities_out: dict[str, int] = {}
        self.content: dict[tuple[str, str], ContentFinding] = {}
        self.unscanned: dict[str, int] = {}
        self.has_media: bool | None = None  # whether there is more in the answer than text; None: nobody has looked

    @property
    def conversation(self) -> str:
        """Which conversation of which caller this belongs to, where the caller says so; nothing: it stands alone."""
        said = self.headers.get(b"x-gnomon-conversation", b"")
        return f"{self.key.caller}\0{said.decode('latin-1')}" if said and self.key is not None else ""

    def new_vault(self, make: Callable[[str], Any]) -> Any:
        """A vault of this conversation; what is masked with it is noted for the record."""
        vault = make(self.conversation)
        vault.met = self.met
        return vault

    def elapsed_ms(self) -> float:
        return (time.monotonic() - self.started) * 1000.0

    def beside(self, role: Role) -> "Exchange":
        """A call of ours beside this request: recorded as such, counted by nobody's limits."""
        other = Exchange(f"{self.id}_{role}", peer=self.peer, address=self.address)
        other.role = role
        other.snapshot, other.key, other.route, other.model = self.snapshot, self.key, self.route, self.model
        other.endpoint, other.path = self.endpoint, self.path
        other.entities_in, other.unscanned, other.met = self.entities_in, self.unscanned, self.met
        return other
