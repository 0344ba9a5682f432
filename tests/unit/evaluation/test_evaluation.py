"""A suite is sealed and its looks counted; a run resumes, scores, proves itself; unlike runs are not compared."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from gnomon.contract.verdicts import State
from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog.schemas import NewDataset
from gnomon.control.evaluation import actions, checks, queries, report, rules, vault
from gnomon.control.evaluation.schemas import NewRun, References
from gnomon.control.evaluation.tables import EvaluationAnswer, EvaluationRun, Suite
from gnomon.control.evidence import queries as evidence
from gnomon.control.rulebook import rules as rulebook
from gnomon.control.rulebook.checks import CheckContext, CheckResult
from gnomon.engine.runs import RunRefused
from gnomon.engine.scoring import Answer
from gnomon.engine.stats.compare import NotComparable
from gnomon.engine.stats.goals import Goal
from gnomon.kit.errors import BadInput, Conflict, Denied
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, run_jobs
from tests.unit.evaluation.gateway import MARK, FakeGateway, new_suite, row

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | st.text("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=8,
)


def request(platform: Platform, suite: Suite, target: str = "t_base", **more: Any) -> EvaluationRun:
    new = NewRun(suite_id=suite.id, model="reviews-zh", target_id=target, purpose="baseline", **more)
    return do(platform, "lin", actions.request_sealed_run, new)


def completed(platform: Platform, suite: Suite, target: str = "t_base", **more: Any) -> EvaluationRun:
    run = request(platform, suite, target, **more)
    run_jobs(platform, ["evaluation.run"])
    with platform.read() as session:
        return queries.run(session, run.id)


@settings(max_examples=100)
@given(json_values, json_values)
def test_differences_are_none_exactly_when_the_values_are_equal(one: Any, other: Any) -> None:
    assert rules.differences(one, one) == []
    if one != other:
        assert rules.differences({"at": one}, {"at": other})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "有文字的编号"}, "an id that is not"),
        ({"label": "中性"}, "none of"),
        ({"text": "  "}, "a text of"),
        ({"n": 3}, "no text"),
    ],
)
def test_a_row_that_is_no_item_is_refused_by_position_and_without_its_text(
    change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(rules.BadSuite, match=complaint) as caught:
        rules.check_rows([row(0), row(1) | change], ["正面", "负面"])
    assert "Row 2 of 2" in caught.value.message
    assert MARK not in str(caught.value.as_dict())


def test_a_sealed_suite_lies_nowhere_in_clear_and_each_run_is_one_counted_look(
    platform: Platform, gateway: FakeGateway, tmp_path: Path
) -> None:
    suite = do(platform, "lin", actions.add_suite, new_suite())
    with pytest.raises(rules.SealedSuite):
        do(platform, "wei", actions.request_run, NewRun(suite_id=suite.id, model="reviews-zh"))
    with pytest.raises(Denied):
        do(platform, "lin", actions.open_suite, suite.id, by="me", purpose="curiosity")
    for _ in range(2):
        completed(platform, suite)
    with platform.read() as session:
        assert queries.suite(session, suite.id).looks == 2
        assert [(look.number, look.openings) for look in queries.looks(session, suite.id)] == [(1, 1), (2, 1)]
    platform.database.close()
    assert files_with_the_mark(tmp_path) == []


def test_the_search_for_texts_finds_those_of_a_suite_that_is_not_sealed(platform: Platform, tmp_path: Path) -> None:
    suite = do(platform, "lin", actions.add_suite, new_suite(sealed=False))
    assert [file.name for file in files_with_the_mark(tmp_path)] == [suite.blob_sha256]


def files_with_the_mark(folder: Path) -> list[Path]:
    """Every file that holds the mark, as UTF-8 or as JSON writes it."""
    forms = (MARK.encode(), MARK.encode("unicode_escape"), MARK.encode("unicode_escape").replace(b"\\u", b"\\\\u"))
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if any(form in file.read_bytes() for form in forms)]


def test_the_key_of_one_suite_opens_no_other_and_an_altered_key_opens_nothing(platform: Platform) -> None:
    suite = do(platform, "lin", actions.add_suite, new_suite())
    with pytest.raises(BadInput, match="suite key"):
        vault.unwrap(suite.wrapped_key, suite_id="suite_other")
    with pytest.raises(Conflict):
        do(platform, "lin", actions.add_suite, new_suite(name="the same under another name"))


def test_a_run_scores_proves_itself_and_notices_a_changed_answer(platform: Platform, gateway: FakeGateway) -> None:
    gateway.is_right = lambda model, number: number % 3 > 0
    suite = do(platform, "lin", actions.add_suite, new_suite())
    run = completed(platform, suite)
    assert (run.state, run.n_done, run.version_id) == ("completed", 60, "version_base")
    assert run.environment["mask_policy"] == "default@1"
    assert run.environment["gateway_policy"] == "1.7"
    accuracy = next(figure for figure in run.scores["figures"] if figure["name"] == "accuracy")
    assert (accuracy["numerator"], accuracy["denominator"]) == (40, 60)
    assert {model for model, _ in gateway.asked} == {"reviews-zh@t_base"}
    with platform.read() as session:
        proved = queries.verify(session, run.id)
        assert (proved.equal, proved.n) == (True, 60)
        sources = {artefact.source for artefact in evidence.about(session, "evaluation_run", run.id)}
        assert sources == {
            "evaluation.metrics_computed",
            "evaluation.slices_found",
            "evaluation.performance_measured",
            "evaluation.benchmark_recorded",
        }
        shown = report.report(session, run)
        assert shown["roc"][0] == [0.0, 0.0]
        assert shown["roc"][-1] == [1.0, 1.0]
        assert shown["failures"] == 20 == len(queries.failures(session, run.id))
    with platform.database.session() as session:
        changed = update(EvaluationAnswer).where(EvaluationAnswer.item_id == "i-000").values(predicted="负面")
        session.execute(changed)
        session.commit()
    with platform.read() as session:
        found = queries.verify(session, run.id)
        assert not found.equal
        assert any(line.startswith("answers_sha256") for line in found.differences)


def test_a_run_that_died_goes_on_without_asking_twice(platform: Platform, gateway: FakeGateway) -> None:
    suite = do(platform, "lin", actions.add_suite, new_suite(sealed=False))
    gateway.die_after = 30
    run = request(platform, suite, concurrency=1)
    with pytest.raises(RunRefused):
        run_jobs(platform, ["evaluation.run"])
    with platform.read() as session:
        stopped = queries.run(session, run.id)
        assert (stopped.state, stopped.n_done) == ("failed", 30)
    gateway.die_after = 10**9
    do(platform, "lin", actions.resume_run, run.id)
    run_jobs(platform, ["evaluation.run"])
    with platform.read() as session:
        assert queries.run(session, run.id).state == "completed"
    assert sorted(number for _, number in gateway.asked) == list(range(60))


def test_a_run_whose_set_cannot_be_opened_fails_and_says_why(
    platform: Platform, gateway: FakeGateway, tmp_path: Path
) -> None:
    suite = do(platform, "lin", actions.add_suite, new_suite())
    run = request(platform, suite)
    (tmp_path / "keys" / "suites.key").write_bytes(bytes(32))  # another installation's key
    with pytest.raises(BadInput, match="suite key"):
        run_jobs(platform, ["evaluation.run"])
    with platform.read() as session:
        found = queries.run(session, run.id)
        assert found.state == "failed"
        assert "suite key" in found.error
        assert queries.suite(session, suite.id).looks == 0


def test_answers_are_stored_once_however_often_they_come(platform: Platform) -> None:
    suite = do(platform, "lin", actions.add_suite, new_suite())
    run = request(platform, suite)
    answers = [Answer("i-000", "负面", "负面"), Answer("i-001", "正面", None, outcome="timeout")]
    assert do(platform, "system", actions.record_answers, run.id, answers) == 2
    assert do(platform, "system", actions.record_answers, run.id, [*answers, Answer("i-002", "负面", "负面")]) == 3


def test_a_comparison_is_stored_proved_and_can_be_recomputed(platform: Platform, gateway: FakeGateway) -> None:
    gateway.is_right = lambda model, number: model.endswith("lora") or number % 2 == 0
    suite = do(platform, "lin", actions.add_suite, new_suite(120))
    before, after = completed(platform, suite), completed(platform, suite, "t_lora")
    goal = Goal("accuracy", 0.75, set=suite.id, from_value=0.5)
    stored = do(platform, "lin", actions.compare, before_run=before.id, after_run=after.id, goal=goal)
    assert (stored.state, stored.result["flips"]["fixed"], stored.result["flips"]["broken"]) == ("met", 60, 0)
    with platform.read() as session:
        assert queries.verify_comparison(session, stored.id).equal
        assert evidence.artefact(session, stored.evidence_id).facts["verdict"] == "met"
        edge = evidence.newest(session, ["evaluation.edge_cases_repeated"])
        assert edge["evaluation.edge_cases_repeated"].facts["slices"] == {"label=正面": "better"}


def test_runs_with_another_recipe_or_condition_are_not_compared(platform: Platform, gateway: FakeGateway) -> None:
    suite = do(platform, "lin", actions.add_suite, new_suite())
    before = completed(platform, suite)
    after = completed(platform, suite, "t_lora", decoding={"mode": "generate"})
    goal = Goal("accuracy", 0.75)
    with pytest.raises(NotComparable, match="decoding"):
        do(platform, "lin", actions.compare, before_run=before.id, after_run=after.id, goal=goal)


def test_a_run_is_set_beside_references_and_a_missing_one_needs_a_reason(
    platform: Platform, gateway: FakeGateway
) -> None:
    gateway.is_right = lambda model, number: model.endswith("lora") or number % 2 == 0
    suite = do(platform, "lin", actions.add_suite, new_suite())
    before, after = completed(platform, suite), completed(platform, suite, "t_lora")
    given = {
        "baseline_run_id": before.id,
        "industry": {"value": 0.9, "name": "行业报告", "source": "2025 年报告第 12 页"},
        "competitor": {"reason": "没有可比的竞品模型"},
    }
    proof = do(platform, "lin", actions.record_references, after.id, References.model_validate(given))
    assert proof.facts["results"]["distances"] == {"baseline": 0.5, "industry": 0.1}
    assert proof.state == "met"
    assert rulebook.load().missing_facts(proof.kind, proof.facts) == ()
    reasons = {"no_baseline_because": "首次上线", "industry": {"reason": "无"}, "competitor": {"reason": "无"}}
    nothing = do(platform, "lin", actions.record_references, after.id, References.model_validate(reasons))
    assert nothing.state == "insufficient"
    for change in ({"competitor": {}}, {"industry": {"value": 0.9}}, {"baseline_run_id": ""}):
        with pytest.raises(ValueError, match=r"give a value|name the run"):
            References.model_validate(given | change)
    with pytest.raises(rules.BadReference):
        do(platform, "lin", actions.record_references, after.id, References.model_validate(given | {"metric": "bleu"}))


def look(platform: Platform, check: Callable[[CheckContext], CheckResult | None]) -> CheckResult | None:
    with platform.read() as session:
        context = CheckContext(session, MONDAY, rulebook.load(), timedelta(days=1))
        return check(context)


def test_the_checks_find_a_use_that_was_not_counted(platform: Platform, gateway: FakeGateway) -> None:
    suite = do(platform, "lin", actions.add_suite, new_suite())
    assert look(platform, checks.sealed_uses_counted) is None
    completed(platform, suite)
    counted, figures = look(platform, checks.sealed_uses_counted), look(platform, checks.figures_without_interval)
    assert counted is not None
    assert figures is not None
    assert (counted.value, counted.n, figures.value) == (0.0, 1, 0.0)
    with platform.database.session() as session:
        session.connection().exec_driver_sql("DELETE FROM evaluation_look")
        session.commit()
    uncounted = look(platform, checks.sealed_uses_counted)
    assert uncounted is not None
    assert uncounted.value == 1.0


def test_the_register_of_suites_is_complete_with_one_of_each_purpose(platform: Platform) -> None:
    states = []
    for number, purpose in enumerate(("test", "validation", "development")):
        do(platform, "lin", actions.add_suite, new_suite(20 + number, name=purpose, purpose=purpose))
        found = look(platform, checks.suites_versioned)
        assert found is not None
        states.append(found.state)
    assert states == [State.NOT_MET, State.NOT_MET, State.MET]


def test_near_duplicates_in_training_data_are_counted_as_leaks(platform: Platform) -> None:
    suite = do(platform, "lin", actions.add_suite, new_suite())
    rows = [row(3) | {"text": row(3)["text"] + "！"}, {"text": "与评测集毫无关系的一句话", "label": "正面"}]
    new = NewDataset(name="train", label="v1", purpose="train", source="t", licence="t", rows=rows)
    data = do(platform, "lin", catalog.add_dataset, new)
    do(platform, "lin", actions.request_leak_check, suite.id, dataset_ids=[data.id])
    run_jobs(platform, ["evaluation.check_leaks"])
    with platform.read() as session:
        found = evidence.newest(session)["evaluation.leaks_checked"]
        assert (found.state, found.facts["dataset_hash"]) == ("not_met", data.sha256)
        assert found.facts["findings"] >= 1
        assert [look.purpose for look in queries.looks(session, suite.id)] == ["leak check"]
