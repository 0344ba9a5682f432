"""Figures of live traffic, asked of the record store.

The platform's own requests (functional tests, evaluations) are left out: what was promised was promised to callers.
They are told by the caller of the platform's own key, not by a tag, which any caller could set to hide from the ratio.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from gnomon.contract.bundle import SuccessRule
from gnomon.control.access.schemas import OWN_CALLER
from gnomon.control.rulebook.schemas import Objective


class Records(Protocol):
    """The record store as the control plane sees it (`backends.records_client`)."""

    def query(self, name: str, **params: Any) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Ratio:
    """`good` of `n`; no value where nothing was seen."""

    good: int
    n: int

    @property
    def value(self) -> float | None:
        return self.good / self.n if self.n else None

    @property
    def bad(self) -> int:
        return self.n - self.good

    def __add__(self, other: "Ratio") -> "Ratio":
        return Ratio(self.good + other.good, self.n + other.n)


@dataclass(frozen=True, slots=True)
class Figures:
    """Questions about live traffic over `since <= at < until`; `rule` says which outcomes are failures."""

    records: Records
    rule: SuccessRule

    def outcomes(self, since: datetime, until: datetime, *, model: str | None = None) -> dict[str, int]:
        """Requests by outcome."""
        rows = self.records.query("totals", **_asked(since, until, model))
        return {str(row["outcome"]): int(row["requests"]) for row in rows}

    def success(self, since: datetime, until: datetime, *, model: str | None = None) -> Ratio:
        return succeeded(self.outcomes(since, until, model=model), self.rule)

    def within(self, objective: Objective, since: datetime, until: datetime, *, model: str) -> Ratio:
        """How many answers kept the objective's promise: those that succeeded, or those that came in time."""
        if objective.measure == "outcome":
            return self.success(since, until, model=model)
        how = {"limit_ms": objective.limit_ms, "stream": objective.streaming}
        (row,) = self.records.query("latency", **_asked(since, until, model), **how)
        if objective.measure == "first_token":
            return Ratio(int(row["n_first_token_within"]), int(row["n_first_token"]))
        return Ratio(int(row["n_within"]), int(row["n"]))

    def timed(self, since: datetime, until: datetime) -> Ratio:
        """How many requests have the times that a record must have; all callers."""
        (row,) = self.records.query("timing", since=since.timestamp(), until=until.timestamp())
        return Ratio(int(row["timed"]), int(row["requests"]))

    def busiest_minutes(
        self, by: str, since: datetime, until: datetime, *, subject: str | None = None
    ) -> dict[str, tuple[datetime, int]]:
        """Of each key, team or model the minute in which most of its requests went to a model server, and how many."""
        span = {"since": since.timestamp(), "until": until.timestamp()}
        rows = self.records.query("busiest_minute", **span, by=by, subject=subject)
        return {str(row["subject"]): (datetime.fromtimestamp(row["minute"], UTC), int(row["served"])) for row in rows}

    def most_at_once(
        self, by: str, since: datetime, until: datetime, *, subject: str | None = None
    ) -> dict[str, tuple[datetime, int]]:
        """Of each key, team or model the moment at which most of its requests were being answered, and how many."""
        span = {"since": since.timestamp(), "until": until.timestamp()}
        rows = self.records.query("most_at_once", **span, by=by, subject=subject)
        return {str(row["subject"]): (datetime.fromtimestamp(row["moment"], UTC), int(row["served"])) for row in rows}

    def spent(
        self, by: str, since: datetime, until: datetime, *, subject: str, stretch_s: float, origin: datetime
    ) -> list[tuple[datetime, int, float]]:
        """(start, tokens, cost) of each stretch counted from `origin`.

        What a request used that had not ended when the last one of the stretch was let in, no limit could know of yet.
        """
        span = {"since": since.timestamp(), "until": until.timestamp(), "by": by, "subject": subject}
        rows = self.records.query("spent", **span, stretch_s=stretch_s, origin=origin.timestamp())
        return [(datetime.fromtimestamp(row["start"], UTC), int(row["tokens"]), float(row["cost"])) for row in rows]

    def models(self, since: datetime, until: datetime) -> dict[str, int]:
        """Requests that reached a model server, by model; all callers."""
        found: dict[str, int] = {}
        for row in self.records.query("by_target", since=since.timestamp(), until=until.timestamp()):
            found[str(row["model"])] = found.get(str(row["model"]), 0) + int(row["requests"])
        return found


def succeeded(outcomes: Mapping[str, int], rule: SuccessRule) -> Ratio:
    """The success ratio by the rule: what is excluded counts neither way."""
    counted = {outcome: n for outcome, n in outcomes.items() if outcome not in rule.excluded}
    failed = sum(n for outcome, n in counted.items() if outcome in rule.failures)
    total = sum(counted.values())
    return Ratio(total - failed, total)


def _asked(since: datetime, until: datetime, model: str | None) -> dict[str, Any]:
    return {"since": since.timestamp(), "until": until.timestamp(), "model": model, "not_caller": OWN_CALLER}
