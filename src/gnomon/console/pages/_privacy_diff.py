"""What a proposed mask policy changes, in words: for whom, by which rules, in which texts."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from gnomon.console.pages import _privacy as words
from gnomon.console.pages.privacy_measure import share
from gnomon.console.reader import Reader
from gnomon.contract.masking import FIELD, MaskPolicy
from gnomon.control.deployments import queries as deployments
from gnomon.control.privacy.comparing import Comparison, Settled, parts_changed, rules_as_lines
from gnomon.control.privacy.trying import Seen
from gnomon.guard.measure import Measurement


@dataclass(frozen=True, slots=True)
class Difference:
    """`settled`: (entities, where, was, will); `pairs`: (text, was, will) in parts; leak as it was and would be."""

    texts: int
    changed: int
    settled: list[dict[str, Any]]
    entities: list[tuple[str, int]]
    pairs: list[dict[str, Any]]
    was: str
    will: str
    leaks_more: bool
    gone: list[str]
    come: list[str]
    moved: bool
    parts: list[tuple[str, str, str]]
    routes: list[str]


def told_difference(reader: Reader, old: MaskPolicy | None, new: MaskPolicy, made: Comparison) -> Difference:
    before, after = rules_as_lines(old), rules_as_lines(new)
    return Difference(
        texts=made.texts,
        changed=made.changed,
        settled=_settled(reader, made.settled, new),
        entities=[(words.entity(reader, name, new), count) for name, count in made.entities.most_common()],
        pairs=[_pair(reader, one.before, one.after, old or new, new) for one in made.pairs],
        was=_leak(made.was),
        will=_leak(made.will),
        leaks_more=_leaked(made.will) > _leaked(made.was) if made.was else False,
        gone=[line for line in before if line not in after],
        come=[line for line in after if line not in before],
        moved=sorted(before) == sorted(after) and before != after,
        parts=[one for one in parts_changed(old, new) if one[1] != one[2]] if old else [],
        routes=[route.model for route in deployments.routes(reader.session) if route.mask_policy == new.id],
    )


def _settled(reader: Reader, settled: list[Settled], new: MaskPolicy) -> list[dict[str, Any]]:
    """Entities that change alike stand together."""
    alike: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for one in settled:
        was, will = (("", "") if one.entity == FIELD and what[0] == "keep" else what for what in (one.was, one.will))
        alike[one.field, one.direction, one.purposes, was, will, one.entity == FIELD].append(one.entity)
    return [
        {
            "entities": reader.context.gettext("、").join(words.entity(reader, name, new) for name in names),
            "field": field or reader.context.gettext("所有字段"),
            "direction": words.direction(reader, direction),
            "purposes": words.purposes(reader, purposes),
            "was": _done(reader, was, whole=whole),
            "will": _done(reader, will, whole=whole),
        }
        for (field, direction, purposes, was, will, whole), names in alike.items()
    ]


def _done(reader: Reader, what: tuple[str, str], *, whole: bool) -> tuple[str, str]:
    """A field that is not treated as a whole is still looked at for what it holds."""
    if whole and not what[0]:
        return "idle", reader.context.gettext("按内容逐个处理")
    return words.operator(reader, *what)


def _pair(reader: Reader, before: Seen, after: Seen, old: MaskPolicy, new: MaskPolicy) -> dict[str, Any]:
    return {
        "was": [words.shown(reader, part, old) for part in before.parts],
        "will": [words.shown(reader, part, new) for part in after.parts],
        "was_blocked": words.entity(reader, before.blocked, old) if before.blocked else "",
        "will_blocked": words.entity(reader, after.blocked, new) if after.blocked else "",
    }


def _leak(result: Measurement | None) -> str:
    return share(result.overall.leaked, result.overall.true) if result else share(0, 0)


def _leaked(result: Measurement | None) -> int:
    return result.overall.leaked if result else 0
