"""What the worker does by the clock: measure, look at the host, throw away what is past its period."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gnomon.control.catalog import queries as catalog
from gnomon.control.monitoring import actions, measuring, queries, rules, sampling
from gnomon.control.monitoring.schemas import Evaluation
from gnomon.control.monitoring.tables import Budget
from gnomon.control.rulebook.rules import Rulebook, load
from gnomon.control.rulebook.schemas import Objective
from gnomon.control.traffic.figures import Figures
from gnomon.kit import services
from gnomon.kit.jobs import JobContext, job


@job("monitoring.measure", every=timedelta(seconds=15))
def measure(ctx: JobContext) -> None:
    """Every objective and rule is judged; alerts that broke or were met again are opened and closed."""
    book, now = load(), ctx.platform.clock.now()
    figures = Figures(services.get("records"), book.success_rule)
    with ctx.read() as session:
        found = _round(session, figures, book, now)
        budgets = _budgets(session, figures, book, now)
    with ctx.platform.database.session() as session:
        actions.keep_round(session, found.points, found.evaluations, at=now)
        for budget in budgets:
            session.merge(budget)
        session.commit()
    _signal(ctx, found.evaluations)
    _drop_retired(ctx)


@job("monitoring.sample_host", every=timedelta(seconds=15))
def sample_host(ctx: JobContext) -> None:
    use = sampling.sample(services.settings().home)
    with ctx.platform.database.session() as session:
        actions.keep_sample(session, use, at=ctx.platform.clock.now())
        session.commit()


@job("monitoring.purge", every=timedelta(days=1))
def purge(ctx: JobContext) -> None:
    """Nothing is kept longer than the longest period of an objective: what mattered of it is in alerts and evidence."""
    longest = max(objective.objective_d for objective in load().slo.objectives)
    with ctx.work() as work:
        actions.purge(work, before=ctx.platform.clock.now() - timedelta(days=longest))


def _round(session: Session, figures: Figures, book: Rulebook, now: datetime) -> measuring.Round:
    found = measuring.Round()
    found.evaluations += measuring.hosts(queries.samples(session, since=now - measuring.HOST_WINDOW), book)
    saturated = measuring.saturated(found.evaluations)
    for model in catalog.models(session):
        if model.stage == "retired":
            continue
        one = measuring.ModelMeasuring(figures, book, model.name, model.task, now, saturated).run()
        found.points += one.points
        found.evaluations += one.evaluations
    return found


def _budgets(session: Session, figures: Figures, book: Rulebook, now: datetime) -> list[Budget]:
    """Budgets that are due: a period of thirty days need not be counted every fifteen seconds."""
    return [
        Budget(
            objective=objective.id,
            model=model.name,
            at=now,
            facts=measuring.budget(figures, book, objective, model=model.name, now=now),
        )
        for model in catalog.models(session)
        if model.stage != "retired"
        for objective in measuring.objectives_of(book, model.task)
        if _is_due(session, objective, model.name, now)
    ]


def _is_due(session: Session, objective: Objective, model: str, now: datetime) -> bool:
    last = queries.budget(session, objective.id, model)
    return last is None or last.at <= now - timedelta(minutes=objective.window_m)


def _signal(ctx: JobContext, evaluations: Sequence[Evaluation]) -> None:
    with ctx.read() as session:
        known = {(alert.rule, alert.model, alert.host): alert.id for alert in queries.open_alerts(session)}
    for found in evaluations:
        alert_id = known.get((found.rule, found.model, found.host), "")
        verb = rules.change(found.state, is_open=bool(alert_id))
        if verb == "none":
            continue
        with ctx.work() as work:
            if verb == "open":
                actions.open_alert(work, found)
            else:
                actions.close_alert(work, alert_id, found)


def _drop_retired(ctx: JobContext) -> None:
    """No rule of a retired model is judged any more, so that none could be met again: its alerts are closed."""
    with ctx.read() as session:
        retired = {model.name for model in catalog.models(session) if model.stage == "retired"}
        moot = [alert.id for alert in queries.open_alerts(session) if alert.model in retired]
    for alert_id in moot:
        with ctx.work() as work:
            actions.drop_alert(work, alert_id, reason="model_retired")
