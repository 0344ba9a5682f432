"""What a round's candidate did in live traffic: read before the verdict, outside its transaction.

The store answers over a socket and may take half a minute: nobody else's change waits for that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gnomon.control.evaluation import queries as runs
from gnomon.control.remediation import queries
from gnomon.kit import services
from gnomon.kit.errors import NotReady, Unavailable


@dataclass(frozen=True, slots=True)
class Seen:
    """Outcomes and the slowest arm's p95 of one run's target between the freeze of the plan and `at`.

    `unmeasured` says why there are none. It is worth something for this round and this run alone.
    """

    round_id: str
    run_id: str
    at: datetime
    outcomes: Mapping[str, int]
    p95_ms: float | None
    unmeasured: str = ""


def look(session: Session, case_id: str, *, at: datetime) -> Seen:
    """The candidate's traffic so far. Raises NotReady before a verification was asked for."""
    round = queries.current_round(session, queries.case(session, case_id))
    if not round.verification_run_id:
        raise NotReady("No verification was asked for in this round.", next_step="Start the verification first.")
    run = runs.run(session, round.verification_run_id)
    if not any(plain.get("threshold") for plain in round.content["live_guards"]):
        return Seen(round.id, run.id, at, {}, None, unmeasured="no guard asks for it")
    target = run.target_id or str(run.environment.get("target", ""))
    span = {"since": round.frozen_at.timestamp(), "until": at.timestamp() + 1}
    try:
        rows = services.get("records").query("by_target", model=run.model, **span)
    except Unavailable as error:
        return Seen(round.id, run.id, at, {}, None, unmeasured=error.message)
    mine = [row for row in rows if row["target"] == target]
    return Seen(round.id, run.id, at, _outcomes(mine), _slowest(mine))


def _outcomes(rows: list[dict[str, Any]]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for row in rows:
        for outcome, n in row["outcomes"].items():
            counted[outcome] = counted.get(outcome, 0) + int(n)
    return counted


def _slowest(rows: list[dict[str, Any]]) -> float | None:
    # Arms of one target (with and without canary) are judged by the slower one: p95 values cannot be added.
    return max((float(row["p95"]) for row in rows if row["p95"] is not None), default=None)
