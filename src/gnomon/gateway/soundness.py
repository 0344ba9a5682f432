"""What a bundle cannot say though every field has its type: things named twice, times and shares out of range."""

import re
from collections import Counter
from collections.abc import Iterable

from gnomon.contract.bundle import Policy, Roster, Route
from gnomon.contract.signing import BadBundle

_DIGEST = re.compile(r"[0-9a-f]{64}")


def check_policy(policy: Policy) -> None:
    """Raises BadBundle."""
    _once("upstream", (one.id for one in policy.upstreams))
    _once("route", (one.model for one in policy.routes))
    _once("masking policy", (one.id for one in policy.mask_policies))
    _once("content policy", (one.id for one in policy.content_policies))
    for upstream in policy.upstreams:
        _more_than_0(f"upstream {upstream.id}", connect_timeout_s=upstream.connect_timeout_s)
    for route in policy.routes:
        _check_route(route)


def check_roster(roster: Roster) -> None:
    """Raises BadBundle."""
    _once("key", (key.id for key in roster.keys))
    for key in roster.keys:
        if not _DIGEST.fullmatch(key.sha256):
            raise _unsound(f"The digest of key {key.id} is no SHA-256 of 64 hexadecimal digits.")
        _not_below_0(f"key {key.id}", requests_per_minute=key.requests_per_minute, concurrency=key.concurrency)


def _check_route(route: Route) -> None:
    where = f"route {route.model}"
    _once(f"target of {where}", (target.id for target in route.targets))
    _more_than_0(where, timeout_s=route.timeout_s)
    _not_below_0(
        where,
        total_s=route.total_s,
        first_byte_s=route.first_byte_s,
        retries=route.retries,
        hedge_after_ms=route.hedge_after_ms,
    )
    for target in route.targets:
        _not_below_0(f"target {target.id}", weight=target.weight, price_in=target.price_in, price_out=target.price_out)
    if route.canary:
        _share(f"canary {route.canary.id}", route.canary.share)
    if route.shadow:
        _share(f"shadow of {where}", route.shadow.share)
    if route.experiment:
        for arm in route.experiment.arms:
            _share(f"arm {arm.target} of {route.experiment.id}", arm.share)
    if route.cache:
        _more_than_0(f"cache of {where}", ttl_s=route.cache.ttl_s)


def _once(what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise _unsound(f"There is more than one {what} with the name {twice[0]!r}.")


def _more_than_0(where: str, **values: float) -> None:
    for name, value in values.items():
        if value <= 0:
            raise _unsound(f"{name} of {where} is {value:g}; it must be more than 0.")


def _not_below_0(where: str, **values: float) -> None:
    for name, value in values.items():
        if value < 0:
            raise _unsound(f"{name} of {where} is {value:g}; it must be 0 or more.")


def _share(where: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise _unsound(f"The share of the {where} is {value:g}; it must be 0 to 1.")


def _unsound(message: str) -> BadBundle:
    return BadBundle(message, next_step="Correct it where the bundle is made, and publish again.")
