"""The bundle as the gateway uses it: verified, prepared, then swapped as one reference.

A request keeps the snapshot it began with.
"""

import base64
import functools
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from gnomon.contract.bundle import (
    Breaker,
    ContentPolicy,
    Key,
    MaskPolicy,
    MaskRule,
    Policy,
    Roster,
    Route,
    Target,
    Throttle,
    Upstream,
)
from gnomon.contract.sealing import NotOpened, opened, secret_of
from gnomon.contract.signing import BadBundle
from gnomon.gateway.deadlines import Deadlines
from gnomon.gateway.guarding import Masker
from gnomon.gateway.judging import ContentGuard
from gnomon.gateway.meters import Meters
from gnomon.gateway.soundness import check_policy, check_roster
from gnomon.guard.sealed import CopySealer
from gnomon.kit import log
from gnomon.kit.errors import GnomonError

_log: Final = log.get(__name__)
_SPEEDS: Final[tuple[Literal["structured", "names", "deep"], ...]] = ("structured", "names", "deep")


Origin = tuple[str, int, str, str]
"""Host, port and, of https://, the name to be checked and the certificates: what one connection is good for."""


@dataclass(frozen=True, slots=True)
class PreparedTarget:
    """A target with all that a request to it needs, made once."""

    target: Target
    upstream: Upstream
    host: str
    port: int
    tls: ssl.SSLContext | None
    server_name: str
    origin: Origin
    start: bytes  # method and path before /chat/completions
    opening: bytes  # of the body: the model's name as this server knows it
    headers: bytes = field(repr=False)  # host, authorization and the fixed headers, each line ended
    breaker: Breaker
    name: str  # of the model on its server, for what is remembered of it
    priced: bool


@dataclass(frozen=True, slots=True)
class PreparedRoute:
    route: Route
    targets: dict[str, PreparedTarget]
    fallback: tuple[PreparedTarget, ...]
    masker: Masker
    policy: MaskPolicy
    restores: bool  # some rule makes pseudonyms, so there may be something to restore
    shortcuts: bool  # an answer may come from a cache or a small model
    settled: tuple[PreparedTarget, ...]  # with a weight, without the canary's
    straight: bool  # one target, and nothing that could choose another
    content: ContentGuard | None = None  # None: nobody asked to look for attacks and unsafe matter


@dataclass(frozen=True, slots=True)
class Snapshot:
    policy: Policy
    roster: Roster
    policy_version: str
    roster_version: str
    routes: dict[str, PreparedRoute]
    keys: dict[str, Key]
    banned_keys: dict[str, float]  # until when, in `deadlines.ticks`
    banned_addresses: dict[str, float]
    throttled: dict[str, Throttle]  # `until` in ticks too
    lifted: dict[str, float]  # digest of an address → bans of ours up to then are over
    ended: dict[str, str]  # keys that open nothing any more: id → SHA-256
    meters: Meters
    comments: Masker  # of what callers say of answers: nothing of a person stays
    sealer: CopySealer | None = None  # of copies of what was replaced, which only control opens


def prepare(
    policy: Policy,
    roster: Roster,
    *,
    masker: Callable[[MaskPolicy], Masker],
    content: Callable[[ContentPolicy], ContentGuard] | None = None,
    deadlines: Deadlines | None = None,
    secrets_key: bytes = b"",
) -> Snapshot:
    """Everything that can fail happens here. Raises BadBundle when the parts do not fit together."""
    check_policy(policy)
    upstreams = {u.id: u for u in policy.upstreams}
    masks = {m.id: m for m in policy.mask_policies}
    judges = _judges(policy, content)
    tokens = {upstream.id: _token(upstream, secrets_key) for upstream in policy.upstreams}
    routes = {r.model: _route(r, upstreams, masks, masker, policy.breaker, tokens) for r in policy.routes}
    routes = {model: replace(route, content=judges[route.route.content_policy]) for model, route in routes.items()}
    return Snapshot(
        policy=policy,
        policy_version=version_of(policy),
        routes=routes,
        comments=masker(comments_policy(policy)),
        sealer=_sealer(policy),
        **roster_fields(roster, deadlines or Deadlines()),
    )


def _sealer(policy: Policy) -> CopySealer | None:
    if not policy.restore_key:
        return None
    try:
        return CopySealer(base64.b64decode(policy.restore_key, validate=True))
    except ValueError as error:
        raise _misfit("The policy's restore key is no X25519 public key.") from error


def _judges(policy: Policy, content: Callable[[ContentPolicy], ContentGuard] | None) -> dict[str, ContentGuard | None]:
    """By the id of a content policy that a route names; "" names none. Raises BadBundle where nothing could judge."""
    known = {p.id: p for p in policy.content_policies}
    judges: dict[str, ContentGuard | None] = {"": None}
    for route in policy.routes:
        name = route.content_policy
        if name in judges:
            continue
        if name not in known or content is None:
            raise _misfit(f"Route {route.model} names the content policy {name!r}, by which nothing can judge.")
        try:
            judges[name] = content(known[name])
        except GnomonError as error:
            raise _misfit(str(error)) from error
    return judges


def comments_policy(policy: Policy) -> MaskPolicy:
    """All that any policy of the bundle looks for, and all of it redacted."""
    masks = policy.mask_policies
    return MaskPolicy(
        id="comments",
        version="1",
        rules=(MaskRule(entity="*", operator="redact"),),
        speed=max((m.speed for m in masks), key=_SPEEDS.index, default="structured"),
        terms=tuple(dict.fromkeys(t for m in masks for t in m.terms)),
        patterns=tuple(dict.fromkeys(p for m in masks for p in m.patterns)),
        fingerprints=tuple(dict.fromkeys(f for m in masks for f in m.fingerprints)),
    )


def roster_fields(roster: Roster, deadlines: Deadlines) -> dict[str, Any]:
    check_roster(roster)
    ends = deadlines.take(roster)
    bans = sorted(((ban, ends[ban.kind, ban.value, ban.until]) for ban in roster.bans), key=lambda one: one[1])
    throttles = sorted(roster.throttles, key=lambda t: -t.requests_per_minute)
    return {
        "roster": roster,
        "roster_version": version_of(roster),
        "keys": {k.id: k for k in roster.keys},
        # Of two bans on one value the longer holds.
        "banned_keys": {ban.value: end for ban, end in bans if ban.kind == "key"},
        "banned_addresses": {ban.value: end for ban, end in bans if ban.kind == "address"},
        "throttled": {t.key: msgspec.structs.replace(t, until=ends["throttle", t.key, t.until]) for t in throttles},
        "lifted": {lift.address: lift.since for lift in roster.lifts},
        "ended": {k.id: k.sha256 for k in roster.ended},
        "meters": Meters(roster),
    }


def version_of(part: Policy | Roster) -> str:
    return f"{part.epoch}.{part.serial}"


def _route(
    route: Route,
    upstreams: dict[str, Upstream],
    masks: dict[str, MaskPolicy],
    masker: Callable[[MaskPolicy], Masker],
    breaker: Breaker,
    tokens: dict[str, str],
) -> PreparedRoute:
    policy = masks.get(route.mask_policy)
    if policy is None:
        raise _misfit(f"Route {route.model} names the unknown masking policy {route.mask_policy!r}.")
    targets = {}
    for target in route.targets:
        if target.upstream not in upstreams:
            raise _misfit(f"Target {target.id} names the unknown upstream {target.upstream!r}.")
        targets[target.id] = _target(
            target, upstreams[target.upstream], route.breaker, breaker, tokens[target.upstream]
        )
    for use, name in named_targets(route):
        if name not in targets:
            raise _misfit(f"The {use} of route {route.model} names the unknown target {name!r}.")
    settled = _settled(route, targets)
    fallback = tuple(targets[name] for name in route.fallback if targets[name].target.weight <= 0)
    return PreparedRoute(
        route=route,
        targets=targets,
        settled=settled,
        fallback=fallback,
        straight=route.canary is None and route.experiment is None and len(settled) == 1 and not fallback,
        masker=masker(policy),
        policy=policy,
        restores=any(rule.operator == "pseudonym" for rule in policy.rules),
        shortcuts=route.cache is not None or route.cascade is not None,
    )


def _settled(route: Route, targets: dict[str, PreparedTarget]) -> tuple[PreparedTarget, ...]:
    """Who has a weight. A canary's share is its only traffic: with a weight it would go on after its retreat."""
    weighted = tuple(t for t in targets.values() if t.target.weight > 0)
    if route.canary is None or len(weighted) < 2:
        return weighted
    return tuple(t for t in weighted if t.target.id != route.canary.target)


def named_targets(route: Route) -> list[tuple[str, str]]:
    """(what for, target's id) of every target that a rule of this route names."""
    found = [("fallback", name) for name in route.fallback]
    if route.canary:
        found.append(("canary", route.canary.target))
    if route.experiment:
        found += [("experiment", arm.target) for arm in route.experiment.arms]
    if route.shadow:
        found.append(("shadow", route.shadow.target))
    if route.cascade:
        found.append(("cascade", route.cascade.small))
    return found


@functools.lru_cache(maxsize=64)
def _trust(ca: str) -> ssl.SSLContext:
    """Reading the system's certificates takes some 30 ms, so once per worker. Raises BadBundle."""
    try:
        return ssl.create_default_context(cadata=ca or None)
    except (ssl.SSLError, ValueError) as error:
        raise _misfit(f"The certificates of an upstream are not readable: {error}.") from error


def _token(upstream: Upstream, key: bytes) -> str:
    """The bearer token, or "". Raises BadBundle for one that was sealed to other gateways or for another address."""
    if upstream.secret:
        try:
            return opened(upstream.secret, private_key=key, about=secret_of(upstream.id, upstream.url))
        except NotOpened as error:
            raise _misfit(f"The secret of upstream {upstream.id} does not open here: {error}.") from error
    token = os.environ.get(upstream.secret_env, "").strip() if upstream.secret_env else ""  # a file's last line break
    if upstream.secret_env and not token:
        _log.warning("upstream_secret_missing", upstream=upstream.id, variable=upstream.secret_env)
    return token


def _target(target: Target, upstream: Upstream, own: Breaker | None, breaker: Breaker, secret: str) -> PreparedTarget:
    url = urlsplit(upstream.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise _misfit(f"Upstream {upstream.id} has the URL {upstream.url!r}, which is neither http:// nor https://.")
    lines = [f"host: {upstream.host or url.netloc}", "content-type: application/json", "accept-encoding: identity"]
    if secret:
        lines.append(f"authorization: Bearer {secret}")
    if any(not line.isprintable() for line in lines):
        raise _misfit(f"A header for upstream {upstream.id} holds a control character.")
    tls = url.scheme == "https"
    name = (upstream.server_name or url.hostname) if tls else ""
    port = url.port or (443 if tls else 80)
    return PreparedTarget(
        target=target,
        upstream=upstream,
        host=url.hostname,
        port=port,
        tls=_trust(upstream.ca) if tls else None,
        server_name=name,
        origin=(url.hostname, port, name, upstream.ca if tls else ""),
        breaker=own or upstream.breaker or breaker,
        name=f"{upstream.url} {target.model}",
        priced=bool(target.price_in or target.price_out),
        start=f"POST {url.path.rstrip('/')}".encode("latin-1"),
        opening=b'{"model":%b,' % msgspec.json.encode(target.model),
        headers="".join(f"{line}\r\n" for line in lines).encode("latin-1"),
    )


def _misfit(message: str) -> BadBundle:
    return BadBundle(message, next_step="Publish a bundle whose parts fit together.")
