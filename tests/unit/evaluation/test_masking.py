"""A suite is put to the model server as it is and masked, and what masking costs is judged, proved and recomputed."""

import json
from pathlib import Path

import httpx
import msgspec
import pytest

from gnomon.contract.masking import MaskPolicy, MaskRule
from gnomon.control.evaluation import actions, conditions, jobs, queries, rules
from gnomon.control.evaluation.schemas import NewMaskingTrial
from gnomon.control.evaluation.tables import EvaluationAnswer, MaskingTrial, Suite
from gnomon.control.evidence import queries as evidence
from gnomon.control.privacy.policies import put_policy
from gnomon.control.rulebook import rules as rulebook
from gnomon.engine.stats import BadFigures, resampling
from gnomon.engine.stats.goals import Goal
from gnomon.kit.canonical import digest
from gnomon.kit.errors import Denied, NotFound
from gnomon.kit.work import Platform
from tests.fakes.platform import do, run_jobs
from tests.unit.evaluation.gateway import MARK, FakeGateway, new_suite, row

PHONE = "13812345678"


class ModelServer(FakeGateway):
    """Remembers what it was asked; gets wrong what `harmed` says of a masked prompt."""

    def __init__(self) -> None:
        super().__init__()
        self.prompts: list[str] = []
        self.harmed = 0
        self.away = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        prompt = json.loads(request.content)["messages"][0]["content"]
        self.prompts.append(prompt)
        assert "authorization" not in request.headers  # this server wants no token
        if self.away:
            return httpx.Response(403, json={"error": {"message": "no", "code": "forbidden"}})
        self.is_right = lambda model, number: number % 10 > 0 and not ("⟦" in prompt and number < self.harmed)
        return super().__call__(request)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    fake = ModelServer()
    monkeypatch.setitem(resampling.bootstrap.__kwdefaults__, "draws", 50)
    monkeypatch.setattr(jobs, "transport", httpx.MockTransport(fake))
    return fake


def policy(operator: str = "pseudonym", **more: object) -> MaskPolicy:
    rule = MaskRule(entity="*", operator=operator, **more)  # type: ignore[arg-type]
    return MaskPolicy(id="default", version="1", rules=(rule,))


def suite_with_phones(platform: Platform, n: int = 300, phones: int = 200, *, sealed: bool = True) -> Suite:
    rows = [
        row(number) | {"text": f"{MARK}第{number}条，手机{PHONE}" if number < phones else row(number)["text"]}
        for number in range(n)
    ]
    return do(platform, "lin", actions.add_suite, new_suite(rows=rows, sealed=sealed))


def asked(platform: Platform, suite: Suite, **more: object) -> MaskingTrial:
    new = NewMaskingTrial(suite_id=suite.id, model="reviews-zh", target_id="t_base", **more)  # type: ignore[arg-type]
    return do(platform, "lin", actions.request_masking, new)


def completed(platform: Platform, suite: Suite, **more: object) -> MaskingTrial:
    trial = asked(platform, suite, **more)
    run_jobs(platform, ["evaluation.masking"])
    with platform.read() as session:
        return queries.trial(session, trial.id)


def test_a_trial_asks_every_item_on_both_sides_and_leaves_evidence_that_can_be_recomputed(
    platform: Platform, server: ModelServer, tmp_path: Path
) -> None:
    do(platform, "system", put_policy, policy())
    suite = suite_with_phones(platform)
    trial = completed(platform, suite)
    assert (trial.state, trial.verdict) == ("completed", "met")
    assert trial.result["sentence"]["en"].startswith("Masking keeps enough of the score: accuracy 90.0% as it is")
    assert (trial.counts, trial.result["changed"]) == ({"CN_MOBILE": 200}, 200)
    assert sum(PHONE in prompt for prompt in server.prompts) == 200  # the raw side alone
    assert {model for model, _ in server.asked} == {"base"}  # the server's own name: the gateway was not asked
    with platform.read() as session:
        assert queries.verify_trial(session, trial.id).equal
        assert queries.verify(session, trial.raw_run).equal
        assert queries.suite(session, suite.id).looks == 1
        proof = evidence.artefact(session, trial.evidence_id)
        assert (proof.source, proof.state) == ("evaluation.masking_utility_measured", "met")
        assert rulebook.load().missing_facts(proof.kind, proof.facts) == ()
        assert proof.facts["threshold"]["indicator"] == "masked_score_kept"
    with platform.database.session() as session:
        session.get(EvaluationAnswer, (trial.masked_run, "i-001")).predicted = None  # type: ignore[union-attr]
        session.commit()
    with platform.read() as session:
        assert not queries.verify_trial(session, trial.id).equal
    platform.database.close()
    stored = [file for file in tmp_path.rglob("*") if file.is_file() and PHONE.encode() in file.read_bytes()]
    assert stored == []


def test_a_stranger_is_told_how_many_surrogates_stand_there_and_by_which_words_of_the_policy(
    platform: Platform, server: ModelServer
) -> None:
    used = policy("surrogate", purposes=("evaluation",))
    do(platform, "system", put_policy, used)
    trial = completed(platform, suite_with_phones(platform, 120, 110))
    assert trial.surrogates == {"values": 110, "items": 110}
    do(platform, "system", put_policy, msgspec.structs.replace(used, version="2", rules=()))  # another one in force
    with platform.read() as session:
        facts = evidence.artefact(session, trial.evidence_id).facts
    assert facts["surrogates"] == trial.surrogates
    assert (facts["policy"], facts["policy_sha256"]) == ("default 1", digest(msgspec.to_builtins(used)))
    assert (facts["masked"], facts["blocked"]) == ({"CN_MOBILE": 110}, 0)
    assert not any(PHONE in prompt or "⟦" in prompt for prompt in server.prompts[120:])


def test_masking_that_harms_is_not_met(platform: Platform, server: ModelServer) -> None:
    do(platform, "system", put_policy, policy())
    server.harmed = 40
    trial = completed(platform, suite_with_phones(platform))
    assert trial.verdict == "not_met"
    assert trial.result["parts"][0]["flips"]["broken"] == 36
    assert trial.result["parts"][2]["name"] == "same"
    assert trial.result["parts"][2]["flips"]["broken"] == 0


def test_what_the_policy_blocks_is_not_asked_and_counts_as_wrong(platform: Platform, server: ModelServer) -> None:
    do(platform, "system", put_policy, policy("block"))
    trial = completed(platform, suite_with_phones(platform))
    assert (trial.verdict, trial.blocked) == ("not_met", 200)
    assert len(server.prompts) == 300 + 100


def test_the_purpose_decides_which_rules_hold(platform: Platform, server: ModelServer) -> None:
    do(platform, "system", put_policy, policy(purposes=("training",)))
    with_rule = completed(platform, suite_with_phones(platform, 120, 110), mask_purpose="training")
    assert with_rule.result["changed"] == 110
    assert sum("⟦手机_" in prompt for prompt in server.prompts) == 110


def test_a_trial_that_failed_goes_on_as_a_whole_and_neither_side_by_itself(
    platform: Platform, server: ModelServer
) -> None:
    do(platform, "system", put_policy, policy())
    suite = suite_with_phones(platform, 120, 110)
    server.away = True
    trial = asked(platform, suite)
    with pytest.raises(Denied):
        run_jobs(platform, ["evaluation.masking"])
    with pytest.raises(rules.RunStateConflict, match="one side of a masking trial"):
        do(platform, "lin", actions.resume_run, trial.raw_run)
    with platform.read() as session:
        stopped = queries.trial(session, trial.id)
        assert (stopped.state, bool(stopped.error)) == ("failed", True)
    server.away = False
    do(platform, "lin", actions.resume_masking, trial.id)
    run_jobs(platform, ["evaluation.masking"])
    with platform.read() as session:
        assert queries.trial(session, trial.id).state == "completed"
        assert queries.suite(session, suite.id).looks == 1


def test_its_sides_compare_with_nothing_that_went_through_the_gateway(platform: Platform, server: ModelServer) -> None:
    do(platform, "system", put_policy, policy())
    trial = completed(platform, suite_with_phones(platform, 120, 110))
    with platform.read() as session:
        named = [queries.run(session, id).environment["mask_policy"] for id in (trial.raw_run, trial.masked_run)]
    assert named == ["none (direct)", "default@1/evaluation (direct)"]
    with pytest.raises(Exception, match="mask_policy"):
        do(
            platform,
            "lin",
            actions.compare,
            before_run=trial.raw_run,
            after_run=trial.masked_run,
            goal=Goal("accuracy", 0.5),
        )


def test_unmasked_text_never_leaves_for_an_address_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for inside in ("http://127.0.0.1:1/v1", "http://10.2.3.4/v1", "http://[fd00::1]/v1"):
        conditions.require_inside(conditions.Endpoint(inside, "m"))
    for outside in ("https://8.8.8.8/v1", "https://[2606:4700::1111]/v1"):
        with pytest.raises(conditions.RawTextWouldLeave):
            conditions.require_inside(conditions.Endpoint(outside, "m"))
    with pytest.raises(conditions.ModelKeyMissing, match="NO_SUCH_TOKEN"):
        conditions.Endpoint("http://127.0.0.1/v1", "m", "NO_SUCH_TOKEN").token()


def test_an_unknown_policy_and_a_score_that_is_none_are_refused(platform: Platform) -> None:
    do(platform, "system", put_policy, policy())
    suite = suite_with_phones(platform, 20, 10)
    with pytest.raises(NotFound):
        asked(platform, suite, policy="nobody's")
    with pytest.raises(BadFigures):
        asked(platform, suite, metric="latency_p95_ms")
