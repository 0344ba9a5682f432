"""Verify a round on the same items, close the case by another person, or open the next round."""

from datetime import date
from typing import Any

from gnomon.contract.thresholds import Threshold
from gnomon.contract.verdicts import State
from gnomon.control.approvals.schemas import ApprovalDecided
from gnomon.control.approvals.tables import ApprovalRequest
from gnomon.control.evaluation import actions as evaluation
from gnomon.control.evaluation import queries as runs
from gnomon.control.evaluation import rules as evaluation_rules
from gnomon.control.evaluation.schemas import DecodingIn, NewRun
from gnomon.control.evaluation.tables import Comparison, EvaluationRun
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence import queries as proofs
from gnomon.control.findings import actions as findings
from gnomon.control.people import queries as people
from gnomon.control.remediation import queries, rules
from gnomon.control.remediation.actions.plans import ask, goal_of, guard_of
from gnomon.control.remediation.actions.work import require_frozen
from gnomon.control.remediation.live import Seen
from gnomon.control.remediation.schemas import CaseClosed, NextRound, RoundVerified, StartVerification
from gnomon.control.remediation.tables import Case, Round
from gnomon.control.rulebook import rules as rulebook
from gnomon.kit import services
from gnomon.kit.errors import BadInput, NotReady
from gnomon.kit.work import Work, action, system_action


class MeasuresUnfinished(NotReady):
    """Measures are still under way."""

    code = "measures_unfinished"
    status = 409


@action("case.verify")
def start_verification(work: Work, case_id: str, start: StartVerification) -> EvaluationRun:
    """The baseline's set is put to the candidate, asked in the same way; a run that failed goes on where it stopped.

    It is the round's one look at the sealed set, so whoever asks needs the right to sealed runs as well. Raises
    MeasuresUnfinished, and SecondLook when this round has looked already.
    """
    case = queries.case(work.session, case_id)
    round = queries.current_round(work.session, case)
    work.about("case", case.id, round=round.n, target=start.target_id)
    people.authorise(work.session, work.actor, "evaluation.run_sealed")
    state = rules.advance(case.number, case.state, "verifying")
    if round.verification_run_id:
        return _look_on(work, case, round, start)
    running = [
        measure.key for measure in queries.measures(work.session, case.id, round.n) if measure.state == "running"
    ]
    if running:
        raise MeasuresUnfinished(
            f"The measures {', '.join(running)} are still under way.", next_step="Finish them first.", running=running
        )
    peeked = queries.peeks(work.session, case, round)
    if peeked:
        raise _second_look(case, peeked)
    before = runs.run(work.session, round.baseline_run_id)
    new = NewRun(
        suite_id=before.suite_id,
        model=case.model,
        target_id=start.target_id,
        purpose="verification",
        decoding=DecodingIn(**before.decoding),
        concurrency=start.concurrency,
    )
    run = evaluation.request_sealed_run(work, new)
    _require_candidate(work, case, run)
    case.state, round.verification_run_id = state, run.id
    return run


def _look_on(work: Work, case: Case, round: Round, start: StartVerification) -> EvaluationRun:
    """The round's own run, taken up again after it failed: the same look, the same answers so far."""
    run = runs.run(work.session, round.verification_run_id)
    if run.state != "failed" or run.target_id != start.target_id:
        raise _second_look(case, [run.id])
    return evaluation.resume_run(work, run.id)


def _require_candidate(work: Work, case: Case, run: EvaluationRun) -> None:
    made = queries.candidate_versions(work.session, case)
    if made and run.version_id not in made:
        raise BadInput(
            f"The target {run.target_id} serves {run.version_id}, which no measure of this round made.",
            next_step=f"Name the target of {', '.join(sorted(made))}.",
        )


def _second_look(case: Case, looks: list[str]) -> rules.SecondLook:
    return rules.SecondLook(
        f"The sealed set was looked at with a candidate of this round of {case.number} already ({looks[0]}).",
        next_step="Judge what that run showed, or open the next round.",
        looks=looks,
    )


@action("case.verify")
def verify_round(work: Work, case_id: str, *, seen: Seen) -> Round:
    """The round has its verdict: met, not_met, insufficient, or invalid when its run came before the freeze.

    The run is the one that `start_verification` asked for, and no other. `seen`: its live traffic (`live.look`).
    """
    case = queries.case(work.session, case_id)
    round = queries.current_round(work.session, case)
    work.about("case", case.id, round=round.n, run=round.verification_run_id)
    state = rules.advance(case.number, case.state, "verified")
    require_frozen(work, case, round)
    if (seen.round_id, seen.run_id) != (round.id, round.verification_run_id):
        raise rules.CaseStateConflict(
            f"The case {case.number} went on while its traffic was read.", next_step="Ask for the verdict again."
        )
    run = runs.run(work.session, round.verification_run_id)
    evaluation_rules.require_completed(run.id, run.state)
    _require_candidate(work, case, run)
    judged = _judge(work, case, round, run, seen)
    round.verdict, round.verification = judged["verdict"], judged
    round.state, round.verified_by, round.verified_at = "verified", work.actor.id, work.now
    case.state = state
    proof = _prove_verification(work, case, round, run)
    round.verification = judged | {"evidence_id": proof}
    work.about("case", case.id, verdict=round.verdict)
    work.emit(RoundVerified(case.id, round.id, round.verdict, proof))
    return round


@action("case.close")
def request_closure(work: Work, case_id: str, *, comment: str) -> ApprovalRequest:
    """The closure waits for the word of a person who neither asked for it, nor owns, planned or verified the case.

    There is no other way to close one.
    """
    case = queries.case(work.session, case_id)
    round = queries.current_round(work.session, case)
    work.about("case", case.id, round=round.n)
    content = {
        "case": case.number,
        "round": round.n,
        "verdict": round.verdict,
        "deviations": round.verification.get("deviations", []),
        "verification": round.verification.get("evidence_id", ""),
        "version": queries.verified_version(work.session, round),
        "comment": comment,
    }
    hands = queries.hands(case, round)
    roles = {"author": {work.actor.id}, "executor": set(hands), "owner": {case.owner_id}}
    # The conditions are checked when somebody decides; a request for what cannot be is refused at once all the same.
    rules.check_closing(_closing(work, case, round, actor_id="somebody else"))
    return ask(work, "closure", subject_id=case.id, title=f"{case.number} {case.title}", content=content, roles=roles)


@system_action("case.closure_decided")
def closure_decided(work: Work, event: ApprovalDecided) -> None:
    """Whoever gave the last yes has closed the case; a no leaves it verified. The conditions must still hold."""
    case = queries.case(work.session, event.subject_id)
    work.about("case", case.id, approved=event.approved)
    if event.approved and case.state != "closed":
        _close(work, case, comment=f"approval {event.request_id}")


@action("case.plan")
def open_next_round(work: Work, case_id: str, next_round: NextRound) -> Case:
    """The case goes on, or gives its present round up; what is not met is carried into the next round."""
    case = queries.case(work.session, case_id)
    round = queries.current_round(work.session, case)
    work.about("case", case.id, round=round.n, verdict=round.verdict)
    case.state = rules.advance(case.number, case.state, "next_round")
    states = {name: State(state) for name, state in round.verification.get("states", {}).items()}
    round.leftovers = [{"what": name, "reason": next_round.reason} for name in rules.unmet(states)]
    return case


def _closing(work: Work, case: Case, round: Round, *, actor_id: str) -> rules.Closing:
    version_id = queries.verified_version(work.session, round)
    return rules.Closing(
        number=case.number,
        state=case.state,
        verdict=round.verdict,
        hands=queries.hands(case, round),
        actor_id=actor_id,
        serves=queries.serves(work.session, model=case.model, version_id=version_id),
    )


def _close(work: Work, case: Case, *, comment: str) -> None:
    round = queries.current_round(work.session, case)
    version_id = queries.verified_version(work.session, round)
    work.about("case", case.id, round=round.n, version=version_id)
    rules.check_closing(_closing(work, case, round, actor_id=work.actor.id))
    require_frozen(work, case, round)
    case.state = rules.advance(case.number, case.state, "closed")
    case.closed_by, case.closed_at = work.actor.id, work.now
    proof = evidence.record(
        work,
        source="remediation.case_closed",
        kind="closure",
        subject=("case", case.id),
        state=State.MET,
        facts={
            "case": case.number,
            "verification": round.verification["evidence_id"],
            "owner": case.owner_id,
            "verified_by": round.verified_by,
            "confirmed_by": work.actor.id,
            "verdict": round.verdict,
            "version": version_id,
            "comment": comment,
        },
    )
    for id in case.finding_ids:
        findings.close_finding(work, id, reason=f"{case.number}: {comment}", evidence_ids=[proof.id], by_case=case.id)
    work.emit(CaseClosed(case.id, proof.id))


def _judge(work: Work, case: Case, round: Round, run: EvaluationRun, seen: Seen) -> dict[str, Any]:
    today = services.today(work.now)
    guards = [guard_of(plain) for plain in rules.guards_of(round.content, "guards", today=today)]
    compared: list[Comparison] = []
    for place, plain in enumerate(round.content["goals"]):
        # Guards are about the same two runs whatever the goal: they are judged once.
        compared.append(
            evaluation.compare(
                work,
                before_run=round.baseline_run_id,
                after_run=run.id,
                goal=goal_of(plain),
                guards=guards if place == 0 else [],
                subject=case.id,
            )
        )
    live = [_live(work, round, plain, seen) for plain in rules.guards_of(round.content, "live_guards", today=today)]
    deviations = rules.in_force(round.content, today=today)
    looser = rules.sentence(deviations)
    goal_states = {f"goal {one.goal['metric']} {one.goal['slice']}".strip(): one.goal_state for one in compared}
    guard_states = {
        f"guard {one['guard']['metric']} {one['guard']['slice']}".strip(): one["state"]
        for one in compared[0].result["guards"]
    }
    live_states = {f"live {one.indicator}": one.state.value for one in live}
    verdict = rules.verdict(
        goals=[State(state) for state in goal_states.values()],
        guards=[State(state) for state in guard_states.values()],
        live=[one.state for one in live],
        frozen_at=round.frozen_at,
        run_requested_at=run.requested_at,
        plan_intact=queries.is_intact(round),
    )
    return {
        "verdict": verdict,
        "run": run.id,
        "comparisons": [one.id for one in compared],
        "states": goal_states | guard_states | live_states,
        "live": [one.as_dict() for one in live],
        "deviations": deviations,
        "looks": {"this_round": 1, "ever": runs.suite(work.session, run.suite_id).looks},
        "sentences": [
            {language: text + looser[language] for language, text in one.result["sentence"].items()} for one in compared
        ],
    }


def _live(work: Work, round: Round, plain: dict[str, Any], seen: Seen) -> rules.LiveResult:
    if plain["evidence_source"]:
        return _by_evidence(work, round, plain)
    if seen.unmeasured:
        return rules.LiveResult(plain["indicator"], State.NOT_MEASURED, {"reason": seen.unmeasured})
    limit = Threshold(**(plain["threshold"] | {"effective": date.fromisoformat(plain["threshold"]["effective"])}))
    success = rulebook.load().success_rule
    return rules.live_result(
        limit, outcomes=seen.outcomes, p95_ms=seen.p95_ms, failures=success.failures, ignored=success.excluded
    )


def _by_evidence(work: Work, round: Round, plain: dict[str, Any]) -> rules.LiveResult:
    source = plain["evidence_source"]
    newest = proofs.newest(work.session, [source]).get(source)
    if newest is None or newest.made_at <= round.frozen_at:
        return rules.LiveResult(plain["indicator"], State.NOT_MEASURED, {"evidence_source": source})
    return rules.LiveResult(plain["indicator"], State(newest.state), {"evidence_source": source, "evidence": newest.id})


def _prove_verification(work: Work, case: Case, round: Round, run: EvaluationRun) -> str:
    judged = round.verification
    first = runs.comparison(work.session, judged["comparisons"][0])
    effect = first.result["effect"]
    by_verdict = {"met": State.MET, "not_met": State.NOT_MET, "insufficient": State.INSUFFICIENT}
    return evidence.record(
        work,
        source="remediation.round_verified",
        kind="paired_comparison",
        subject=("case", case.id),
        state=by_verdict.get(round.verdict, State.NOT_MET),
        facts={
            "case": case.number,
            "round": round.n,
            "before": round.baseline_run_id,
            "after": run.id,
            "suite_hash": run.suite_sha256,
            "environment": run.environment,
            "n": first.result["n"],
            "values": [first.result["before"]["estimate"], first.result["after"]["estimate"]],
            "effect": effect["estimate"],
            "interval": [effect["low"], effect["high"]],
            "test": first.result["test"],
            "verdict": round.verdict,
            "states": judged["states"],
            "comparisons": judged["comparisons"],
            "deviations": judged["deviations"],
            "looks": judged["looks"],
            "frozen_sha256": round.frozen_sha256,
            "version": run.version_id,
        },
    ).id
