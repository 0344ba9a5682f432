"""Compare two runs, stored and proved."""

from collections.abc import Sequence

from gnomon.contract.verdicts import State
from gnomon.control.evaluation import queries
from gnomon.control.evaluation.tables import Comparison
from gnomon.control.evidence import actions as evidence
from gnomon.engine.stats.compare import Comparison as Compared
from gnomon.engine.stats.goals import Goal, Guard
from gnomon.kit.ids import new_id
from gnomon.kit.work import Work, action


@action("evaluation.compare")
def compare(
    work: Work, *, before_run: str, after_run: str, goal: Goal, guards: Sequence[Guard] = (), subject: str = ""
) -> Comparison:
    """The paired comparison is stored with its evidence. Raises NotComparable when more than the model differs.

    `subject` is the id of the case that asked; the evidence is about it, otherwise about the later run.
    """
    result = queries.compare_runs(work.session, before_run=before_run, after_run=after_run, goal=goal, guards=guards)
    about = ("case", subject) if subject else ("evaluation_run", after_run)
    comparison_id = new_id("comparison")
    work.about("comparison", comparison_id, before=before_run, after=after_run, state=result.state.value)
    artefact = evidence.record(
        work,
        source="evaluation.compared",
        kind="paired_comparison",
        subject=about,
        state=result.state,
        facts=facts_of(result, work=work, before_run=before_run, after_run=after_run) | {"comparison": comparison_id},
    )
    stored = Comparison(
        id=comparison_id,
        before_run=before_run,
        after_run=after_run,
        goal=goal.as_dict(),
        guards=[guard.as_dict() for guard in guards],
        state=result.state.value,
        goal_state=result.goal_state.value,
        result=result.as_dict(),
        evidence_id=artefact.id,
        made_by=work.actor.id,
        made_at=work.now,
    )
    work.session.add(stored)
    work.session.flush()
    _edge_cases(work, result, before_run=before_run, after_run=after_run, about=about)
    return stored


def facts_of(result: Compared, *, work: Work, before_run: str, after_run: str) -> dict[str, object]:
    """What evidence of a paired comparison carries."""
    run = queries.run(work.session, after_run)
    return {
        "before": before_run,
        "after": after_run,
        "version": run.version_id,
        "suite_hash": run.suite_sha256,
        "environment": run.environment,
        "n": result.n,
        "effect": result.effect.estimate,
        "interval": [result.effect.low, result.effect.high],
        "values": [result.before.estimate, result.after.estimate],
        "test": result.test.as_dict(),
        "goal": result.goal.as_dict(),
        "guards": {guard.guard.metric: guard.state.value for guard in result.guards},
        "verdict": result.state.value,
        "sentence": dict(result.sentence),
    }


def _edge_cases(work: Work, result: Compared, *, before_run: str, after_run: str, about: tuple[str, str]) -> None:
    """What was shown to be weak before, each with its state afterwards. Nothing weak: nothing to prove."""
    weak = {part["name"] for part in queries.run(work.session, before_run).slices if part["finding"] == "weaker"}
    rows = [row for row in result.slices if row.name in weak]
    if not rows:
        return
    worse = [row.name for row in rows if row.state == "worse"]
    better = [row.name for row in rows if row.state == "better"]
    facts = facts_of(result, work=work, before_run=before_run, after_run=after_run)
    facts["slices"] = {row.name: row.state for row in rows}
    facts["verdict"] = "worse" if worse else "better" if len(better) == len(rows) else "not_shown"
    state = State.NOT_MET if worse else State.MET
    evidence.record(
        work,
        source="evaluation.edge_cases_repeated",
        kind="paired_comparison",
        subject=about,
        state=state,
        facts=facts,
    )
