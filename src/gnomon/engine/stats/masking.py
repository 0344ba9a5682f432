"""What masking costs: the same items asked as they are and masked, and whether enough of the score is kept.

Pure: the same answers give the same effect, bit for bit. A claim needs items that masking changed, a model that does
better than guessing (otherwise there is nothing that could be lost), and no outage that would count as an effect.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gnomon.contract.verdicts import State
from gnomon.engine.stats.interval import BadFigures, Interval, wilson
from gnomon.engine.stats.kept import Kept, kept, kept_by_interval, needed_n
from gnomon.engine.stats.masking_words import masking_sentence
from gnomon.engine.stats.metrics import CannotMeasure, Metric, metric
from gnomon.engine.stats.paired import Flips
from gnomon.engine.stats.pairs import Pair, flips_of, ratio, resampled
from gnomon.engine.stats.sheet import Answered, BadAnswers, sheet_of

Reason = Literal["", "nothing_right", "outages", "few_changed", "guessing", "changed_part"]
"""Why the state is not simply that of the claim over all items."""

ALL, CHANGED, SAME = "all", "changed", "same"
ENTITY = "entity="
_LEAST = 30  # items of an entity: with fewer nothing is claimed of it


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the items: all, those that masking changed, those it did not, those with an entity (`entity=PHONE`).

    Among the same ones every flip is noise of the model server. Scores and claim are None where they are undefined;
    then `flips` counts right answers.
    """

    name: str
    n: int
    flips: Flips
    raw: Interval | None
    masked: Interval | None
    claim: Kept | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "n": self.n,
            "flips": self.flips.as_dict(),
            "raw": self.raw.as_dict() if self.raw else None,
            "masked": self.masked.as_dict() if self.masked else None,
            "claim": self.claim.as_dict() if self.claim else None,
        }


@dataclass(frozen=True, slots=True)
class MaskingEffect:
    """`state` is MET only when the share kept is shown to be at least `limit` over all items.

    It is NOT_MET too when the opposite is shown where masking changed something: the rest would only dilute it.
    `guessing` is the score of whoever always says the likeliest; None for metrics that have no such score.
    """

    metric: str
    state: State
    reason: Reason
    limit: float
    min_changed: int
    n: int
    changed: int
    lost: int
    guessing: float | None
    needed_n: int | None
    parts: tuple[Part, ...]
    fixed_ids: tuple[str, ...]
    broken_ids: tuple[str, ...]
    sentence: Mapping[str, str]

    def part(self, name: str) -> Part | None:
        return next((part for part in self.parts if part.name == name), None)

    @property
    def whole(self) -> Part:
        return self.parts[0]

    def as_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "state": self.state.value,
            "reason": self.reason,
            "limit": self.limit,
            "min_changed": self.min_changed,
            "n": self.n,
            "changed": self.changed,
            "lost": self.lost,
            "guessing": self.guessing,
            "needed_n": self.needed_n,
            "parts": [part.as_dict() for part in self.parts],
            "fixed_ids": list(self.fixed_ids),
            "broken_ids": list(self.broken_ids),
            "sentence": dict(self.sentence),
        }


def masking_effect(
    raw: Sequence[Answered],
    masked: Sequence[Answered],
    *,
    changed: Mapping[str, Collection[str]],
    limit: float,
    min_changed: int,
    metric_name: str = "accuracy",
    lost: Collection[str] = (),
    positive: str | None = None,
    alpha: float = 0.05,
) -> MaskingEffect:
    """The effect and its verdict. `changed`: item id → entities that were masked in it; the others were not changed.

    `lost`: items that an outage left without an answer on one side. Raises BadAnswers when the two sides are not the
    same items, UnknownMetric, BadFigures for a metric of which less is better, CannotMeasure.
    """
    wanted = require_score(metric_name)
    _same_items(raw, masked)
    labels = sorted({answer.expected for answer in raw})
    pair = Pair(sheet_of(raw, labels, positive=positive), sheet_of(masked, labels, positive=positive))
    named = _named(pair, changed)
    entities = sum(name.startswith(ENTITY) for name, _ in named)
    parts = tuple(
        # Bonferroni's share of alpha for each entity: one of many must not seem harmful by chance
        _part(pair.only(ids), wanted, name, limit=limit, alpha=alpha / entities if name.startswith(ENTITY) else alpha)
        for name, ids in named
    )
    _, fixed_ids, broken_ids = flips_of(pair, wanted)
    whole, touched = parts[0], next((part for part in parts if part.name == CHANGED), None)
    guess = _guessing(pair, metric_name)
    state, reason = _verdict(
        whole, touched, lost=len(lost), min_changed=min_changed, at_chance=_is_guessing(whole, guess)
    )
    more = state is State.INSUFFICIENT and not reason and wanted.hits
    needed = needed_n(whole.flips, limit=limit, alpha=alpha) if more else None
    return MaskingEffect(
        metric=metric_name,
        state=state,
        reason=reason,
        limit=limit,
        min_changed=min_changed,
        n=pair.n,
        changed=touched.n if touched else 0,
        lost=len(lost),
        guessing=guess,
        needed_n=needed,
        parts=parts,
        fixed_ids=fixed_ids,
        broken_ids=broken_ids,
        sentence=masking_sentence(
            wanted,
            state=state,
            reason=reason,
            limit=limit,
            min_changed=min_changed,
            n=pair.n,
            changed=touched.n if touched else 0,
            lost=len(lost),
            raw=whole.raw,
            masked=whole.masked,
            claim=whole.claim,
            flips=whole.flips,
            touched=touched.claim if touched else None,
            needed_n=needed,
        ),
    )


def require_score(name: str) -> Metric:
    """The metric of that name, of which a share can be kept. Raises UnknownMetric, BadFigures."""
    wanted = metric(name)
    if not wanted.higher_is_better or wanted.unit != "share":
        raise BadFigures(
            f"{name} is no score of which a share could be kept.", next_step="Name accuracy, macro_f1, recall:<label>."
        )
    return wanted


def _same_items(raw: Sequence[Answered], masked: Sequence[Answered]) -> None:
    one, other = ({answer.item_id: answer.expected for answer in side} for side in (raw, masked))
    if one != other:
        uncommon = sorted({item_id for item_id, _ in one.items() ^ other.items()})
        raise BadAnswers(
            f"The two sides differ in {len(uncommon)} items, {uncommon[0]} first.",
            next_step="Ask the same items on both sides.",
            items=uncommon[:10],
        )


def _named(pair: Pair, changed: Mapping[str, Collection[str]]) -> list[tuple[str, set[str]]]:
    """Parts that have items, all of them first."""
    every = set(pair.before.ids)
    touched = every & {item_id for item_id, entities in changed.items() if entities}
    entities = sorted({entity for item_id in touched for entity in changed[item_id]})
    found = [(ALL, every), (CHANGED, touched), (SAME, every - touched)]
    found += [(f"{ENTITY}{entity}", {item for item in touched if entity in changed[item]}) for entity in entities]
    return [(name, ids) for name, ids in found if ids]


def _part(pair: Pair, wanted: Metric, name: str, *, limit: float, alpha: float) -> Part:
    level = 1 - 2 * alpha
    too_few = name.startswith(ENTITY) and pair.n < _LEAST
    try:
        flips, _, _ = flips_of(pair, wanted)
        if wanted.hits is None:
            before, after, share = resampled(pair, wanted, ratio, level=level)
            return Part(name, pair.n, flips, before, after, _careful(kept_by_interval(share, limit=limit), too_few))
    except CannotMeasure:
        if name == ALL:
            raise
        return Part(name, pair.n, _right(pair), None, None, None)
    claim = _careful(kept(flips, limit=limit, alpha=alpha), too_few) if flips.before else None
    before, after = wilson(flips.before, flips.n, level), wilson(flips.after, flips.n, level)
    return Part(name, pair.n, flips, before, after, claim)


def _careful(claim: Kept, too_few: bool) -> Kept:
    return replace(claim, state=State.INSUFFICIENT) if too_few else claim


def _right(pair: Pair) -> Flips:
    one, other = pair.before.right, pair.after.right
    return Flips(
        both=int((one & other).sum()),
        broken=int((one & ~other).sum()),
        fixed=int((~one & other).sum()),
        neither=int((~one & ~other).sum()),
    )


def _guessing(pair: Pair, name: str) -> float | None:
    if name == "auc":
        return 0.5
    if name != "accuracy":
        return None
    counts = [int((pair.before.expected == code).sum()) for code in range(len(pair.before.labels))]
    return max(counts) / pair.n


def _is_guessing(whole: Part, guess: float | None) -> bool:
    return guess is not None and whole.raw is not None and whole.raw.low <= guess


def _verdict(
    whole: Part, touched: Part | None, *, lost: int, min_changed: int, at_chance: bool
) -> tuple[State, Reason]:
    if whole.claim is None:
        return State.NOT_MEASURED, "nothing_right"
    if touched is None or touched.n < min_changed:
        return State.NOT_MEASURED if touched is None else State.INSUFFICIENT, "few_changed"
    if lost:
        return State.INSUFFICIENT, "outages"
    if whole.claim.state is State.NOT_MET:
        return State.NOT_MET, ""
    if touched.claim is not None and touched.claim.state is State.NOT_MET:
        return State.NOT_MET, "changed_part"
    if at_chance:
        return State.INSUFFICIENT, "guessing"
    return whole.claim.state, ""
