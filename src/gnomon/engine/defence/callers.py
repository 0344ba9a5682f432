"""Too much from one caller: floods, scraping, and frequency that is abnormal for this caller at this time.

Three measures, each against the caller's own usual: the hour; several hours, in which a slow excess adds up; and
the hour again with less allowed where much of it comes from addresses that the caller was never seen at, for that
is how a stolen key looks: a caller that moves does at its new addresses what it always did. A newcomer has no usual; in
its name five minutes from such addresses are enough. What the service itself
failed to answer is owed: a caller may repeat it within half an hour, so that an outage and the rush after it accuse
nobody.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from gnomon.contract.traffic import TrafficRecord
from gnomon.engine.defence.baseline import LONG_H, Baseline
from gnomon.engine.defence.rules import Family, Level, Rules, Suspicion
from gnomon.engine.defence.windows import Coverage, Ring, Table

FAILED = frozenset(("upstream_error", "upstream_unreachable", "timeout", "internal"))
_BURST = 6.0  # within five minutes a caller may do half of what an hour allows
_STRANGE_BURST = 3.0  # from addresses that a newcomer was never seen at, a quarter
_KEYS_A_CALLER = 16
_MOST_CALLERS = 10_000
_LONG_SLOT_S = 600.0
MOST_HOMES = 48
"""A caller that comes from more addresses than these has none that would be strange."""


@dataclass(frozen=True, slots=True)
class _Limits:
    """Requests from which on they are too many: of an hour, of several (if the last has `ongoing`), with strangers, of
    an hour at any time of the week (`ever`), of strangers alone in five minutes.
    """

    hour: float
    long: float = math.inf
    ongoing: float = math.inf
    strange: float = math.inf
    ever: float = math.inf
    strange_5m: float = math.inf

    def beside(self, owed: float) -> "_Limits":
        """With what may be repeated."""
        hour, strange, ever = self.hour + owed, self.strange + owed, self.ever + owed
        return _Limits(hour, self.long + owed, self.ongoing, strange, ever, self.strange_5m + owed)


class _Caller:
    __slots__ = (
        "coverage",
        "fresh",
        "fresh_long",
        "hour",
        "keys",
        "limits",
        "limits_of",
        "long",
        "minutes",
        "owed",
        "strange",
        "tens",
    )

    def __init__(self) -> None:
        self.tens = Ring(2, 10.0)
        self.minutes = Ring(60, 60.0)
        self.fresh = Ring(60, 60.0)
        self.strange = Ring(60, 60.0)
        self.long = Ring(LONG_H * 6, _LONG_SLOT_S)
        self.fresh_long = Ring(LONG_H * 6, _LONG_SLOT_S)
        self.owed = Ring(30, 60.0)
        self.coverage = Coverage()
        self.hour = 0
        self.limits: _Limits | None = None
        self.limits_of: tuple[int, Baseline | None] = (0, None)
        self.keys: dict[str, float] = {}  # requests of each; those before this hour count half, and so on


class Callers:
    def __init__(self, rules: Rules) -> None:
        self.baselines: dict[str, Baseline] = {}
        self.homes: Mapping[str, frozenset[str]] = {}
        self._rules = rules
        self._table: Table[str, _Caller] = Table(_MOST_CALLERS, _Caller)

    def __len__(self) -> int:
        return len(self._table)

    def observe(self, r: TrafficRecord) -> Suspicion | None:
        """For a record with a caller; the gravest suspicion that holds with it."""
        caller = self._table[r.caller]
        self._count(caller, r)
        if r.outcome in FAILED:
            return None
        limits = self._limits(caller, r)
        return self._flood(caller, r, limits) or self._scraping(caller, r, limits) or self._frequency(caller, r, limits)

    def _count(self, caller: _Caller, r: TrafficRecord) -> None:
        hour = int(r.at // 3600)
        if hour != caller.hour:  # what was asked an hour ago may be asked anew
            caller.hour = hour
            caller.keys = {key: n / 2 for key, n in caller.keys.items() if n >= 1}
            caller.coverage.clear()
        if r.outcome in FAILED:
            caller.owed.add(r.at)
            return
        if r.key_id in caller.keys or len(caller.keys) < _KEYS_A_CALLER:
            caller.keys[r.key_id] = caller.keys.get(r.key_id, 0) + 1
        for ring in (caller.tens, caller.minutes, caller.long):
            ring.add(r.at)
        caller.owed.advance(r.at)
        grown = caller.coverage.add(_hashed(r.request))
        caller.fresh.add(r.at, grown)
        caller.fresh_long.add(r.at, grown)
        homes = self.homes.get(r.caller)
        if homes and r.address not in homes:
            caller.strange.add(r.at)
        elif caller.strange.total:
            caller.strange.advance(r.at)

    def _limits(self, caller: _Caller, r: TrafficRecord) -> _Limits:
        """Those of the hour; the same until another begins or baselines are learned."""
        base = self.baselines.get(r.caller)
        hour = int(r.at // 3600)
        if caller.limits is None or caller.limits_of[0] != hour or caller.limits_of[1] is not base:
            fresh = self._fresh_limits(base, r.at) if self._is_known(base) else self._newcomer_limits(base)
            caller.limits, caller.limits_of = fresh, (hour, base)
        return caller.limits.beside(caller.owed.total) if caller.owed.total else caller.limits

    def _newcomer_limits(self, base: Baseline | None) -> _Limits:
        """Nobody knows what is usual for a newcomer, but for the busiest hour of its days."""
        rules, busiest = self._rules, base.busiest if base else 0.0
        most = max(rules.newcomer_requests_hour, rules.frequency_busiest_times * busiest)
        strange = max(rules.newcomer_strange_hour, rules.newcomer_strange_times * busiest)
        burst = max(rules.newcomer_strange_5m, strange * _STRANGE_BURST / 12.0)
        return _Limits(most, strange=strange, strange_5m=burst)

    def _fresh_limits(self, base: Baseline, at: float) -> _Limits:
        rules = self._rules
        hour = base.limit(at, factor=rules.frequency_factor, margin=rules.frequency_margin)
        long = base.limit_long(at, factor=rules.frequency_long_factor, margin=rules.frequency_long_margin)
        strange = base.limit(at, factor=rules.strange_factor, margin=rules.strange_margin)
        long = max(long, hour, base.busiest, rules.frequency_floor_long)  # what one hour may hold, six may
        ever = base.limit_ever(times=rules.frequency_busiest_times)
        return _Limits(
            max(hour, rules.frequency_floor_hour),
            long,
            max(base.limit(at, factor=rules.frequency_long_factor, margin=0.0), long / LONG_H),
            max(min(strange, ever), rules.strange_floor_hour),
            max(ever, rules.frequency_floor_hour),
        )

    def _is_known(self, base: Baseline | None) -> TypeGuard[Baseline]:
        return base is not None and base.days >= self._rules.baseline_days

    def _flood(self, caller: _Caller, r: TrafficRecord, limits: _Limits) -> Suspicion | None:
        rules, seen, owed = self._rules, caller.tens.last(1), caller.owed.total
        known = self._is_known(self.baselines.get(r.caller))
        least = rules.flood_requests_10s if known else rules.newcomer_requests_10s
        allowed = max(least, (limits.hour - owed) / 360.0 * _BURST) + owed
        if seen < allowed:
            return None
        level = Level.BAN if seen >= rules.frequency_ban_times * allowed else Level.THROTTLE
        return self._say(caller, r, Family.FLOOD, level, {"requests_10s": seen, "limit": allowed})

    def _scraping(self, caller: _Caller, r: TrafficRecord, limits: _Limits) -> Suspicion | None:
        """Beyond what is usual, nearly all different, and minute after minute."""
        rules, fresh, hour = self._rules, caller.fresh.total, caller.minutes.total
        if fresh < rules.scraping_distinct_hour or fresh < rules.scraping_distinct_share * hour:
            return None
        over = max(
            fresh / min(limits.hour, limits.ever),
            self._has_strangers(caller) * fresh / limits.strange,
            self._goes_on(caller, limits) * caller.fresh_long.total / limits.long,
        )
        if over < 1.0 or caller.minutes.active() < rules.scraping_active_minutes:
            return None
        facts = {"distinct_hour": float(round(fresh)), "requests_hour": hour, "limit": limits.hour}
        facts |= self._beside(caller, limits)
        level = Level.BAN if fresh >= rules.scraping_ban_times * limits.hour else Level.THROTTLE
        return self._say(caller, r, Family.SCRAPING, self._capped(r.caller, level), facts)

    def _frequency(self, caller: _Caller, r: TrafficRecord, limits: _Limits) -> Suspicion | None:
        hour, five, owed = caller.minutes.total, caller.minutes.last(5), caller.owed.total
        limit_5m = max((limits.hour - owed) * _BURST / 12.0, self._rules.frequency_floor_5m) + owed
        over = max(
            hour / min(limits.hour, limits.ever),
            five / limit_5m,
            self._has_strangers(caller) * hour / limits.strange,
            self._bursting(caller, limits) / limits.strange_5m,
            self._goes_on(caller, limits) * caller.long.total / limits.long,
        )
        if over < 1.0:
            return None
        facts = {"requests_hour": hour, "requests_5m": five, "limit": limits.hour, "limit_5m": limit_5m}
        facts |= self._beside(caller, limits)
        graver = (self._rules.frequency_throttle_times, self._rules.frequency_ban_times)
        level = Level(1 + sum(over >= times for times in graver))
        return self._say(caller, r, Family.ABNORMAL_FREQUENCY, self._capped(r.caller, level), facts)

    def _has_strangers(self, caller: _Caller) -> bool:
        """A good part of the hour's requests came from addresses that the caller was never seen at."""
        least = max(self._rules.strange_floor_hour, self._rules.strange_share * caller.minutes.total)
        return caller.strange.total >= least

    def _bursting(self, caller: _Caller, limits: _Limits) -> float:
        """Requests in five minutes from such addresses; 0 where they could not be too many."""
        return caller.strange.last(5) if caller.strange.total >= limits.strange_5m else 0.0

    def _goes_on(self, caller: _Caller, limits: _Limits) -> bool:
        """Several hours remember what is long over: only what the last hour shows too is said of them."""
        return caller.minutes.total >= limits.ongoing

    def _beside(self, caller: _Caller, limits: _Limits) -> dict[str, float]:
        """What the other measures saw, where they passed their limits."""
        found: dict[str, float] = {}
        if caller.minutes.total >= limits.ever:
            found["limit_ever"] = limits.ever
        if self._has_strangers(caller) and caller.minutes.total >= limits.strange:
            found |= {"strange_hour": caller.strange.total, "limit_strange": limits.strange}
        if (burst := self._bursting(caller, limits)) >= limits.strange_5m:
            found |= {"strange_5m": burst, "limit_strange_5m": limits.strange_5m}
        if caller.long.total >= limits.long:
            found |= {f"requests_{LONG_H}h": caller.long.total, f"limit_{LONG_H}h": limits.long}
        return found

    def _capped(self, name: str, level: Level) -> Level:
        """Without a baseline there is only a warning."""
        return level if self._is_known(self.baselines.get(name)) else Level.WARN

    def _say(
        self, caller: _Caller, r: TrafficRecord, family: Family, level: Level, facts: dict[str, float]
    ) -> Suspicion:
        """Of the caller's keys the one that did most of it."""
        key = max(caller.keys, key=lambda one: caller.keys[one], default=r.key_id)
        base = self.baselines.get(r.caller)
        known = {"usual_hour": round(base.at(r.at), 1)} if base else {}
        known["baseline_days"] = round(base.days, 1) if self._is_known(base) else 0.0
        return Suspicion(subject=f"key:{key}", family=family, level=level, at=r.at, facts=facts | known)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
