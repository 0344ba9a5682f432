"""What the detectors are given, and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How grave a suspicion is; control answers with a measure of at least that grade."""

    WARN = 1
    THROTTLE = 2
    BAN = 3


class Family(StrEnum):
    KEY_GUESSING = "key_guessing"
    CREDENTIAL_STUFFING = "credential_stuffing"
    FLOOD = "flood"
    SCRAPING = "scraping"
    ABNORMAL_FREQUENCY = "abnormal_frequency"
    ILLEGAL_INPUT = "illegal_input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The limits; each is the rulebook's threshold of the same name, with its source there."""

    guess_distinct_hour: float
    guess_distinct_day: float
    guess_excused_by_valid: float
    stuffing_addresses: float
    stuffing_usual_hour: float
    stuffing_worth_of_key: float
    stuffing_most_of_address: float
    stuffing_keys_an_address: float
    flood_requests_10s: float
    flood_refused_10s: float
    flood_refused_everywhere_10s: float
    frequency_factor: float
    frequency_margin: float
    frequency_throttle_times: float
    frequency_ban_times: float
    frequency_floor_5m: float
    frequency_floor_hour: float
    frequency_busiest_times: float
    frequency_long_factor: float
    frequency_long_margin: float
    frequency_floor_long: float
    strange_factor: float
    strange_margin: float
    strange_share: float
    strange_floor_hour: float
    newcomer_requests_hour: float
    newcomer_requests_10s: float
    newcomer_strange_hour: float
    newcomer_strange_times: float
    newcomer_strange_5m: float
    baseline_days: float
    scraping_distinct_hour: float
    scraping_distinct_share: float
    scraping_active_minutes: float
    scraping_ban_times: float
    illegal_inputs_in_a_row: float
    illegal_inputs_a_day: float
    suspicion_pause_s: float

    @classmethod
    def of(cls, limits: Mapping[str, float]) -> "Rules":
        """From limits by indicator. Raises KeyError where one is missing."""
        return cls(**{one.name: limits[one.name] for one in fields(cls)})

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(one.name for one in fields(cls))


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """`subject` is `key:<id>`, `address:<digest>` or `installation:`; `facts` are what was seen and the limit.

    `extent` is how many take part, where several do: twice as many are worth saying at once.
    """

    subject: str
    family: Family
    level: Level
    at: float
    facts: Mapping[str, float] = field(default_factory=dict)
    extent: float = 0.0
