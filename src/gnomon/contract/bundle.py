"""What control tells the gateways: two signed parts, *policy* and *roster*.

A part travels as a `SignedPart` JSON document. The signature covers the RFC 8785 bytes of `payload`, prefixed by
`gnomon-bundle/<part>\\n` so that one part can never pass for the other. Structs ignore unknown fields, so that an old
gateway reads a newer bundle, and every new field has a default, so that a stored bundle stays readable for ever.
Times are Unix seconds (UTC).
"""

from typing import Literal

from msgspec import Struct

from gnomon.contract.content import ContentPolicy as ContentPolicy
from gnomon.contract.masking import MaskPolicy as MaskPolicy
from gnomon.contract.masking import MaskRule as MaskRule

Part = Literal["policy", "roster"]
Unscanned = Literal["image", "audio", "video", "file", "tokens"]


class Breaker(Struct, frozen=True, kw_only=True):
    """When a worker leaves a target alone: nothing goes there for `open_s`, then one request tries it again.

    A try that fails doubles the time, up to `max_open_s`. What fails is a connection, a 5xx, a broken answer, silence.
    """

    unreachable: int = 3  # failed connections in a row that open it; 0: never by these
    failure_ratio: float = 0.8  # of the requests that ended within `window_s`; 0: never by this
    min_requests: int = 20
    window_s: float = 10.0
    slow_ms: float = 0.0  # a longer wait for the first byte counts as a failure; 0: no wait does
    open_s: float = 5.0
    max_open_s: float = 60.0


class Upstream(Struct, frozen=True, kw_only=True):
    """An OpenAI-compatible server. `url` ends before `/chat/completions`, e.g. `http://127.0.0.1:8431/v1`."""

    id: str
    url: str
    secret_env: str = ""  # name of the environment variable with the bearer token; never the token itself
    connect_timeout_s: float = 2.0
    ca: str = ""  # PEM certificates that https:// is checked against; empty: those of the system
    server_name: str = ""  # asked for and checked (SNI) where it is not the URL's host
    host: str = ""  # the Host header where it is not the URL's
    secret: str = ""  # the bearer token, sealed to the gateways' key (`contract.sealing`); goes before `secret_env`
    breaker: Breaker | None = None  # None: the policy's


class Target(Struct, frozen=True, kw_only=True):
    """One deployment behind a route. At weight 0 only callers with the `evaluate` scope reach it, as `model@id`."""

    id: str
    upstream: str
    model: str
    weight: float = 0.0
    version: str = ""  # catalogue version id, copied into every record
    price_in: float = 0.0  # of a million tokens, in the company's currency
    price_out: float = 0.0


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


class Arm(Struct, frozen=True, kw_only=True):
    target: str
    share: float


class Experiment(Struct, frozen=True, kw_only=True):
    """A/B: who asks is assigned to an arm by a stable hash, and stays there; shares below 1 leave the rest out."""

    id: str
    arms: tuple[Arm, ...]
    unit: Literal["caller", "user"] = "caller"  # user: the request's field `user`; the caller where there is none


class Shadow(Struct, frozen=True, kw_only=True):
    """A share of the answered requests is asked of `target` as well; the answer is recorded and thrown away."""

    target: str
    share: float
    max_in_flight: int = 4  # of a worker; what comes meanwhile is not copied


class Cascade(Struct, frozen=True, kw_only=True):
    """The target `small` answers first; where its answer is not sure enough, the route's other targets do.

    Not sure: a mean log-probability of its tokens below `min_mean_logprob`, a first token that leads the second by
    less than `min_margin` (difference of probabilities: for answers that are a label), or a finish reason of
    `escalate_on`. Where a rule cannot be measured the answer counts as not sure.
    """

    small: str
    min_mean_logprob: float | None = None
    min_margin: float | None = None
    escalate_on: tuple[str, ...] = ("length", "content_filter")


class Cache(Struct, frozen=True, kw_only=True):
    """Answers to the same masked request of the same team are given again for `ttl_s`, under the same policy."""

    ttl_s: float
    max_bytes: int = 16_777_216  # of a worker


class Route(Struct, frozen=True, kw_only=True):
    """A public model name and where its requests go."""

    model: str
    targets: tuple[Target, ...]
    mask_policy: str
    canary: Canary | None = None
    timeout_s: float = 60.0  # without a byte from the model server
    sticky: bool = True
    keep_content: bool = True  # store the masked request and reply in the record
    total_s: float = 0.0  # of a whole request, however it moves; 0: no limit. A caller may ask for less
    first_byte_s: float = 0.0  # silence after which the next target is asked; 0: only `timeout_s` holds
    fallback: tuple[str, ...] = ()  # targets to ask, in this order, when those with a weight cannot answer
    retries: int = 0  # further tries after the last target, where a second one cannot do harm
    breaker: Breaker | None = None  # None: the upstream's
    hedge_after_ms: float = 0.0  # silence after which the next target is asked as well; the first wins; 0: off
    experiment: Experiment | None = None
    shadow: Shadow | None = None
    cascade: Cascade | None = None
    cache: Cache | None = None
    unscanned: tuple[Unscanned, ...] = ()  # what may pass although no guard can read it; recorded as unscanned
    content_policy: str = ""  # attacks and unsafe matter are looked for by this policy; empty: not at all


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
    breaker: Breaker = Breaker()
    content_policies: tuple[ContentPolicy, ...] = ()
    restore_key: str = ""  # X25519 public key, base64, that copies of what was replaced are sealed to; empty: no copies
    restore_days: float = 0.0  # after that a copy opens no more


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


class EndedKey(Struct, frozen=True, kw_only=True):
    """A key that was revoked or has expired: it opens nothing, and who presents it is no guesser."""

    id: str
    sha256: str


class Ban(Struct, frozen=True, kw_only=True):
    id: str
    kind: Literal["key", "address"]
    value: str
    until: float
    reason: str


class Throttle(Struct, frozen=True, kw_only=True):
    """Until then the key gets at most this many requests a minute, whatever it is allowed otherwise."""

    key: str
    requests_per_minute: int
    until: float


class Lift(Struct, frozen=True, kw_only=True):
    """Bans that a gateway put on this address (its digest) by itself up to `since` are over before their time."""

    address: str
    since: float


class Quota(Struct, frozen=True, kw_only=True):
    """What one key (by id), team or model (by route) may use; 0 is no limit.

    For a key what is set here goes before what the key itself says. `cost_per_day` is in the currency of the targets'
    prices.
    """

    kind: Literal["key", "team", "model"]
    value: str
    requests_per_second: int = 0
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    concurrency: int = 0
    tokens_per_day: int = 0
    cost_per_day: float = 0.0


class Roster(Struct, frozen=True, kw_only=True):
    epoch: int
    serial: int
    issued_at: float
    keys: tuple[Key, ...]
    bans: tuple[Ban, ...]
    lifts: tuple[Lift, ...] = ()
    throttles: tuple[Throttle, ...] = ()
    quotas: tuple[Quota, ...] = ()
    ended: tuple[EndedKey, ...] = ()
    timezone: str = "UTC"  # IANA; the day of a daily budget begins at its midnight


class SignedPart(Struct, frozen=True, kw_only=True):
    """A part as it lies on disk or travels: payload, who signed, Ed25519 signature (base64)."""

    part: Part
    payload: dict[str, object]
    key_id: str
    signature: str
