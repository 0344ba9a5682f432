"""What a proposed mask policy changes: for which entity, where, and in which texts. Nothing is stored."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, get_args

from gnomon.contract.masking import FIELD, MaskPolicy, MaskRule, Purpose
from gnomon.contract.verdicts import Masked
from gnomon.control.privacy.trying import Bench, Seen, masker
from gnomon.engine.disguises import documents, samples
from gnomon.engine.planting import KINDS
from gnomon.guard.measure import Measurement
from gnomon.guard.policy import Masker, Way, is_about

PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
WAYS: Final[tuple[Way, ...]] = get_args(Way)
SHOWN: Final = 20  # texts that come out otherwise; their number is always whole
EACH: Final = 1  # texts of an entity in one way of writing: about 300 in all
UNKNOWN: Final = ("", "")
"""What a policy does with an entity that it does not look for."""

Done = tuple[str, str]
"""(operator, format)"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of an entity in a field (empty: in every other) on one way, for some purposes."""

    entity: str
    field: str
    direction: Way
    purposes: tuple[Purpose, ...]
    was: Done
    will: Done


@dataclass(frozen=True, slots=True)
class Pair:
    """One text under both policies."""

    before: Seen
    after: Seen


@dataclass(slots=True)
class Comparison:
    """`settled`: where the two decide otherwise; `pairs`: texts that come out otherwise, at most SHOWN."""

    settled: list[Settled]
    texts: int = 0
    changed: int = 0
    entities: Counter[str] = field(default_factory=Counter)  # in how many texts each comes out otherwise
    pairs: list[Pair] = field(default_factory=list)
    was: Measurement | None = None
    will: Measurement | None = None


def compared(old: MaskPolicy | None, new: MaskPolicy, *, own: Sequence[str] = (), seed: str) -> Comparison:
    """Both policies on texts of our own and on `own`, as they come in. Without an old one nothing was masked before.

    Raises BadMaskPolicy, NamesMissing.
    """
    base = old or MaskPolicy(id=new.id, version="", rules=(MaskRule(entity="*", operator="keep"),))
    made = Comparison(differences(old, new))
    was, will = Bench(base, direction="input"), Bench(new, direction="input")
    for text in own:
        _compare(made, text, was, will)
    made.was = Measurement(frozenset(KINDS)) if old else None
    made.will = Measurement(frozenset(KINDS))
    for text, true in documents(samples(seed, each=EACH)):
        before, after = _compare(made, text, was, will)
        made.will.add(text, true, after.spans)
        if made.was:
            made.was.add(text, true, before.spans)
    return made


def differences(old: MaskPolicy | None, new: MaskPolicy) -> list[Settled]:
    """Where the two policies decide otherwise, by entity; purposes that are alike in it stand together."""
    fields = ("", *dict.fromkeys(name for one in (old, new) if one for rule in one.rules for name in rule.fields))
    was = decisions(old, fields) if old else {}
    will = decisions(new, fields)
    found: dict[tuple[str, str, Way, Done, Done], list[Purpose]] = {}
    for entity, name, way, purpose in dict.fromkeys((*was, *will)):
        before = was.get((entity, name, way, purpose), UNKNOWN)
        after = will.get((entity, name, way, purpose), UNKNOWN)
        if before != after and not _says_nothing(entity, name, before, after):
            found.setdefault((entity, name, way, before, after), []).append(purpose)
    everywhere = {(key[0], *key[2:]): value for key, value in found.items() if not key[1]}
    return [
        Settled(entity, name, way, tuple(purposes), before, after)
        for (entity, name, way, before, after), purposes in found.items()
        if not name or everywhere.get((entity, way, before, after)) != purposes  # the same as in every other field
    ]


def decisions(policy: MaskPolicy, fields: Sequence[str]) -> dict[tuple[str, str, Way, Purpose], Done]:
    """(entity, field, direction, purpose) → what is done with it, for every entity that the policy looks for."""
    return {
        (entity, name, way, purpose): (decision.name, decision.format)
        for purpose, tool in _tools(policy)
        for way in WAYS
        for name in fields
        for entity, decision in tool.decisions(way, name).items()
    }


def deciding(policy: MaskPolicy, entity: str, way: Way, *, field: str, purpose: Purpose) -> int:
    """The place (from 1) of the rule that decides; 0 where none is about it and what is found is redacted."""
    about = (
        number
        for number, rule in enumerate(policy.rules, 1)
        if is_about(rule, entity, way, field=field, purpose=purpose)
    )
    return next(about, 0)


def parts_changed(old: MaskPolicy | None, new: MaskPolicy) -> list[tuple[str, str, str]]:
    """(what, before, after) of all that is no rule: speed, the company's words, patterns, documents."""
    before, after = _parts(old), _parts(new)
    return [(name, before.get(name, ""), after.get(name, "")) for name in dict.fromkeys((*before, *after))]


def rules_as_lines(policy: MaskPolicy | None) -> list[str]:
    """The rules as a person would write them down, one a line."""
    lines = []
    for rule in policy.rules if policy else ():
        words = [rule.entity, rule.operator + (f"({rule.format})" if rule.format else ""), rule.direction]
        words += [f"fields={','.join(rule.fields)}"] if rule.fields else []
        words += [f"purposes={','.join(rule.purposes)}"] if rule.purposes else []
        lines.append(" ".join(words))
    return lines


def as_dict(made: Comparison) -> dict[str, Any]:
    """For programs: shares of leak before and after, what is decided otherwise, and texts before and after."""
    return {
        "texts": made.texts,
        "changed": made.changed,
        "entities": dict(made.entities),
        "leak": {"was": _overall(made.was), "will": _overall(made.will)},
        "settled": [asdict(one) for one in made.settled],
        "pairs": [
            {"text": pair.before.before, "was": pair.before.after, "will": pair.after.after} for pair in made.pairs
        ],
    }


def _overall(result: Measurement | None) -> dict[str, object] | None:
    return result.overall.as_dict() if result else None


def _tools(policy: MaskPolicy) -> Iterator[tuple[Purpose, Masker]]:
    first = masker(policy)
    named = {purpose for rule in policy.rules for purpose in rule.purposes}
    for purpose in PURPOSES:
        alike = purpose not in named and "gateway" not in named
        tool = first if alike else Masker(policy, key=bytes(32), finder=first.finder, purpose=purpose)
        yield purpose, tool


def _says_nothing(entity: str, name: str, before: Done, after: Done) -> bool:
    """The whole of a field is named only where a rule is about that field."""
    return entity == FIELD and (not name or {before[0], after[0]} <= {"keep", ""})


def _compare(made: Comparison, text: str, was: Bench, will: Bench) -> tuple[Masked, Masked]:
    made.texts += 1
    first, second = was.apply(text), will.apply(text)
    if first.text == second.text and first.blocked == second.blocked:
        return first, second
    made.changed += 1
    pair = Pair(was.seen(text, first), will.seen(text, second))
    made.entities.update(_otherwise(pair))
    if len(made.pairs) < SHOWN:
        made.pairs.append(pair)
    return first, second


def _otherwise(pair: Pair) -> set[str]:
    """The entities that come out otherwise in one of the two."""
    before = {(part.text, part.stands, part.entity) for part in pair.before.parts if part.entity and part.is_changed}
    after = {(part.text, part.stands, part.entity) for part in pair.after.parts if part.entity and part.is_changed}
    return {entity for _, _, entity in before ^ after} or {pair.before.blocked or pair.after.blocked} - {""}


def _parts(policy: MaskPolicy | None) -> Mapping[str, str]:
    if policy is None:
        return {}
    found = {"speed": str(policy.speed)}
    found |= {f"terms {one.entity}": ", ".join(one.terms) for one in policy.terms}
    found |= {f"pattern {one.entity}": one.pattern for one in policy.patterns}
    found |= {f"fingerprint {one.entity}": f"{len(one.hashes)} / {one.shingle}" for one in policy.fingerprints}
    return found
