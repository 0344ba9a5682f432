"""Every record goes by; what is suspicious is said once, and again when it goes on or gets worse."""

from collections.abc import Mapping

from gnomon.contract.traffic import TrafficRecord
from gnomon.engine.defence.addresses import Addresses
from gnomon.engine.defence.baseline import Baseline
from gnomon.engine.defence.callers import MOST_HOMES, Callers
from gnomon.engine.defence.illegal import Illegal
from gnomon.engine.defence.rules import Rules, Suspicion
from gnomon.engine.defence.windows import Table

_MOST_SAID = 50_000


class Watch:
    """For one thread. Its memory is bounded whatever the traffic; times are those of the records."""

    def __init__(self, rules: Rules, *, own_caller: str) -> None:
        self.seen = 0
        self.last_at = 0.0
        self._rules = rules
        self._own = own_caller
        self._callers = Callers(rules)
        self._addresses = Addresses(rules)
        self._illegal = Illegal(rules)
        self._said: Table[tuple[str, str], list[float]] = Table(_MOST_SAID, list)  # [when, level, extent]

    @property
    def baselines(self) -> Mapping[str, Baseline]:
        return self._callers.baselines

    def learn(self, baselines: Mapping[str, Baseline]) -> None:
        """These are the callers' baselines from now on."""
        self._callers.baselines = dict(baselines)

    def settle(self, homes: Mapping[str, frozenset[str]]) -> None:
        """From these addresses each caller came in before today; one that has none here has none that is strange."""
        self._callers.homes = {caller: known for caller, known in homes.items() if 0 < len(known) <= MOST_HOMES}

    def know(self, address: str, key_id: str) -> None:
        """This key came in from this address before the watch began."""
        self._addresses.know(address, key_id)

    def observe(self, record: TrafficRecord) -> list[Suspicion]:
        """What is suspicious with this record, and was not said just now. The platform's own requests never are."""
        self.seen += 1
        self.last_at = max(self.last_at, record.at)
        if record.role or record.outcome == "banned" or (record.caller and record.caller == self._own):
            return []
        found = self._addresses.observe(record)
        if record.key_id and record.outcome != "unauthorised":
            found += [one for one in (self._callers.observe(record), self._illegal.observe(record)) if one]
        return [one for one in found if self._is_news(one)]

    def _is_news(self, one: Suspicion) -> bool:
        said = self._said[(one.subject, one.family)]
        if said and one.at < said[0] + self._rules.suspicion_pause_s and not _is_worse(one, *said[1:]):
            return False
        said[:] = [one.at, float(one.level), one.extent]
        return True


def _is_worse(one: Suspicion, level: float, extent: float) -> bool:
    """Graver than what was said, or twice as many take part."""
    return one.level > level or 0.0 < 2.0 * extent <= one.extent
