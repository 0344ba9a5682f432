"""What evaluation keeps of its own rules: figures with intervals, looks counted, like compared with like."""

from sqlalchemy import select

from gnomon.control.evaluation import queries, rules
from gnomon.control.evaluation.tables import Comparison, EvaluationRun, Look
from gnomon.control.rulebook.checks import CheckContext, CheckResult, check, gate, register

PURPOSES = ("development", "validation", "test")


@check("evaluation.figures_without_interval")
def figures_without_interval(context: CheckContext) -> CheckResult | None:
    runs = _completed(context)
    bare = [run.id for run in runs if rules.figures_without_interval(run.scores)]
    return gate("every figure has an interval", examined=len(runs), broken=bare)


@check("evaluation.sealed_uses_counted")
def sealed_uses_counted(context: CheckContext) -> CheckResult | None:
    looked = set(context.session.scalars(select(Look.id)))
    sealed = {suite.id for suite in queries.suites(context.session) if suite.sealed}
    runs = [run for run in _completed(context) if run.suite_id in sealed]
    uncounted = [run.id for run in runs if run.id not in looked]
    return gate("every run on a sealed set is a counted look", examined=len(runs), broken=uncounted)


@check("evaluation.incomparable_compared")
def incomparable_compared(context: CheckContext) -> CheckResult | None:
    pairs = list(context.session.scalars(select(Comparison)))
    unlike = [pair.id for pair in pairs if not _is_alike(context, pair)]
    return gate("only what differs in the model alone is compared", examined=len(pairs), broken=unlike)


@check("evaluation.suites_versioned")
def suites_versioned(context: CheckContext) -> CheckResult | None:
    """Every suite named by its content, with source and licence, and one of each purpose."""
    suites = queries.suites(context.session)
    missing: dict[str, list[str]] = {
        suite.name: [
            part
            for part, is_there in (
                ("sha256", len(suite.sha256) == 64),
                ("source", bool(suite.source)),
                ("licence", bool(suite.licence)),
            )
            if not is_there
        ]
        for suite in suites
    }
    unserved = sorted(set(PURPOSES) - {suite.purpose for suite in suites})
    return register("suites", entries=len(suites), missing=missing | {"(register)": unserved})


def _completed(context: CheckContext) -> list[EvaluationRun]:
    return list(context.session.scalars(select(EvaluationRun).where(EvaluationRun.state == "completed")))


def _is_alike(context: CheckContext, pair: Comparison) -> bool:
    runs = (queries.run(context.session, id) for id in (pair.before_run, pair.after_run))
    before, after = (queries.comparable_of(run) for run in runs)
    return before == after and None not in before.values()
