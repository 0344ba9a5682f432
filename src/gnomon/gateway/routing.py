"""Which target answers: by name for evaluators, by canary share, else by weight, the same caller to the same target."""

import hashlib
import math
import random
import time

from gnomon.contract.bundle import Arm, Experiment
from gnomon.contract.ports import Limits
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.snapshot import PreparedRoute, PreparedTarget, Snapshot


class Choice:
    """Targets in the order to try them, the canary that the request belongs to, and `<experiment>:<target>`."""

    __slots__ = ("arm", "canary", "targets")

    def __init__(self, targets: tuple[PreparedTarget, ...], canary: str = "", arm: str = "") -> None:
        self.targets = targets
        self.canary = canary
        self.arm = arm


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
            message=f"没有名为 {name[:100]!r} 的模型。 There is no model {name[:100]!r}; GET /v1/models lists yours.",
            code="model_not_found",
            param="model",
        )
    return route, target


def choose(route: PreparedRoute, *, named: str, caller: str, limits: Limits, user: object = None) -> Choice:
    """Raises Refusal (503) when the route has no target that may answer."""
    if named:
        return Choice((route.targets[named],))
    if route.straight:
        return Choice(route.settled)
    canary = route.route.canary
    if canary is not None and canary.share > 0 and not limits.canary_retreated(canary.id):
        point = _point(f"{canary.id}\n{caller}") if route.route.sticky else random.random()  # noqa: S311 - not a secret
        if point < canary.share:
            return Choice(_chain(route, route.targets[canary.target], caller), canary.id)
    if route.route.experiment is not None:
        arm = _arm(route.route.experiment, caller=caller, user=user)
        if arm is not None:
            return Choice(
                _chain(route, route.targets[arm.target], caller), "", f"{route.route.experiment.id}:{arm.target}"
            )
    ranked = _ranked(route.settled, caller if route.route.sticky else "") + route.fallback
    if not ranked:
        raise Refusal(
            "upstream_unreachable",
            503,
            message=f"模型 {route.route.model} 暂无可用部署。 Model {route.route.model} has no deployment to answer.",
            code="no_target",
            headers=(("retry-after", "5"),),
        )
    return Choice(ranked)


def _chain(route: PreparedRoute, first: PreparedTarget, caller: str) -> tuple[PreparedTarget, ...]:
    """`first`, then who else may answer."""
    others = _ranked(route.settled, caller if route.route.sticky else "") + route.fallback
    return (first, *(t for t in others if t is not first))


def _arm(experiment: Experiment, *, caller: str, user: object) -> Arm | None:
    """Where this caller belongs, whatever else happens to the route; None outside the experiment."""
    who = f"user\n{user}" if experiment.unit == "user" and isinstance(user, str) and user else caller
    point = _point(f"{experiment.id}\n{who}")
    for arm in experiment.arms:
        if point < arm.share:
            return arm
        point -= arm.share
    return None


def is_watched(route: PreparedRoute, canary: str) -> bool:
    found = route.route.canary
    return found is not None and found.id == canary and time.time() < found.watch_until


def _ranked(targets: tuple[PreparedTarget, ...], caller: str) -> tuple[PreparedTarget, ...]:
    """Weighted rendezvous: shares follow the weights, and a change moves only the callers that it must."""
    if len(targets) < 2:
        return targets

    def score(target: PreparedTarget) -> float:
        point = _point(f"{target.target.id}\n{caller}") if caller else random.random()  # noqa: S311
        return -target.target.weight / math.log(point or 1e-300)

    return tuple(sorted(targets, key=score, reverse=True))


def _point(name: str) -> float:
    """A stable number in [0, 1)."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=7).digest(), "big") / (
        1 << 56
    )
