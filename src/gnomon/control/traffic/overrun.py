"""Requests that were served although a limit should have refused them, found in the records.

Each limit is held only against the time it was in force, and only against what it could know of: tokens count once the
answer that used them has ended, as reserves are estimates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gnomon.control.access import queries as access
from gnomon.control.access.tables import ApiKey, Quota
from gnomon.control.traffic.figures import Figures
from gnomon.kit.clock import iso

REACH = timedelta(minutes=2)  # what a change of a limit takes at most to reach every gateway, the next whole minute too
HEAD_S = 10  # a request is dated by its first byte and counted when its head is whole (gateway/connection)
_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86_400.0
_RATES = ("requests_per_minute", "requests_per_second")
_LIMITS = (*_RATES, "concurrency", "tokens_per_minute", "tokens_per_day", "cost_per_day")


@dataclass(frozen=True, slots=True)
class Overrun:
    """`used` from `start` on, where at most `possible` can pass a working limit."""

    kind: str
    subject: str
    limit: str
    start: str
    used: float
    possible: float


@dataclass(frozen=True, slots=True)
class Held:
    """A quota, or a key's own limits, over the time in which it was in force."""

    kind: str
    subject: str
    limits: dict[str, float]
    since: datetime
    until: datetime


def most_in_a_minute(*, per_minute: int, per_second: int) -> int:
    """What a full bucket, a minute's refill and late heads let through; 0: no limit."""
    found = [
        bucket + bucket * (60 + HEAD_S) / period for bucket, period in ((per_minute, 60), (per_second, 1)) if bucket
    ]
    return int(min(found)) + 1 if found else 0


def most_tokens(per_minute: int, stretch_s: float) -> int:
    """What a full bucket and the refill of that time let through."""
    return int(per_minute * (1 + (stretch_s + HEAD_S) / 60)) + 1


def find(
    session: Session, figures: Figures, since: datetime, until: datetime, *, zone: str
) -> tuple[int, list[Overrun]]:
    """How many limits were looked at, and what passed them; days begin at midnight in `zone`."""
    quotas = [_of_quota(one, since, until) for one in access.quotas(session)]
    held = [one for one in quotas if one.limits and one.since < one.until]
    over = [found for one in held for found in _past(figures, one, ZoneInfo(zone))]
    own = {one.subject for one in quotas if one.kind == "key"}
    keys = [_of_key(one, since, until) for one in access.keys(session) if one.id not in own]
    over += _past_keys(figures, {key.subject: key for key in keys if key.limits}, since, until)
    return sum(len(one.limits) for one in (*held, *keys)), over


def _of_quota(quota: Quota, since: datetime, until: datetime) -> Held:
    limits = {name: float(getattr(quota, name)) for name in _LIMITS if getattr(quota, name)}
    return Held(quota.kind, quota.value, limits, max(since, quota.set_at + REACH), until)


def _of_key(key: ApiKey, since: datetime, until: datetime) -> Held:
    limits = {name: float(getattr(key, name)) for name in ("requests_per_minute", "concurrency") if getattr(key, name)}
    return Held("key", key.id, limits, since, until)


def _past_keys(figures: Figures, keys: dict[str, Held], since: datetime, until: datetime) -> Iterator[Overrun]:
    """All keys by two questions: of ten thousand each would be too many."""
    if any("requests_per_minute" in key.limits for key in keys.values()):
        for id, (start, served) in figures.busiest_minutes("key", since, until).items():
            if id in keys:
                yield from _over(keys[id], "requests_per_minute", start, served, _requests(keys[id].limits))
    if any("concurrency" in key.limits for key in keys.values()):
        for id, (start, served) in figures.most_at_once("key", since, until).items():
            if id in keys:
                yield from _over(keys[id], "concurrency", start, served, keys[id].limits.get("concurrency", 0))


def _requests(limits: dict[str, float]) -> int:
    return most_in_a_minute(
        per_minute=int(limits.get("requests_per_minute", 0)), per_second=int(limits.get("requests_per_second", 0))
    )


def _past(figures: Figures, held: Held, zone: ZoneInfo) -> Iterator[Overrun]:
    span = (held.kind, held.since, held.until)
    if possible := _requests(held.limits):
        for start, served in figures.busiest_minutes(*span, subject=held.subject).values():
            yield from _over(held, next(name for name in _RATES if name in held.limits), start, served, possible)
    if slots := held.limits.get("concurrency", 0):
        for start, served in figures.most_at_once(*span, subject=held.subject).values():
            yield from _over(held, "concurrency", start, served, slots)
    if per_minute := int(held.limits.get("tokens_per_minute", 0)):
        for stretch_s in (_MINUTE_S, _HOUR_S):
            for start, tokens, _ in figures.spent(*span, subject=held.subject, stretch_s=stretch_s, origin=held.since):
                yield from _over(held, "tokens_per_minute", start, tokens, most_tokens(per_minute, stretch_s))
    if {"tokens_per_day", "cost_per_day"} & held.limits.keys():
        yield from _past_budget(figures, held, zone)


def _past_budget(figures: Figures, held: Held, zone: ZoneInfo) -> Iterator[Overrun]:
    for begin, end in _days(held.since, held.until, zone):
        spent = figures.spent(held.kind, begin, end, subject=held.subject, stretch_s=2 * _DAY_S, origin=begin)
        for start, tokens, cost in spent:
            yield from _over(held, "tokens_per_day", start, tokens, held.limits.get("tokens_per_day", 0))
            # A budget is counted in millionths, and each answer is rounded to them.
            yield from _over(held, "cost_per_day", start, round(cost, 4), held.limits.get("cost_per_day", 0))


def _days(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    begin = since
    while begin < until:
        tomorrow = (begin.astimezone(zone) + timedelta(days=1)).date()
        end = min(datetime.combine(tomorrow, time(), zone).astimezone(since.tzinfo), until)
        yield begin, end
        begin = end


def _over(held: Held, limit: str, start: datetime, used: float, possible: float) -> Iterator[Overrun]:
    if possible and used > possible:
        yield Overrun(held.kind, held.subject, limit, iso(start), used, possible)
