"""Checks of privacy: how much leaks through the mask policies in force, on labelled samples of our own."""

from collections.abc import Iterator, Mapping
from typing import Any

from gnomon import __version__
from gnomon.contract.masking import MaskPolicy
from gnomon.control.privacy import queries
from gnomon.control.privacy.subjects import checks as _registers_those_of_persons  # noqa: F401
from gnomon.control.rulebook.checks import CheckContext, CheckResult, check
from gnomon.engine.disguises import documents, samples
from gnomon.guard import labelled
from gnomon.guard.labelled import Outcome
from gnomon.guard.measure import Tally
from gnomon.guard.policy import Masker

EACH = 2  # texts of an entity in one way of writing: about 600 in all, a second of work


@check("privacy.leak_measured", costly=True)
def leak_measured(ctx: CheckContext) -> CheckResult | None:
    """The share of made-up values of which a character shows, in the policy where most do. None without policies.

    Other values every time, so that nobody fits a policy to them.
    """
    policies = queries.mask_policies(ctx.session)
    if not policies:
        return None
    texts = samples(f"{ctx.now:%Y-%m-%d %H:%M}", each=EACH)
    results = {f"{policy.id} {policy.version}": _measure(policy, texts) for policy in policies}
    name, outcome = max(results.items(), key=lambda item: item[1].result.overall.leaked)
    worst, overall = outcome.result, outcome.result.overall
    facts = {
        "policies": {one: found.result.overall.leak for one, found in results.items()},
        "worst": name,
        "ways": {way[2:]: tally.leak for way, tally in worst.variants.items() if way.startswith("* ")},
        "entities": {entity: tally.leak for entity, tally in worst.entities.items() if tally.leaked},
        "precision": overall.precision,
        "negatives": worst.negatives,
        "negatives_touched": worst.touched,
        "software": __version__,
        "rulebook": ctx.rulebook.version,
        "by_policy": [_speed(one, found) for one, found in results.items()],
        "by_entity": [_counts(one, entity, tally) for one, entity, tally in _tallies(results, "entities")],
        "by_way": [_counts(one, way, tally) for one, way, tally in _tallies(results, "variants")],
    }
    return CheckResult(
        n=overall.true, value=overall.leak, numerator=overall.leaked, denominator=overall.true, facts=facts
    )


def _measure(policy: MaskPolicy, texts: list[dict[str, Any]]) -> Outcome:
    """Only what the policy acts upon counts: an entity that it keeps shows, and is a leak."""
    return labelled.measured(Masker(policy, key=bytes(32)), documents(texts), skipped=frozenset())


def _tallies(results: Mapping[str, Outcome], kind: str) -> Iterator[tuple[str, str, Tally]]:
    """Every tally with its policy; of the ways of writing only the sums over all entities."""
    for policy, outcome in results.items():
        for name, tally in sorted(getattr(outcome.result, kind).items()):
            if kind == "entities" or name.startswith("* "):
                yield policy, name.removeprefix("* "), tally


def _counts(policy: str, name: str, tally: Tally) -> dict[str, Any]:
    """Counts only: shares and intervals follow from them."""
    return {
        "policy": policy,
        "name": name,
        "n": tally.true,
        "leaked": tally.leaked,
        "exact": tally.exact,
        "reported": tally.found,
    }


def _speed(policy: str, outcome: Outcome) -> dict[str, Any]:
    result = outcome.result
    counts = _counts(policy, "", result.overall)
    del counts["name"]
    return counts | {
        "negatives": result.negatives,
        "negatives_touched": result.touched,
        "kb_per_s": round(outcome.kb_per_s, 1),
    }
