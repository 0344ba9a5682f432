"""Candidates, canaries, full releases, and the way back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gnomon.contract.traffic import DefenceNotice
from gnomon.contract.verdicts import State
from gnomon.control.approvals import queries as approval_queries
from gnomon.control.catalog import queries as catalog
from gnomon.control.deployments import actions, queries, rules
from gnomon.control.deployments.actions.canaries import BadGateEvidence
from gnomon.control.deployments.schemas import ReleaseRequest
from gnomon.control.deployments.tables import Release
from gnomon.control.evidence import actions as evidence_actions
from gnomon.control.evidence import queries as evidence
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import Conflict, Denied, NotFound
from gnomon.kit.work import Actor
from tests.fakes.catalog import add_adapter
from tests.unit.deployments.conftest import Company, PutAway, found, put_away

RULES = [{"indicator": "error_ratio", "limit": 0.05, "min_requests": 20}]


def proof(
    company: Company, version: str, *, state: State = State.MET, source: str = "evaluation.compared", **more: str
) -> str:
    facts = {"version": version, "after": "run_1"} | more
    return str(
        company.do(
            "system",
            evidence_actions.record,
            source=source,
            kind="paired_comparison",
            subject=("run", "run_1"),
            state=state,
            facts=facts,
        ).id
    )


def ask(company: Company, evidence_id: str) -> Release:
    asked = ReleaseRequest.model_validate(
        {"model": "reviews", "to_target": "lora-1", "evidence_id": evidence_id, "share": 0.2, "watch_s": 60,
         "min_requests": 20, "rules": RULES}
    )  # fmt: skip
    release: Release = company.do("wei", actions.request_release, asked)
    return release


@dataclass(frozen=True)
class Candidate:
    company: PutAway
    version: str


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    """A tested candidate beside a live base."""
    with pytest.MonkeyPatch.context() as patch:
        company = found(tmp_path_factory.mktemp("candidate"), patch)
        id = company.deploy()
        with company.platform.read() as session:
            base = queries.deployment(session, id).version_id
        adapter = add_adapter(company.platform, base)
        company.do("wei", actions.add_candidate, "reviews", adapter)
        company.run()
        return Candidate(put_away(company), adapter)


@pytest.fixture
def company(candidate: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    made = found(tmp_path, monkeypatch, again=candidate.company)
    yield made
    made.platform.database.close()


@pytest.fixture
def version(candidate: Candidate) -> str:
    return candidate.version


def release_now(company: Company, id: str) -> Release:
    with company.platform.read() as session:
        return queries.release(session, id)


def weights(company: Company) -> dict[str, float]:
    with company.platform.read() as session:
        (route,) = queries.routes(session)
    return {target.id: target.weight for target in route.targets}


def started(company: Company, version: str) -> Release:
    release = ask(company, proof(company, version))
    company.approve("release", release.id, "lin", "bai")
    company.do("wei", actions.start_canary, release.id)
    return release


def releases(company: Company) -> list[Release]:
    with company.platform.read() as session:
        return queries.releases(session)


def row(target: str, canary: str, requests: int) -> dict[str, Any]:
    return {"target": target, "canary": canary, "requests": requests, "outcomes": {"ok": requests}, "p95": 100.0}


def seen(company: Company, base: int, candidate: int, *, after_s: float = 61) -> None:
    canary = next((r.id for r in releases(company) if r.state == "canary"), "")
    company.records.rows = [row("base-1", "", base), row("lora-1", canary, candidate), row("lora-1", "", 600)]
    clock = company.platform.clock
    assert isinstance(clock, FakeClock)
    clock.advance(timedelta(seconds=after_s))


def test_a_candidate_answers_without_traffic_and_is_tested(company: Company, version: str) -> None:
    with company.platform.read() as session:
        (candidate,) = queries.candidates(session)
        sources = {p.source: p.state for p in evidence.about(session, "candidate", candidate.id)}
    assert (candidate.state, candidate.target_id) == ("tested", "lora-1")
    assert weights(company) == {"base-1": 1.0, "lora-1": 0.0}
    assert sources["deployments.functional_test_boundary"] == "met"
    assert "reviews-lora-1" in company.network.served


def test_an_adapter_that_does_not_fit_says_why(company: Company, version: str) -> None:
    with company.platform.read() as session:
        base = catalog.version(session, version).base_id
    company.network.refuse_adapter = True
    misfit = add_adapter(company.platform, base, label="lora-2", fill=2)
    company.do("wei", actions.add_candidate, "reviews", misfit)
    company.run()
    with company.platform.read() as session:
        (candidate,) = [one for one in queries.candidates(session) if one.version_id == misfit]
    assert candidate.state == "load_failed"
    assert "does not fit" in candidate.steps[-1]["note"]


def test_the_gate_opens_only_for_intact_met_evidence_about_this_version(company: Company, version: str) -> None:
    for bad in (proof(company, version, state=State.NOT_MET), proof(company, "version_other")):
        with pytest.raises(BadGateEvidence):
            ask(company, bad)
    altered = proof(company, version)
    with company.platform.database.session() as session:
        evidence.artefact(session, altered).facts = {"version": version, "more": 1}
        session.commit()
    with pytest.raises(BadGateEvidence, match="altered"):
        ask(company, altered)


@pytest.mark.parametrize("source", ["remediation.round_verified", "evaluation.compared"])
def test_a_verdict_of_a_round_or_a_comparison_opens_the_gate(company: Company, version: str, source: str) -> None:
    assert ask(company, proof(company, version, source=source)).state == "requested"


@pytest.mark.parametrize(
    "source",
    ["catalog.model_checked", "deployments.functional_test_normal", "evaluation.completed", "tuning.completed"],
)
def test_what_only_mentions_the_version_opens_no_gate(company: Company, version: str, source: str) -> None:
    with pytest.raises(BadGateEvidence, match="no verdict"):
        ask(company, proof(company, version, source=source))


def test_a_verdict_on_another_version_that_mentions_this_one_opens_no_gate(company: Company, version: str) -> None:
    with pytest.raises(BadGateEvidence, match="not about"):
        ask(company, proof(company, "version_other", before=version, target="lora-1"))


def test_a_verdict_from_before_the_version_was_checked_opens_no_gate(company: Company, version: str) -> None:
    with company.platform.database.session() as session:
        catalog.version(session, version).checked_at = company.platform.clock.now() + timedelta(seconds=1)
        session.commit()
    with pytest.raises(BadGateEvidence, match="older"):
        ask(company, proof(company, version))


def test_no_canary_without_approval_and_none_by_who_approved(company: Company, version: str) -> None:
    release = ask(company, proof(company, version))
    with pytest.raises(approval_queries.NotApproved):
        company.do("wei", actions.start_canary, release.id)
    company.approve("release", release.id, "lin", "bai")
    with pytest.raises(Denied):
        company.do("lin", actions.start_canary, release.id)
    company.do("wei", actions.start_canary, release.id)
    with company.platform.read() as session:
        (route,) = queries.routes(session)
    assert route.canary is not None
    assert (route.canary.id, route.canary.target, route.canary.share) == (release.id, "lora-1", 0.2)
    assert route.canary.rules[0].limit == 0.05
    with pytest.raises(Conflict):
        ask(company, proof(company, version))


def test_full_release_needs_the_window_and_both_arms(company: Company, version: str) -> None:
    release = started(company, version)
    with pytest.raises(rules.WatchOpen):
        company.do("lin", actions.full_release, release.id)
    seen(company, 100, 19)
    with pytest.raises(rules.WatchOpen):
        company.do("lin", actions.full_release, release.id)
    seen(company, 100, 20)
    company.do("lin", actions.full_release, release.id)
    assert weights(company) == {"base-1": 0.0, "lora-1": 1.0}
    with company.platform.read() as session:
        (watched,) = evidence.about(session, "release", release.id)[-1:]
    assert (watched.source, watched.state, watched.facts["outcome"]) == ("deployments.canary_watched", "met", "full")
    assert watched.facts["arms"]["lora-1"]["requests"] == 20


@pytest.mark.parametrize("login", ["lin", "shen"])
def test_a_slow_record_store_or_gateway_holds_up_no_other_change(company: Company, version: str, login: str) -> None:
    """Whoever asks: while the answer is awaited, the database takes other people's changes."""
    release = started(company, version)
    seen(company, 100, 100)
    during: list[str] = []

    def change_something(**_: Any) -> list[dict[str, Any]]:
        with company.platform.database.session() as session:
            session.execute(text("UPDATE deployments_release SET share = share"))
            session.commit()
        during.append("changed")
        return company.records.rows

    company.records.query = lambda name, **params: change_something(**params)  # type: ignore[method-assign]
    company.do(login, actions.full_release, release.id)
    company.network.on_readyz = change_something
    company.do(login, actions.roll_back, "reviews", reason="drill")
    assert during == ["changed", "changed"]


def test_who_may_not_promote_asks_the_records_nothing(company: Company, version: str) -> None:
    release = started(company, version)
    asked: list[str] = []
    company.records.query = lambda name, **_: asked.append(name) or []  # type: ignore[method-assign,func-returns-value]
    stranger = Actor(id="x", name="x", posts=frozenset())
    with pytest.raises(Denied), company.platform.work(stranger) as work:
        actions.full_release(work, release.id)
    assert asked == []


def test_a_canary_that_ended_while_the_records_were_asked_is_not_promoted(company: Company, version: str) -> None:
    release = started(company, version)
    seen(company, 100, 100)

    def abort(name: str, **_: Any) -> list[dict[str, Any]]:
        company.do("rong", actions.abort_release, release.id, reason="complaints")
        return company.records.rows

    company.records.query = abort  # type: ignore[method-assign]
    with pytest.raises(rules.WrongState):
        company.do("lin", actions.full_release, release.id)
    assert weights(company) == {"base-1": 1.0, "lora-1": 0.0}


def test_a_retreat_of_the_gateway_is_remembered_and_ends_the_release(company: Company, version: str) -> None:
    release = started(company, version)
    notice = DefenceNotice(id="n1", at=0.0, kind="canary_retreat", subject=release.id, reason="error_ratio 0.2 > 0.05")
    company.do("system", actions.note_retreat, notice)
    company.do("system", actions.note_retreat, notice)
    assert release_now(company, release.id).state == "retreated"
    with company.platform.read() as session:
        (route,) = queries.routes(session)
        outcomes = [p.facts["outcome"] for p in evidence.about(session, "release", release.id) if p.kind == "release"]
    assert route.canary is None
    assert outcomes == ["retreated"]
    seen(company, 100, 100)
    with pytest.raises(rules.WrongState):
        company.do("lin", actions.full_release, release.id)


def test_an_aborted_canary_gives_its_share_back(company: Company, version: str) -> None:
    release = started(company, version)
    company.do("rong", actions.abort_release, release.id, reason="complaints")
    assert release_now(company, release.id).state == "aborted"
    assert weights(company) == {"base-1": 1.0, "lora-1": 0.0}


def switch(company: Company, act: Any, *, policy: str) -> None:
    company.do("wei", act, "reviews", reason="drill")
    company.network.policy = policy
    company.run()


def test_back_and_forward_are_timed_until_the_gateway_obeys(company: Company, version: str) -> None:
    release = started(company, version)
    seen(company, 100, 100)
    company.do("lin", actions.full_release, release.id)
    switch(company, actions.roll_back, policy="1.2")
    assert weights(company) == {"base-1": 1.0, "lora-1": 0.0}
    switch(company, actions.roll_forward, policy="1.3")
    assert weights(company) == {"base-1": 0.0, "lora-1": 1.0}
    assert [line["verb"] for line in release_now(company, release.id).timings] == ["roll_back", "roll_forward"]
    with company.platform.read() as session:
        back = evidence.newest(session, ["deployments.rolled_back"])["deployments.rolled_back"]
    assert (back.state, back.facts["policy"], back.facts["limit_s"]) == ("met", "1.2", 900.0)
    with pytest.raises(NotFound):
        company.do("wei", actions.roll_forward, "reviews", reason="again")


def test_a_switch_that_no_gateway_confirms_is_not_measured(company: Company, version: str) -> None:
    release = started(company, version)
    seen(company, 100, 100)
    company.do("lin", actions.full_release, release.id)
    company.network.down = True
    company.do("wei", actions.roll_back, "reviews", reason="fire")
    company.run()
    assert weights(company)["base-1"] == 1.0
    with company.platform.read() as session:
        back = evidence.newest(session, ["deployments.rolled_back"])["deployments.rolled_back"]
    assert (back.state, back.facts["seconds"]) == ("not_measured", None)


def test_a_restarted_model_server_gets_its_adapter_back(company: Company, version: str) -> None:
    from gnomon.control.deployments import jobs
    from gnomon.kit.jobs import JobContext
    from gnomon.kit.outbox import JobRow

    company.network.served.discard("reviews-lora-1")
    row = JobRow(id="job_1", name="deployments.keep_adapters", subject="schedule", args={})
    jobs.keep_adapters(JobContext(company.platform, row))
    assert "reviews-lora-1" in company.network.served
