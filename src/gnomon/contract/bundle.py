"""What control tells the gateways: two signed parts, *policy* and *roster*.

A part travels as a `SignedPart` JSON document. The signature covers the RFC 8785 bytes of `payload`, prefixed by
`gnomon-bundle/<part>\\n` so that one part can never pass for the other. Structs ignore unknown fields, so that an old
gateway reads a newer bundle, and every new field has a default, so that a stored bundle stays readable for ever.
Times are Unix seconds (UTC).
"""

from typing import Literal

from msgspec import Struct

Part = Literal["policy", "roster"]
Direction = Literal["input", "output", "both"]
Operator = Literal["keep", "mask", "redact", "pseudonym", "hash", "block"]


class Upstream(Struct, frozen=True, kw_only=True):
    """An OpenAI-compatible server. `url` ends before `/chat/completions`, e.g. `http://127.0.0.1:8431/v1`."""

    id: str
    url: str
    secret_env: str = ""  # name of the environment variable with the bearer token; never the token itself
    connect_timeout_s: float = 2.0


class Target(Struct, frozen=True, kw_only=True):
    """One deployment behind a route. At weight 0 only callers with the `evaluate` scope reach it, as `model@id`."""

    id: str
    upstream: str
    model: str
    weight: float = 0.0
    version: str = ""  # catalogue version id, copied into every record


class RetreatRule(Struct, frozen=True, kw_only=True):
    """Breaks when the canary's indicator passes `limit` over the watch window with at least `min_requests` seen."""

    indicator: Literal["error_ratio", "latency_ratio_over"]
    limit: float
    latency_ms: float = 0.0  # only for latency_ratio_over: what counts as slow
    min_requests: int = 20


class Canary(Struct, frozen=True, kw_only=True):
    """A share of the traffic goes to `target`; when a rule breaks, the gateway alone sets it to 0 and says so."""

    id: str
    target: str
    share: float
    watch_until: float
    rules: tuple[RetreatRule, ...] = ()


class Route(Struct, frozen=True, kw_only=True):
    """A public model name and where its requests go."""

    model: str
    targets: tuple[Target, ...]
    mask_policy: str
    canary: Canary | None = None
    timeout_s: float = 60.0
    sticky: bool = True
    keep_content: bool = True  # store the masked request and reply in the record


class MaskRule(Struct, frozen=True, kw_only=True):
    entity: str  # a detector's entity name, or "*"
    operator: Operator
    direction: Direction = "both"


class MaskPolicy(Struct, frozen=True, kw_only=True):
    """Rules in order; the first whose entity and direction fit decides; no fitting rule means `redact`."""

    id: str
    version: str
    rules: tuple[MaskRule, ...]
    speed: Literal["structured", "names", "deep"] = "structured"


class GuessRule(Struct, frozen=True, kw_only=True):
    """An address that presents `count` unknown or wrong keys within `window_s` is banned for `ban_s`."""

    count: int = 10
    window_s: float = 60.0
    ban_s: float = 900.0


class SuccessRule(Struct, frozen=True, kw_only=True):
    """Which outcomes count as a failure of the service; the others are either success or left out of the ratio."""

    version: str
    failures: tuple[str, ...]
    excluded: tuple[str, ...]


class Policy(Struct, frozen=True, kw_only=True):
    epoch: int
    serial: int
    issued_at: float
    upstreams: tuple[Upstream, ...]
    routes: tuple[Route, ...]
    mask_policies: tuple[MaskPolicy, ...]
    guess: GuessRule
    success: SuccessRule
    max_body_bytes: int = 1_048_576
    regulated: bool = False  # refuse when the record cannot be written


class Key(Struct, frozen=True, kw_only=True):
    """An API key `gn-<env>_<id: 8 characters>_<secret>`; only the SHA-256 of the whole key is here."""

    id: str
    sha256: str
    caller: str
    team: str
    models: tuple[str, ...]  # route names; ("*",) for all
    scopes: tuple[str, ...] = ("chat",)  # chat | evaluate | restore
    expires_at: float | None = None
    requests_per_minute: int = 0  # 0: no limit
    concurrency: int = 0


class Ban(Struct, frozen=True, kw_only=True):
    id: str
    kind: Literal["key", "address"]
    value: str
    until: float
    reason: str


class Lift(Struct, frozen=True, kw_only=True):
    """Bans that a gateway put on this address (its digest) by itself up to `since` are over before their time."""

    address: str
    since: float


class Roster(Struct, frozen=True, kw_only=True):
    epoch: int
    serial: int
    issued_at: float
    keys: tuple[Key, ...]
    bans: tuple[Ban, ...]
    lifts: tuple[Lift, ...] = ()


class SignedPart(Struct, frozen=True, kw_only=True):
    """A part as it lies on disk or travels: payload, who signed, Ed25519 signature (base64)."""

    part: Part
    payload: dict[str, object]
    key_id: str
    signature: str
