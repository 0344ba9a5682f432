"""Who tries keys: many wrong ones from one address, or a few each from many addresses.

One stale key tried for ever is no guessing, so what counts is how many different keys did not fit. An address behind
which many people sit may mistype in proportion to those who come in. A campaign shows in how many addresses that never
came in present wrong keys at the same time, and how many different ones (campaign.py).
"""

from gnomon.contract.traffic import TrafficRecord
from gnomon.engine.defence.campaign import Campaign
from gnomon.engine.defence.rules import Family, Level, Rules, Suspicion
from gnomon.engine.defence.windows import Ring, Table

_MOST_ADDRESSES = 20_000
_MOST_TRIED = 128
_MOST_VALID = 256
_DAY_S = 86_400.0
REFUSED = frozenset(("unauthorised", "bad_request", "forbidden", "limited"))


class _Address:
    __slots__ = ("is_named", "refused", "tried", "valid")

    def __init__(self) -> None:
        self.tried: dict[str, float] = {}  # wrong key → when it was last tried
        self.valid: set[str] = set()  # keys that came in
        self.refused = Ring(2, 10.0)
        self.is_named = False  # as one who guesses: what it goes on with is no flood from everywhere


class Addresses:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._table: Table[str, _Address] = Table(_MOST_ADDRESSES, _Address)
        self._campaign = Campaign(rules)
        self._refused = Ring(2, 10.0)

    def __len__(self) -> int:
        return len(self._table)

    def know(self, address: str, key_id: str) -> None:
        """This key came in from this address before the watch began."""
        self._comes_in(self._table[address], key_id)

    def observe(self, r: TrafficRecord) -> list[Suspicion]:
        entry = self._table[r.address]
        found = []
        if r.outcome in REFUSED and not r.key_id:
            found += self._flood(entry, r)
        if r.outcome == "unauthorised" and r.tried:
            found += self._wrong(entry, r)
        elif r.key_id and r.outcome != "unauthorised":
            self._comes_in(entry, r.key_id)
            self._campaign.excuse(r.address)
        return found

    def _flood(self, entry: _Address, r: TrafficRecord) -> list[Suspicion]:
        """Of requests without a key that fits: from one address, or from all together that were not named yet."""
        found = []
        alone = (entry.refused, f"address:{r.address}", Level.BAN, self._rules.flood_refused_10s)
        everywhere = (self._refused, "installation:", Level.WARN, self._rules.flood_refused_everywhere_10s)
        for ring, subject, level, most in (alone,) if entry.is_named else (alone, everywhere):
            ring.add(r.at)
            if ring.last(1) >= most:
                facts = {"refused_10s": ring.last(1), "limit": most}
                found.append(Suspicion(subject=subject, family=Family.FLOOD, level=level, at=r.at, facts=facts))
        return found

    def _wrong(self, entry: _Address, r: TrafficRecord) -> list[Suspicion]:
        if len(entry.tried) >= _MOST_TRIED and r.tried not in entry.tried:
            entry.tried.pop(min(entry.tried, key=lambda one: entry.tried[one]))
        entry.tried[r.tried] = r.at
        hour = sum(at > r.at - 3600.0 for at in entry.tried.values())
        day = sum(at > r.at - _DAY_S for at in entry.tried.values())
        found = self._guessing(entry, r, hour, day)
        if found:
            entry.is_named = True
            self._campaign.excuse(r.address)
        elif not entry.valid:
            found = self._stuffing(r)
        return found

    def _guessing(self, entry: _Address, r: TrafficRecord, hour: int, day: int) -> list[Suspicion]:
        excused = self._rules.guess_excused_by_valid * len(entry.valid)
        for seen, limit, name in (
            (hour, self._rules.guess_distinct_hour, "distinct_keys_hour"),
            (day, self._rules.guess_distinct_day, "distinct_keys_day"),
        ):
            if seen >= max(limit, excused):
                return [self._say(r, Family.KEY_GUESSING, Level.BAN, {name: seen, "limit": max(limit, excused)})]
        return []

    def _stuffing(self, r: TrafficRecord) -> list[Suspicion]:
        """The campaign, when one is on: all who belong to it when it begins, then whoever goes on."""
        campaign = self._campaign
        was_on = campaign.is_on(r.at)
        campaign.meet(r.address, r.tried, r.at)
        if not campaign.is_on(r.at):
            return []
        facts = {"strangers_hour": float(len(campaign)), "evidence": round(campaign.level, 1)}
        facts["limit"] = self._rules.stuffing_addresses
        accused = [r.address] if was_on else campaign.strangers()
        whole = Suspicion(
            subject="installation:",
            family=Family.CREDENTIAL_STUFFING,
            level=Level.WARN,
            at=r.at,
            facts=facts,
            extent=facts["strangers_hour"],
        )
        return [whole, *self._accuse(accused, r, facts)]

    def _accuse(self, addresses: list[str], r: TrafficRecord, facts: dict[str, float]) -> list[Suspicion]:
        """Those that tried several keys; the others are not to be told from people who mistype."""
        accused = []
        for address in addresses:
            entry = self._table.get(address)
            if entry is None or len(entry.tried) < self._rules.stuffing_keys_an_address:
                continue
            accused.append(
                Suspicion(
                    subject=f"address:{address}",
                    family=Family.CREDENTIAL_STUFFING,
                    level=Level.BAN,
                    at=r.at,
                    facts=facts | {"distinct_keys": float(len(entry.tried))},
                )
            )
        return accused

    def _comes_in(self, entry: _Address, key_id: str) -> None:
        if len(entry.valid) < _MOST_VALID:
            entry.valid.add(key_id)

    def _say(self, r: TrafficRecord, family: Family, level: Level, facts: dict[str, float]) -> Suspicion:
        return Suspicion(subject=f"address:{r.address}", family=family, level=level, at=r.at, facts=facts)
