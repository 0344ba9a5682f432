"""The collector's watch: every record that is new in the store goes by the detectors, and what they say is a notice.

It runs with the control plane dead, for the notices wait in the store. A restart loses the counts of the running hours;
baselines, who came in before and from where, and the wrong keys and refused inputs of the last day are read again.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from gnomon.backends.records_duckdb import RecordsDuckDB
from gnomon.contract.ports import Row
from gnomon.contract.traffic import DefenceNotice, Feedback, TrafficRecord
from gnomon.control.access.schemas import OWN_CALLER
from gnomon.control.rulebook.rules import load
from gnomon.engine.defence import Family, Rules, Suspicion, Watch, fitted
from gnomon.kit import log
from gnomon.kit.ids import new_id

_log = log.get(__name__)
HISTORY_S = 28 * 86_400.0
KNOWN_S = 14 * 86_400.0
DAY_S = 86_400.0
LEARN_S = 3600.0


class WatchedStore:
    """The store, whose `append` also watches. For the collector's one sweeping thread."""

    def __init__(self, store: RecordsDuckDB, *, now: float) -> None:
        self.suspicions = 0
        self.problem = ""
        self._store = store
        book = load()
        rules = Rules.of({name: book.threshold(name).limit for name in Rules.names()})
        self._watch = Watch(rules, own_caller=OWN_CALLER)
        self._since = now
        self._learned_at = 0.0
        self._settled_at = 0.0
        self._remember(now)

    def append(
        self,
        records: Sequence[TrafficRecord],
        notices: Sequence[DefenceNotice],
        *,
        offsets: Mapping[str, int],
        feedback: Sequence[Feedback] = (),
    ) -> int:
        """As the store's; what is stored is watched, and a fault of the watch loses no record."""
        new = self._store.append(records, notices, offsets=offsets, feedback=feedback)
        try:
            self._look(records)
            self.problem = ""
        except Exception as error:  # noqa: BLE001 - the records are stored and the spool must move on; health tells it
            self.problem = type(error).__name__
            _log.exception("watch_failed")
        return new

    def offsets(self) -> dict[str, int]:
        return self._store.offsets()

    def query(self, name: str, params: Mapping[str, object]) -> list[Row]:
        return self._store.query(name, params)

    def forget(self, names: Sequence[str]) -> None:
        self._store.forget(names)

    def drop_content(self, before: float) -> int:
        return self._store.drop_content(before)

    def erase_persons(self, tokens: Sequence[str]) -> Row:
        return self._store.erase_persons(tokens)

    def health(self) -> Row:
        """What was watched since the start, against how many baselines."""
        return {
            "rules": sorted(family.value for family in Family),
            "since": self._since,
            "watched": self._watch.seen,
            "last_at": self._watch.last_at,
            "suspicions": self.suspicions,
            "baselines": len(self._watch.baselines),
            "learned_at": self._learned_at,
            "problem": self.problem,
        }

    def _look(self, records: Sequence[TrafficRecord]) -> None:
        if records and time.time() >= self._learned_at + LEARN_S:
            self._learn(time.time())
        if records and time.time() >= self._settled_at + DAY_S:
            self._settle(self._comers(time.time()), time.time())
        found = [_notice(one) for record in records for one in self._watch.observe(record)]
        if found:
            self.suspicions += len(found)
            self._store.append([], found, offsets={})

    def _learn(self, now: float) -> None:
        hours: defaultdict[str, dict[int, float]] = defaultdict(dict)
        for row in self._store.query("hours", {"since": now - HISTORY_S, "until": now}):
            hours[row["caller"]][int(row["hour"])] = float(row["requests"])
        self._watch.learn({caller: fitted(counts, now) for caller, counts in hours.items()})
        self._learned_at = now

    def _comers(self, now: float) -> list[Row]:
        return self._store.query("comers", {"since": now - KNOWN_S, "until": now})

    def _settle(self, comers: Sequence[Row], now: float) -> None:
        """Where a caller was first seen today is strange until tomorrow: a stolen key must not make itself at home."""
        homes: defaultdict[str, set[str]] = defaultdict(set)
        for row in comers:
            if row["first_at"] < now - DAY_S:
                homes[row["caller"]].add(row["address"])
        self._watch.settle({caller: frozenset(known) for caller, known in homes.items()})
        self._settled_at = now

    def _remember(self, now: float) -> None:
        self._learn(now)
        comers = self._comers(now)
        for row in comers:
            self._watch.know(row["address"], row["key_id"])
        self._settle(comers, now)
        for row in self._store.query("refused", {"since": now - DAY_S, "until": now}):
            said = {**row, "timings": {"total": row["total_ms"]}}
            self._watch.observe(msgspec.convert(said, TrafficRecord))  # what it says now was said before


def _notice(one: Suspicion) -> DefenceNotice:
    return DefenceNotice(
        id=new_id("notice"),
        at=one.at,
        kind="suspicion",
        subject=one.subject,
        reason=one.family.value,
        facts={**one.facts, "level": float(one.level)},
    )
