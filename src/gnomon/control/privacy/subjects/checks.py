"""Checks of the rights of persons: whether requests are answered in time."""

from gnomon.control.privacy.subjects import queries, rules
from gnomon.control.rulebook.checks import CheckContext, CheckResult, check


@check("privacy.rights_requests_in_time")
def rights_requests_in_time(ctx: CheckContext) -> CheckResult | None:
    """Requests past their time: those still open, and those that ended late within the window. None without any."""
    rows = [row for row in queries.requests(ctx.session) if row.ended_at is None or row.ended_at >= ctx.since]
    if not rows:
        return None
    late = [row for row in rows if rules.is_late(due_at=row.due_at, ended_at=row.ended_at, now=ctx.now)]
    facts = {
        "requests": len(rows),
        "open": sum(row.ended_at is None for row in rows),
        "late": sorted(row.number for row in late),
        "by_state": {state: sum(row.state == state for row in rows) for state in sorted({row.state for row in rows})},
    }
    return CheckResult(n=len(rows), value=float(len(late)), numerator=len(late), denominator=len(rows), facts=facts)
