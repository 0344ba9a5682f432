"""Changes: alerts open, close and are acknowledged; what was measured is kept, and goes when its period is over.

Samples and judgements are kept without an audit row: they are what was seen, not what somebody did, and twenty
thousand rows a day would bury the deeds. An alert is a deed of the platform and goes through an action like any other.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.monitoring import queries
from gnomon.control.monitoring.schemas import AlertClosed, AlertOpened, Evaluation, HostUse, Point
from gnomon.control.monitoring.tables import Alert, Budget, HostSample, RuleRun, SloPoint
from gnomon.kit.errors import Conflict
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action, system_action


@system_action("alert.open")
def open_alert(work: Work, found: Evaluation) -> Alert:
    """The alert is open, with the judgement that opened it and a first diagnosis where one can be made.

    An alert that is open already stays as it is.
    """
    is_open = queries.open_alert(work.session, rule=found.rule, model=found.model, host=found.host)
    if is_open:
        work.about("alert", is_open.id)
        return is_open
    alert = Alert(
        id=new_id("alert"),
        rule=found.rule,
        model=found.model,
        host=found.host,
        topic=found.topic.value,
        severity=found.severity,
        facts=found.facts,
        diagnosis=found.diagnosis.as_dict() if found.diagnosis else {},
        opened_at=work.now,
    )
    work.session.add(alert)
    work.session.flush()
    work.about("alert", alert.id, rule=alert.rule, model=alert.model, host=alert.host, severity=alert.severity)
    if found.diagnosis:
        _prove_diagnosis(work, alert)
    work.emit(AlertOpened(alert.id, alert.rule, alert.model, alert.host, alert.severity, alert.opened_at))
    return alert


@system_action("alert.close")
def close_alert(work: Work, alert_id: str, found: Evaluation) -> Alert:
    """The rule is met again. Raises Conflict on an alert that is closed."""
    alert = queries.alert(work.session, alert_id)
    work.about("alert", alert.id, rule=alert.rule, state=found.state.value)
    if alert.closed_at:
        raise Conflict(f"The alert {alert.id} is closed already.")
    alert.closed_at = work.now
    alert.facts = alert.facts | {"closed_by": found.facts}
    work.emit(AlertClosed(alert.id, alert.rule, alert.model, alert.host))
    return alert


@system_action("alert.close")
def drop_alert(work: Work, alert_id: str, *, reason: str) -> Alert:
    """The alert is closed, for `reason`: nothing will judge its rule again. A closed one stays as it is."""
    alert = queries.alert(work.session, alert_id)
    work.about("alert", alert.id, rule=alert.rule, reason=reason)
    if alert.closed_at:
        return alert
    alert.closed_at = work.now
    alert.facts = alert.facts | {"closed_by": {"reason": reason}}
    work.emit(AlertClosed(alert.id, alert.rule, alert.model, alert.host))
    return alert


@action("alert.acknowledge")
def acknowledge(work: Work, alert_id: str, *, note: str) -> Alert:
    """Somebody has the alert in hand; it stays open until the rule is met again."""
    alert = queries.alert(work.session, alert_id)
    work.about("alert", alert.id, rule=alert.rule)
    if alert.acknowledged_by:
        raise Conflict(f"The alert {alert.id} is in the hands of {alert.acknowledged_by}.", next_step="Talk to them.")
    alert.acknowledged_by, alert.acknowledged_at, alert.note = work.actor.id, work.now, note
    return alert


@system_action("slo.purge")
def purge(work: Work, *, before: datetime) -> dict[str, int]:
    """Judgements and samples from before then are gone; returns how many of each. Alerts and evidence stay."""
    gone = {}
    for table in (SloPoint, HostSample, RuleRun, Budget):
        result = work.session.execute(delete(table).where(table.at < before))
        gone[table.__tablename__] = int(result.rowcount)  # type: ignore[attr-defined]
    work.about("telemetry", before.isoformat(), **gone)
    return gone


def keep_round(session: Session, points: Sequence[Point], evaluations: Sequence[Evaluation], *, at: datetime) -> None:
    """What a round found is in `session`; the caller commits."""
    for point in points:
        session.add(
            SloPoint(
                id=new_id("slo"),
                objective=point.objective,
                model=point.model,
                at=at,
                state=point.judgement["state"],
                value=point.judgement["value"],
                n=point.judgement["n"],
                judgement=point.judgement,
            )
        )
    for one in evaluations:
        session.merge(
            RuleRun(
                rule=one.rule,
                model=one.model,
                host=one.host,
                topic=one.topic.value,
                at=at,
                state=one.state.value,
                facts=one.facts,
            )
        )


def keep_sample(session: Session, use: HostUse, *, at: datetime) -> None:
    """The sample is in `session`; the caller commits."""
    plain = asdict(use) | {"servers": [asdict(server) for server in use.servers]}
    session.add(HostSample(id=new_id("sample"), at=at, **plain))


def _prove_diagnosis(work: Work, alert: Alert) -> None:
    found = alert.diagnosis
    evidence.record(
        work,
        source="monitoring.fault_diagnosed",
        kind="diagnosis",
        subject=("alert", alert.id),
        state=State.MET,
        facts={
            "alert": alert.id,
            "rule": alert.rule,
            "model": alert.model,
            "fault": found["fault"],
            "counts": found["counts"],
            "confidence": found["confidence"],
            "share": found["share"],
        },
    )
