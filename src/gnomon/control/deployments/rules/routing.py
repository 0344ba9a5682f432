"""What a route's options may say, and what of them still fits when targets have gone."""

from collections.abc import Collection, Mapping
from typing import Any

from gnomon.kit.errors import BadInput

UNJUDGED = "none"
"""The content policy of a route whose texts nobody looks through for attacks and unsafe matter."""


class UnfitOptions(BadInput):
    code = "route_options_unfit"


def answering(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(which option, target) of every target whose answers callers would see."""
    found = [("fallback", name) for name in options.get("fallback") or ()]
    found += [("experiment", arm["target"]) for arm in (options.get("experiment") or {}).get("arms") or ()]
    if options.get("cascade"):
        found.append(("cascade", options["cascade"]["small"]))
    return found


def options_problems(
    options: Mapping[str, Any],
    *,
    targets: Collection[str],
    tested: Collection[str],
    released: Collection[str],
    content_policies: Collection[str] = (),
) -> list[str]:
    """Why these options cannot be: callers are answered by what was released, and only what was tested is asked."""
    problems = [f"{use}: {name} was never released" for use, name in answering(options) if name not in released]
    shadow = (options.get("shadow") or {}).get("target")
    if shadow and shadow not in tested:
        problems.append(f"shadow: {shadow} has not passed its functional test")
    unknown = (
        {name for _, name in answering(options)} | set(options.get("prices") or ()) | ({shadow} if shadow else set())
    )
    problems += [f"there is no target {name}" for name in sorted(unknown - set(targets))]
    judge = options.get("content_policy", "")
    if judge not in ("", UNJUDGED, *content_policies):
        known = ", ".join((*content_policies, UNJUDGED))
        problems.append(f"content_policy: {judge} is none of the rulebook's ({known})")
    shares = sum(arm["share"] for arm in (options.get("experiment") or {}).get("arms") or ())
    if shares > 1.0 + 1e-9:
        problems.append(f"experiment: the shares come to {shares:g}, more than 1")
    return problems


def content_policy(chosen: str, *, known: Collection[str], default: str) -> str:
    """What the bundle says of a route: the policy that was chosen while the rulebook has it, else the default."""
    if chosen == UNJUDGED:
        return ""
    return chosen if chosen in known else default


def fitting(options: Mapping[str, Any], targets: Collection[str]) -> dict[str, Any]:
    """The options without what names a target that has gone: gateways refuse a bundle that does."""
    kept = dict(options)
    if "fallback" in kept:
        kept["fallback"] = [name for name in kept["fallback"] if name in targets]
    for use, gone in (("experiment", _experiment_gone), ("shadow", _shadow_gone), ("cascade", _cascade_gone)):
        if kept.get(use) and gone(kept[use], targets):
            del kept[use]
    return kept


def _experiment_gone(rule: Mapping[str, Any], targets: Collection[str]) -> bool:
    return any(arm["target"] not in targets for arm in rule["arms"])


def _shadow_gone(rule: Mapping[str, Any], targets: Collection[str]) -> bool:
    return rule["target"] not in targets


def _cascade_gone(rule: Mapping[str, Any], targets: Collection[str]) -> bool:
    return rule["small"] not in targets
