"""Papers, environments and test cases: what is missing is named."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.contract.bundle import Target
from gnomon.control.deployments import rules
from gnomon.control.deployments.schemas import FunctionalTest, Plan, Requirements
from tests.fakes.deployments import PLAN, REQUIREMENTS, TESTS

PEOPLE = {"wei", "lin", "bai"}


def test_the_example_papers_are_complete() -> None:
    assert rules.requirements_problems(REQUIREMENTS) == []
    assert rules.plan_problems(PLAN, people=PEOPLE) == []
    assert rules.tests_problems(TESTS) == []


@pytest.mark.parametrize("section", rules.SECTIONS)
def test_no_section_may_be_empty(section: str) -> None:
    report = copy.deepcopy(REQUIREMENTS)
    report["sections"][section] = " \n"
    assert f"sections.{section}: empty" in rules.requirements_problems(report)


@pytest.mark.parametrize("field", ["id", "text", "criterion", "tests"])
def test_each_requirement_needs_id_criterion_and_a_test(field: str) -> None:
    report = copy.deepcopy(REQUIREMENTS)
    report["items"][0][field] = [" "] if field == "tests" else ""
    assert any(field in problem for problem in rules.requirements_problems(report))


def without(value: dict[str, Any], path: str) -> dict[str, Any]:
    plain = copy.deepcopy(value)
    inner: Any = plain
    *way, last = path.split(".")
    for name in way:
        inner = inner[int(name)] if name.isdigit() else inner[name]
    inner[last] = type(inner[last])()
    return plain


@pytest.mark.parametrize(
    "path",
    ["start", "end", "executor", "steps", "steps.0.owner", "steps.0.end", "steps.0.verification", "resources",
     "rollback.trigger", "rollback.decider", "rollback.steps", "rollback.limit_minutes"],
)  # fmt: skip
def test_a_plan_that_lacks_a_part_is_refused(path: str) -> None:
    assert rules.plan_problems(without(PLAN, path), people=PEOPLE)


def test_an_owner_must_exist_and_a_step_lie_within_the_timetable() -> None:
    assert any("no person" in problem for problem in rules.plan_problems(PLAN, people={"lin", "bai"}))
    late = copy.deepcopy(PLAN)
    late["steps"][0]["end"] = "2026-03-09T00:00:00+00:00"
    assert "steps.0: outside the timetable" in rules.plan_problems(late, people=PEOPLE)


text = st.text(max_size=3)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from([*rules.SECTIONS, "x"]), text), st.lists(st.builds(dict, id=text, text=text)))
def test_any_draft_is_judged_without_falling_over(sections: dict[str, str], items: list[dict[str, str]]) -> None:
    draft = Requirements.model_validate({"sections": sections, "items": items}).model_dump(mode="json")
    assert rules.requirements_problems(draft)
    assert rules.plan_problems(Plan().model_dump(mode="json"), people=set())


FOUND = {
    "os": "Linux 6.1", "python": "3.11.9", "cpu_cores": 2, "cpu_flags": ["avx2"], "memory_gb": 8.0,
    "disk_free_gb": 50.0, "ports_taken": [8080], "packages": {"torch": "2.13.0+cpu", "peft": None}, "fonts": None,
    "containers": [], "gpus": [{"name": "NVIDIA H100", "memory_gb": 79.6}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "items"),
    [
        ({"os": "Linux", "python": "3.11", "cpu_cores": 2, "memory_gb": 8, "disk_gb": 50}, []),
        ({"cpu_cores": 4, "memory_gb": 16.0, "disk_gb": 51}, ["cpu_cores", "memory_gb", "disk_gb"]),
        ({"cpu_flags": ["avx2", "amx_bf16"], "ports": [8080, 8081]}, ["cpu_flags.amx_bf16", "ports.8080"]),
        ({"packages": {"torch": "2.13.0"}}, []),
        ({"packages": {"torch": "2.13.0+cu128", "peft": "0.21.2"}}, ["packages.peft", "packages.torch"]),
        ({"containers": ["docker", "podman"]}, ["containers"]),
        ({"gpu": {"count": 1, "model": "h100", "memory_gb": 70}}, []),
        ({"gpu": {"count": 2, "model": "h100", "memory_gb": 70}}, ["gpu"]),
    ],
)
def test_every_mismatch_is_listed(declared: dict[str, Any], items: list[str]) -> None:
    assert [row["item"] for row in rules.mismatches(declared, FOUND)] == items


def test_what_could_not_be_looked_at_is_not_measured() -> None:
    (row,) = rules.mismatches({"fonts": ["Noto Sans CJK SC"]}, FOUND)
    assert row["state"] == "not_measured"


def test_every_label_needs_a_case() -> None:
    thin = TESTS | {"normal": [case for case in TESTS["normal"] if case["covers"] == "正面"]}
    assert rules.tests_problems(thin) == ["tests.normal: no case covers 负面"]


def test_the_cases_cover_labels_and_boundaries_and_name_the_target() -> None:
    cases = rules.cases(TESTS, model="reviews@base-1")
    assert {case.body["model"] for case in cases} == {"reviews@base-1"}
    names = {case.covers for case in cases if case.kind == "boundary"}
    assert names >= {"empty", "very_long", "mixed_language", "wrong_type_content", "special_characters"}
    assert {case.covers for case in cases if case.kind == "normal"} == {"正面", "负面"}
    long = next(case for case in cases if case.covers == "very_long")
    assert len(long.body["messages"][0]["content"]) >= TESTS["long_characters"]


def reply(content: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content}}]}


CASE = {case.covers: case for case in rules.cases(TESTS, model="m")}
ERROR = {"error": {"message": "no"}}


@pytest.mark.parametrize(
    ("covers", "status", "body", "good"),
    [
        ("正面", 200, reply(" 正面\n"), True),
        ("正面", 200, reply("也许"), False),
        ("正面", 400, ERROR, False),
        ("正面", 200, None, False),
        ("正面", 0, None, False),
        ("empty", 200, reply("负面"), True),
        ("empty", 422, ERROR, True),
        ("empty", 422, {"detail": "no"}, False),
        ("empty", 500, ERROR, False),
        ("wrong_type_content", 400, ERROR, True),
        ("wrong_type_content", 200, reply("正面"), False),
        ("wrong_type_content", 302, None, False),
    ],
)
def test_an_answer_is_judged_by_what_the_case_allows(covers: str, status: int, body: Any, good: bool) -> None:
    problem = rules.judge_case(CASE[covers], status=status, reply=body, labels=TESTS["labels"])
    assert (problem == "") is good


@settings(max_examples=100)
@given(
    st.sampled_from(sorted(CASE)),
    st.integers(0, 599),
    st.recursive(st.none() | st.text(max_size=3) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["choices", "message", "content", "error"]), inner)),
)  # fmt: skip
def test_nothing_a_server_says_breaks_the_judge_and_no_5xx_passes(covers: str, status: int, body: Any) -> None:
    problem = rules.judge_case(CASE[covers], status=status, reply=body, labels=TESTS["labels"])
    assert problem or 200 <= status < 500


ids = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)


@settings(max_examples=60)
@given(ids, st.data())
def test_a_shift_gives_one_target_everything_and_forgets_none(names: list[str], data: st.DataObject) -> None:
    targets = [Target(id=name, upstream="u", model="m", weight=data.draw(st.floats(0, 1))) for name in names]
    to = data.draw(st.sampled_from(names))
    after = rules.shift(targets, to=to)
    assert [target.id for target in after] == names
    assert {target.id: target.weight for target in after} == {name: float(name == to) for name in names}
    again = rules.with_target(after, msgspec.structs.replace(after[0], weight=0.5, version="v2"))
    assert {t.id: t.weight for t in again} == {t.id: t.weight for t in after}


def test_schemas_take_the_examples() -> None:
    FunctionalTest.model_validate(TESTS)
    Plan.model_validate(PLAN)
