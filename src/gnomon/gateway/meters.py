"""The limits of a roster as the gateway uses them: who counts against what, what tokens cost, when the day ends."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gnomon.contract.bundle import Key, Quota, Roster, Target
from gnomon.contract.ports import Day, Meter
from gnomon.contract.signing import BadBundle
from gnomon.contract.traffic import MAX_TOKENS

_MILLION: Final = 1_000_000
_NONE: Final[tuple[Meter, ...]] = ()


def token_count(claimed: object) -> int:
    """What a model server claims to have counted, or 0 where that is no count (0 to MAX_TOKENS)."""
    return claimed if type(claimed) is int and 0 <= claimed <= MAX_TOKENS else 0  # True is none


def estimated(size: int) -> int:
    """Four bytes a token: English has some four letters a token, Chinese 1.3 characters of three bytes."""
    return min(-(-size // 4), MAX_TOKENS)


class Meters:
    """Belongs to one roster. Raises BadBundle for a time zone that is none."""

    def __init__(self, roster: Roster) -> None:
        self._quotas = {(quota.kind, quota.value): quota for quota in roster.quotas}
        self._models = {quota.value: (_meter(quota),) for quota in roster.quotas if quota.kind == "model"}
        self._teams = {quota.value: (_meter(quota),) for quota in roster.quotas if quota.kind == "team"}
        self._keys: dict[str, tuple[Meter, ...]] = {}  # made when first asked: most of 10,000 keys sleep
        self._zone = _zone(roster.timezone)
        self._day = Day(0.0)

    def of_key(self, key: Key, *, at_most: int = 0) -> tuple[Meter, ...]:
        """What counts against this key, throttled to `at_most` requests a minute, and its team."""
        found = self._keys.get(key.id)
        if found is None:
            found = self._keys[key.id] = self._own(key) + self._teams.get(key.team, _NONE)
        return _throttled(found, key, at_most) if at_most else found

    def of_model(self, model: str) -> tuple[Meter, ...]:
        return self._models.get(model, _NONE)

    def day(self, now: float) -> Day:
        day = self._day
        if not day.ends - 90_000 <= now < day.ends:  # no day is longer than 25 hours
            day = self._day = _day(now, self._zone)
        return day

    def _own(self, key: Key) -> tuple[Meter, ...]:
        quota = self._quotas.get(("key", key.id)) or Quota(kind="key", value=key.id)
        meter = _meter(quota, per_minute=key.requests_per_minute, concurrency=key.concurrency)
        return (meter,) if meter != Meter(meter.subject) else _NONE


def cost(target: Target, tokens_in: int, tokens_out: int) -> int:
    """In millionths of the currency, which is what a price of a million tokens says of one."""
    return round(target.price_in * tokens_in + target.price_out * tokens_out)


def counts_tokens(meter: Meter) -> bool:
    return bool(meter.tokens_per_minute or meter.tokens_per_day or meter.cost_per_day)


def _throttled(meters: tuple[Meter, ...], key: Key, at_most: int) -> tuple[Meter, ...]:
    subject = f"key:{key.id}"
    own = next((meter for meter in meters if meter.subject == subject), Meter(subject))
    others = tuple(meter for meter in meters if meter is not own)
    return (replace(own, per_minute=min(own.per_minute or at_most, at_most)), *others)


def _meter(quota: Quota, *, per_minute: int = 0, concurrency: int = 0) -> Meter:
    return Meter(
        subject=f"{quota.kind}:{quota.value}",
        per_second=quota.requests_per_second,
        per_minute=quota.requests_per_minute or per_minute,
        concurrency=quota.concurrency or concurrency,
        tokens_per_minute=quota.tokens_per_minute,
        tokens_per_day=quota.tokens_per_day,
        cost_per_day=round(quota.cost_per_day * _MILLION),
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise BadBundle(
            f"The roster counts its days in {name!r}, which is no time zone.", next_step="Publish with an IANA zone."
        ) from error


def _day(now: float, zone: ZoneInfo) -> Day:
    today = datetime.fromtimestamp(now, zone).date()
    tomorrow = today + timedelta(days=1)
    return Day(datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).timestamp())
