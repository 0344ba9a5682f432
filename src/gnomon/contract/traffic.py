"""What the gateways report: one traffic record a request, blocked ones too, and defence notices."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Outcome = Literal[
    "ok",
    "bad_request",  # 4xx of our own: malformed, unknown model, too large
    "unauthorised",  # no key, unknown key, expired
    "forbidden",  # key may not use this model
    "banned",
    "limited",  # 429 of our own
    "blocked",  # refused by the guard
    "upstream_refused",  # the model server answered 4xx
    "upstream_error",  # the model server answered 5xx or nonsense
    "upstream_unreachable",
    "timeout",
    "client_gone",
    "internal",
]
"""How a request ended. Which outcomes are failures of the service is the bundle's versioned `SuccessRule`."""


MAX_TOKENS = 1_000_000_000  # of one request; a larger claim of a model server is a mistake, not a count
Tokens = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]


def token_count(claimed: object) -> int:
    """What a model server claims to have counted, or 0 where that is no count (0 to MAX_TOKENS)."""
    fits = isinstance(claimed, int) and not isinstance(claimed, bool) and 0 <= claimed <= MAX_TOKENS
    return claimed if fits and isinstance(claimed, int) else 0


class Timings(Struct, frozen=True, kw_only=True):
    """Milliseconds since the request's first byte; `None` where the request never got there."""

    guard_in: float | None = None
    upstream_connect: float | None = None
    first_token: float | None = None
    total: float


class TrafficRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str  # request id, also in the response header x-request-id
    at: float  # Unix seconds of the first byte
    outcome: Outcome
    status: int
    timings: Timings
    policy: str = ""  # "<epoch>.<serial>" of the policy that decided
    roster: str = ""
    endpoint: str = ""
    model: str = ""  # route
    target: str = ""
    version: str = ""
    canary: str = ""
    key_id: str = ""
    caller: str = ""
    team: str = ""
    address: str = ""  # keyed digest of the client address, never the address itself
    stream: bool = False
    tokens_in: Tokens = 0
    tokens_out: Tokens = 0
    entities_in: dict[str, int] = {}
    entities_out: dict[str, int] = {}
    request: str = ""  # masked
    reply: str = ""  # masked
    error: str = ""
    tags: dict[str, str] = {}


class DefenceNotice(Struct, frozen=True, kw_only=True, tag=True):
    """The gateway acted by itself: it banned an address, or a canary retreated. Control confirms and remembers."""

    id: str
    at: float
    kind: Literal["ban", "canary_retreat"]
    subject: str  # address of the ban, id of the canary
    reason: str
    until: float = 0.0
    facts: dict[str, float] = {}
