"""What the gateways report: one traffic record a request, blocked ones too, and defence notices."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gnomon.contract.content import ContentFinding

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


class Timings(Struct, frozen=True, kw_only=True):
    """Milliseconds since the request's first byte; `None` where the request never got there."""

    guard_in: float | None = None
    upstream_connect: float | None = None
    first_token: float | None = None
    total: float
    queue: float | None = None  # until the request was whole and its turn had come
    per_token: float | None = None  # not since the first byte, but between two tokens of a stream, on average


Role = Literal["", "shadow", "draft"]
"""What a record is of: a caller's request; its copy to a shadow; the small model's answer that was not sure enough."""


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
    tried: str = ""  # 16 bits of the digest of a key that opened nothing: tells many wrong keys from one stale one
    stream: bool = False
    # As the model server counted them. Of an answer, or a stream that said something, for which it told no count, they
    # are estimated, four bytes a token, from the masked request and what was said until then; `cost` follows.
    tokens_in: Tokens = 0
    tokens_out: Tokens = 0
    entities_in: dict[str, int] = {}
    entities_out: dict[str, int] = {}
    request: str = ""  # masked
    reply: str = ""  # masked
    error: str = ""
    tags: dict[str, str] = {}
    role: Role = ""  # the others carry their request's id and a suffix, and count in no figure of the service
    attempts: int = 0  # model servers that were asked
    cache: Literal["", "hit", "miss"] = ""
    arm: str = ""  # "<experiment>:<target>", as assigned
    escalated: bool = False  # a small model's draft was not sure enough
    cost: float = 0.0  # in the company's currency
    saved: float = 0.0  # what the route's own target would have cost more; below 0: the draft was in vain
    unscanned: dict[str, int] = {}  # parts that passed unread, by kind
    content: tuple[ContentFinding, ...] = ()  # attacks and unsafe matter, the surest of each category
    persons: tuple[str, ...] = ()  # keyed tokens of the identifiers in it (guard.persons): found again, never read
    sealed: str = ""  # what the placeholders in `request` stand for, sealed to control's key, base64 (guard.sealed)


class Feedback(Struct, frozen=True, kw_only=True, tag=True):
    """What a caller says of an answer. It counts where the request was the same caller's (`request` and `caller`)."""

    id: str
    at: float
    request: str
    caller: str
    team: str = ""
    key_id: str = ""
    rating: Annotated[int, Meta(ge=1, le=5)]
    comment: str = ""  # masked
    persons: tuple[str, ...] = ()  # as in a record, of the comment


class DefenceNotice(Struct, frozen=True, kw_only=True, tag=True):
    """The gateway acted by itself: it banned an address, or a canary retreated; or the collector suspects an attack.

    Control confirms and remembers, and decides what follows from a suspicion.
    """

    id: str
    at: float
    kind: Literal["ban", "canary_retreat", "suspicion"]
    subject: str  # address of the ban, id of the canary, `key:<id>`, `address:<digest>` or `installation:` suspected
    reason: str
    until: float = 0.0
    facts: dict[str, float] = {}
