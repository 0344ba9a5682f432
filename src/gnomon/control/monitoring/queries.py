"""Reads: how each objective stands, its curve, the alerts, the rules' last runs, the hosts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnomon.contract.verdicts import State
from gnomon.control.catalog import queries as catalog
from gnomon.control.monitoring.measuring import objectives_of
from gnomon.control.monitoring.tables import Alert, Budget, HostSample, RuleRun, SloPoint
from gnomon.control.rulebook.rules import Rulebook
from gnomon.control.rulebook.schemas import Objective
from gnomon.kit.errors import NotFound

MAX_POINTS = 2000  # of a series: more than a page is wide


@dataclass(frozen=True, slots=True)
class ObjectiveStanding:
    """`state` is that of the newest judgement, or not measured when there is none within the objective's window."""

    objective: Objective
    state: State
    point: SloPoint | None
    budget: Budget | None


@dataclass(frozen=True, slots=True)
class ModelStanding:
    model: str
    title: str
    task: str
    objectives: tuple[ObjectiveStanding, ...]
    burns: tuple[RuleRun, ...]
    alerts: tuple[Alert, ...]


def overview(session: Session, book: Rulebook, now: datetime) -> list[ModelStanding]:
    """Every model of the register that is not retired, by name."""
    alerts = open_alerts(session)
    return [
        ModelStanding(
            model.name,
            model.title,
            model.task,
            tuple(_standing(session, one, model.name, now) for one in objectives_of(book, model.task)),
            tuple(_burns(session, model.name)),
            tuple(alert for alert in alerts if alert.model == model.name),
        )
        for model in catalog.models(session)
        if model.stage != "retired"
    ]


def newest_point(session: Session, objective: str, model: str) -> SloPoint | None:
    query = select(SloPoint).where(SloPoint.objective == objective, SloPoint.model == model)
    return session.scalars(query.order_by(SloPoint.at.desc()).limit(1)).first()


def series(session: Session, *, model: str, objective: str, since: datetime) -> list[SloPoint]:
    """The judgements since then, oldest first; where there are too many to draw, evenly spaced ones and the last."""
    query = select(SloPoint).where(SloPoint.model == model, SloPoint.objective == objective, SloPoint.at >= since)
    points = list(session.scalars(query.order_by(SloPoint.at)))
    step = -(-len(points) // MAX_POINTS)
    return points if step <= 1 else [*points[:-1:step], points[-1]]


def budget(session: Session, objective: str, model: str) -> Budget | None:
    return session.get(Budget, (objective, model))


def alert(session: Session, id: str) -> Alert:
    found = session.get(Alert, id)
    if found is None:
        raise NotFound(f"There is no alert {id}.", next_step="Look it up in the list of alerts.")
    return found


def open_alert(session: Session, *, rule: str, model: str, host: str) -> Alert | None:
    query = select(Alert).where(Alert.rule == rule, Alert.model == model, Alert.host == host, Alert.closed_at.is_(None))
    return session.scalars(query.limit(1)).first()


def open_alerts(session: Session) -> list[Alert]:
    """Newest first."""
    return list(session.scalars(select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.opened_at.desc())))


def alerts(session: Session, *, limit: int = 200) -> list[Alert]:
    """Open ones first, then the newest closed ones."""
    query = select(Alert).order_by(Alert.closed_at.is_not(None), Alert.opened_at.desc(), Alert.id.desc())
    return list(session.scalars(query.limit(limit)))


def last_signal(session: Session, topic: str) -> datetime | None:
    """When a rule of this topic last opened an alert."""
    return session.scalar(select(func.max(Alert.opened_at)).where(Alert.topic == topic))


def rule_runs(session: Session, topic: str, *, since: datetime) -> list[RuleRun]:
    query = select(RuleRun).where(RuleRun.topic == topic, RuleRun.at >= since)
    return list(session.scalars(query.order_by(RuleRun.rule, RuleRun.model, RuleRun.host)))


def has_rule_runs(session: Session, topic: str) -> bool:
    return session.scalar(select(func.count()).select_from(RuleRun).where(RuleRun.topic == topic)) != 0


def samples(session: Session, *, since: datetime) -> dict[str, list[HostSample]]:
    """The samples of each host since then, oldest first."""
    found: dict[str, list[HostSample]] = {}
    for sample in session.scalars(select(HostSample).where(HostSample.at >= since).order_by(HostSample.at)):
        found.setdefault(sample.host, []).append(sample)
    return found


def hosts(session: Session) -> list[HostSample]:
    """The newest sample of each host, by name."""
    newest = select(HostSample.host, func.max(HostSample.at).label("at")).group_by(HostSample.host).subquery()
    query = select(HostSample).join(newest, (newest.c.host == HostSample.host) & (newest.c.at == HostSample.at))
    return list({sample.host: sample for sample in session.scalars(query.order_by(HostSample.host))}.values())


def _standing(session: Session, objective: Objective, model: str, now: datetime) -> ObjectiveStanding:
    point = newest_point(session, objective.id, model)
    fresh = point is not None and point.at >= now - timedelta(minutes=objective.window_m)
    state = State(point.state) if point and fresh else State.NOT_MEASURED
    return ObjectiveStanding(objective, state, point, budget(session, objective.id, model))


def _burns(session: Session, model: str) -> list[RuleRun]:
    query = select(RuleRun).where(RuleRun.model == model, RuleRun.rule.startswith("burn-"))
    return list(session.scalars(query.order_by(RuleRun.rule)))
