"""Which target answers: by name for evaluators, by canary share, else by weight, the same caller to the same target."""

import hashlib
import math
import random
import time
from dataclasses import dataclass

from gnomon.contract.ports import Limits
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.snapshot import PreparedRoute, PreparedTarget, Snapshot


@dataclass(frozen=True, slots=True)
class Choice:
    """Targets in the order to try them, and the canary that the request belongs to."""

    targets: tuple[PreparedTarget, ...]
    canary: str = ""


def find(snapshot: Snapshot, name: str) -> tuple[PreparedRoute, str]:
    """The route of a public model name and, for `model@target`, the target's id. Raises Refusal (404)."""
    route = snapshot.routes.get(name)
    if route is not None:
        return route, ""
    model, at, target = name.rpartition("@")
    route = snapshot.routes.get(model) if at else None
    if route is None or target not in route.targets:
        raise Refusal(
            "bad_request",
            404,
            message=f"没有名为 {name!r} 的模型。 There is no model {name!r}; GET /v1/models lists yours.",
            code="model_not_found",
        )
    return route, target


def choose(route: PreparedRoute, *, named: str, caller: str, limits: Limits) -> Choice:
    """Raises Refusal (503) when the route has no target that may answer."""
    if named:
        return Choice((route.targets[named],))
    weighted = route.weighted
    canary = route.route.canary
    if canary is not None and canary.share > 0 and not limits.canary_retreated(canary.id):
        point = _point(f"{canary.id}\n{caller}") if route.route.sticky else random.random()  # noqa: S311 - not a secret
        if point < canary.share:
            others = tuple(t for t in weighted if t.target.id != canary.target)
            return Choice((route.targets[canary.target], *others), canary.id)
    if canary is not None and len(weighted) > 1:
        # Its share is the canary's only traffic: a canary with a weight would go on after its retreat.
        weighted = tuple(t for t in weighted if t.target.id != canary.target)
    if len(weighted) == 1:
        return Choice(weighted)
    if not weighted:
        raise Refusal(
            "upstream_unreachable",
            503,
            message=f"模型 {route.route.model} 暂无可用部署。 Model {route.route.model} has no deployment to answer.",
            code="no_target",
        )
    return Choice(tuple(_ranked(weighted, caller if route.route.sticky else "")))


def is_watched(route: PreparedRoute, canary: str) -> bool:
    found = route.route.canary
    return found is not None and found.id == canary and time.time() < found.watch_until


def _ranked(targets: tuple[PreparedTarget, ...], caller: str) -> list[PreparedTarget]:
    """Weighted rendezvous: shares follow the weights, and a change moves only the callers that it must."""

    def score(target: PreparedTarget) -> float:
        point = _point(f"{target.target.id}\n{caller}") if caller else random.random()  # noqa: S311
        return -target.target.weight / math.log(point or 1e-300)

    return sorted(targets, key=score, reverse=True)


def _point(name: str) -> float:
    """A stable number in [0, 1)."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest(), "big") / (1 << 56)
