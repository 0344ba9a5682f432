"""Where a plan is looser than the rulebook: only with a reason and an end, frozen with it, told with the verdict.

Tightening needs no word. A deviation that has run out counts no more: the rulebook's own figure judges.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from gnomon.control.remediation.rules.plans import BadPlan

Kind = Literal["guards", "live_guards"]
PLACE_OF_FIGURE: Final[Mapping[str, tuple[str, ...]]] = {
    "margin": (),
    "relative": (),
    "alpha": (),
    "limit": ("threshold",),
    "min_n": ("threshold",),
}
_FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "margin": ("容许变差", "margin"),
    "relative": ("按比例计", "as a share"),
    "alpha": ("显著性水平", "alpha"),
    "limit": ("限值", "limit"),
    "min_n": ("最少样本数", "least sample"),
}


class LooserThanRulebook(BadPlan):
    """A guard of the plan allows what the rulebook does not, and the plan does not say why."""

    code = "looser_than_rulebook"


@dataclass(frozen=True, slots=True)
class Looser:
    """One figure of a guard that allows more than the rulebook's."""

    figure: str
    rulebook: float | bool
    plan: float | bool


def looser_guard(plan: Mapping[str, Any], house: Mapping[str, Any]) -> list[Looser]:
    """What in a guard on the same items allows more than the house's. `house` has alpha, and where known a margin.

    A margin on another scale cannot be compared, so it counts as looser.
    """
    found = []
    if "margin" in house and plan["relative"] != house["relative"]:
        found.append(Looser("relative", house["relative"], plan["relative"]))
        found.append(Looser("margin", house["margin"], plan["margin"]))
    elif "margin" in house and plan["margin"] > house["margin"]:
        found.append(Looser("margin", house["margin"], plan["margin"]))
    if plan["alpha"] > house["alpha"]:
        found.append(Looser("alpha", house["alpha"], plan["alpha"]))
    return found


def looser_limit(plan: Mapping[str, Any], house: Mapping[str, Any]) -> list[Looser]:
    """What in a threshold allows more than the house's: a worse limit, or fewer observations."""
    at_least = house["direction"] == "at_least"
    worse = plan["limit"] < house["limit"] if at_least else plan["limit"] > house["limit"]
    found = [Looser("limit", house["limit"], plan["limit"])] if worse else []
    return found + ([Looser("min_n", house["min_n"], plan["min_n"])] if plan["min_n"] < house["min_n"] else [])


def declared(
    name: str,
    kind: Kind,
    place: int,
    looser: Sequence[Looser],
    *,
    title: tuple[str, str],
    reason: str,
    until: date | None,
    today: date,
) -> list[dict[str, Any]]:
    """The deviations as they are frozen; `title` is the guard's, Chinese and English.

    Raises LooserThanRulebook without a reason, BadPlan for an end that is past or a reason for what is not looser.
    """
    if looser and not (reason and until):
        first = looser[0]
        raise LooserThanRulebook(
            f"The guard {name} has {first.figure} {first.plan}, looser than the rulebook's {first.rulebook}.",
            next_step="Keep to the rulebook, or declare the deviation with a reason and the day on which it ends.",
            guard=name,
            figure=first.figure,
        )
    if until and not looser:
        raise BadPlan(f"The guard {name} is not looser than the rulebook.", next_step="Leave its deviation out.")
    if until and until <= today:
        raise BadPlan(f"The deviation of {name} ends on {until}, which is past.", next_step="Give a later day.")
    return [
        {
            "guard": name,
            "kind": kind,
            "place": place,
            "figure": one.figure,
            "title": {"zh-CN": f"{title[0]}{_FIGURES[one.figure][0]}", "en": f"{title[1]}: {_FIGURES[one.figure][1]}"},
            "rulebook": one.rulebook,
            "plan": one.plan,
            "reason": reason,
            "until": until.isoformat() if until else "",
        }
        for one in looser
    ]


def in_force(content: Mapping[str, Any], *, today: date) -> list[dict[str, Any]]:
    """The deviations of a frozen plan that still hold."""
    return [one for one in content.get("deviations", ()) if date.fromisoformat(one["until"]) >= today]


def guards_of(content: Mapping[str, Any], kind: Kind, *, today: date) -> list[dict[str, Any]]:
    """The guards that judge today: where a deviation has run out, with the rulebook's figure again."""
    guards = [dict(one) for one in content[kind]]
    for one in content.get("deviations", ()):
        if one["kind"] == kind and date.fromisoformat(one["until"]) < today:
            _restore(guards[one["place"]], one)
    return guards


def title_of(deviation: Mapping[str, Any]) -> dict[str, str]:
    """What a deviation is about, by language. Plans that were frozen without a title are told by their own names."""
    plain = f"{deviation['guard']} {deviation['figure']}"
    titles: dict[str, str] = deviation.get("title") or {"zh-CN": plain, "en": plain}
    return titles


def sentence(deviations: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What a reader of the verdict must know, by language; empty texts without a deviation."""
    held = list(deviations)
    if not held:
        return {"zh-CN": "", "en": ""}
    zh = "；".join(
        f"{title_of(d)['zh-CN']} {d['plan']:g}（制度 {d['rulebook']:g}，至 {d['until']}，{d['reason']}）" for d in held
    )
    en = "; ".join(
        f"{title_of(d)['en']} {d['plan']:g} (rulebook {d['rulebook']:g}, until {d['until']}, {d['reason']})"
        for d in held
    )
    return {
        "zh-CN": f"判定依据含 {len(held)} 项经审批的放宽：{zh}。",
        "en": f" Judged with {len(held)} approved deviation{'s' if len(held) > 1 else ''} from the rulebook: {en}.",
    }


def _restore(guard: dict[str, Any], deviation: Mapping[str, Any]) -> None:
    held = guard
    for step in PLACE_OF_FIGURE[deviation["figure"]]:
        held[step] = dict(held[step])
        held = held[step]
    held[deviation["figure"]] = deviation["rulebook"]
