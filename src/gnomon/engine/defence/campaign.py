"""Whether strangers who try keys are a campaign: a cumulative sum of everybody's evidence, judged with every record.

A fixed window speaks when the window is full enough; a cumulative sum (Page, Biometrika 1954) as soon as what came
beyond the usual is enough, at whatever pace it came. A stranger is an address that never came in. With its first wrong
key it is a witness, and with each further one a little more, up to a bound, so that one address alone is no campaign.
A key that another stranger tried says nothing new: twenty servers with one stale key are one witness. The sum drains
at the pace at which people mistype, and whoever comes in after all takes its evidence out again.
"""

from dataclasses import dataclass, field

from gnomon.engine.defence.rules import Rules
from gnomon.engine.defence.windows import Table

_MOST = 20_000
_HOUR_S = 3600.0


@dataclass(slots=True)
class _Stranger:
    at: float = 0.0
    said: float = 0.0  # evidence, in addresses


@dataclass(slots=True)
class _Key:
    at: float = 0.0
    of: str = ""  # the address that tried it first


@dataclass(slots=True)
class Campaign:
    """For one thread; bounded. Times are those of the records, in Unix seconds."""

    rules: Rules
    level: float = 0.0
    """Evidence that has not drained away, in addresses; at most an hour's draining above the limit."""
    _at: float = 0.0
    _present: float = 0.0  # evidence of those who tried within the hour: the sum never outlives them
    _strangers: Table[str, _Stranger] = field(default_factory=lambda: Table(_MOST, _Stranger))
    _keys: Table[str, _Key] = field(default_factory=lambda: Table(_MOST, _Key))

    def __len__(self) -> int:
        return len(self._strangers)

    def strangers(self) -> list[str]:
        """Who tried keys within the last hour and never came in."""
        return self._strangers.keys()

    def is_on(self, at: float) -> bool:
        self._drain(at)
        return self.level >= self.rules.stuffing_addresses

    def meet(self, address: str, tried: str, at: float) -> None:
        """A stranger tried a key."""
        self._drain(at)
        if len(self._strangers) >= _MOST and (oldest := self._strangers.oldest()):
            self._drop(*oldest)
        key, stranger = self._keys[tried], self._strangers[address]
        stranger.at = at
        is_news = not key.of
        key.at, key.of = at, key.of or address
        if not is_news:
            return
        worth = self.rules.stuffing_worth_of_key if stranger.said else 1.0
        more = min(worth, self.rules.stuffing_most_of_address - stranger.said)
        if more > 0.0:
            stranger.said += more
            self._present += more
            self.level = min(self.level + more, self.rules.stuffing_addresses + self.rules.stuffing_usual_hour)

    def excuse(self, address: str) -> None:
        """It came in, or was named for what it did alone."""
        stranger = self._strangers.get(address)
        if stranger:
            self.level = max(self.level - stranger.said, 0.0)
            self._drop(address, stranger)

    def _drop(self, address: str, stranger: _Stranger) -> None:
        self._strangers.drop(address)
        self._present -= stranger.said

    def _drain(self, at: float) -> None:
        while (oldest := self._strangers.oldest()) and oldest[1].at < at - _HOUR_S:
            self._drop(*oldest)
        while (first := self._keys.oldest()) and first[1].at < at - _HOUR_S:
            self._keys.drop(first[0])
        if at > self._at:
            drained = self.rules.stuffing_usual_hour * (at - self._at) / _HOUR_S
            self.level = max(min(self.level - drained, self._present), 0.0)
            self._at = at
