"""What the shipped rulebook says."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gnomon.contract.thresholds import judge
from gnomon.contract.verdicts import State
from gnomon.control.rulebook.rules import NotInRulebook, Rulebook, load
from gnomon.control.rulebook.schemas import Clause
from gnomon.guard.policy import Masker

from .documents import documents

HAN = re.compile(r"[\u4e00-\u9fff]")
BOOK = load()


def _texts(value: Any, path: str = "") -> list[tuple[str, dict[str, str]]]:
    """Every {zh-CN, en} pair below `value`, with where it stands."""
    if isinstance(value, list):
        return [found for i, item in enumerate(value) for found in _texts(item, f"{path}[{i}]")]
    if not isinstance(value, dict):
        return []
    if "zh-CN" in value or "en" in value:
        return [(path, value)]
    return [found for key, item in value.items() for found in _texts(item, f"{path}.{key}")]


def test_there_are_24_operations_and_34_remediation_clauses() -> None:
    ids = [clause.id for clause in BOOK.clauses]
    assert len(ids) == len(set(ids)) == 58
    assert sum(i.startswith("OPS-") for i in ids) == 24
    assert sum(i.startswith("REM-") for i in ids) == 34


def test_every_text_is_chinese_and_english() -> None:
    pairs = _texts(documents())
    assert len(pairs) > 600
    wrong = [
        path for path, t in pairs if set(t) != {"zh-CN", "en"} or not HAN.search(t["zh-CN"]) or HAN.search(t["en"])
    ]
    assert wrong == []


@pytest.mark.parametrize("clause", BOOK.clauses, ids=lambda c: c.id)
def test_both_languages_of_a_clause_name_the_same_figures(clause: Clause) -> None:
    figures = re.compile(r"\d+(?:\.\d+)?")
    assert sorted(figures.findall(clause.text.zh)) == sorted(figures.findall(clause.text.en))


def test_every_numeric_limit_of_a_clause_is_a_verified_threshold_of_that_clause() -> None:
    for clause in BOOK.clauses:
        named = [v for limit in clause.limits.values() for v in (limit if isinstance(limit, tuple) else (limit,))]
        figures = {float(v) for v in named if not isinstance(v, str)}
        ours = {t.limit for t in BOOK.thresholds if clause.id in t.clauses and t.verified}
        assert figures <= ours, clause.id


def test_figures_that_nobody_read_in_the_primary_text_are_not_verified() -> None:
    marks = {t.mark for t in BOOK.thresholds}
    assert marks == {"V", "V2", "R", "own"}
    assert all(t.verified == (t.mark == "V") for t in BOOK.thresholds)


def test_a_threshold_carries_the_version_it_was_read_from_and_judges() -> None:
    threshold = BOOK.threshold("success_ratio")
    assert (threshold.limit, threshold.unit, threshold.direction) == (0.995, "ratio", "at_least")
    assert threshold.rulebook == BOOK.version
    assert judge(threshold, value=1.0, n=5).state is State.INSUFFICIENT
    assert judge(threshold, value=0.99, n=1000).state is State.NOT_MET


def test_burn_rates_give_the_published_error_ratios() -> None:
    budget = 1 - BOOK.threshold("success_ratio").limit
    for window in BOOK.slo.burn_windows:
        assert BOOK.threshold(window.indicator).limit == pytest.approx(window.factor * budget)
        assert window.long_m == pytest.approx(12 * window.short_m)


def test_every_objective_says_how_it_is_measured_and_agrees_with_its_indicator() -> None:
    by_id = {o.id: o for o in BOOK.slo.objectives}
    assert by_id["latency"].limit_ms == BOOK.clause("OPS-3.1").limits["latency_ms"]
    assert by_id["latency-chat"].limit_ms == BOOK.clause("OPS-3.1").limits["chat_latency_ms"]
    assert by_id["latency"].streaming is False
    assert {task for o in by_id.values() if o.measure == "total" for task in o.tasks} == set(by_id["success"].tasks)


def test_sources_of_controls_belong_to_domains_of_the_control_plane() -> None:
    contracts = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["id"] == "domains")
    domains = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    assert {c.source.split(".")[0] for c in BOOK.controls} <= domains
    assert {r.domain for r in BOOK.matrix.resources} <= domains


def test_each_source_feeds_a_control_and_leaves_one_kind_of_evidence() -> None:
    for control in BOOK.controls:
        fed = BOOK.controls_from(control.source)
        assert control in fed
        assert len({c.evidence for c in fed}) == 1


def test_every_kind_of_evidence_is_used_and_says_which_facts_it_needs() -> None:
    assert {k.id for k in BOOK.evidence_kinds} == {c.evidence for c in BOOK.controls}
    assert BOOK.missing_facts("probe", {"target": "gpu-1", "declared": {}}) == ("found", "mismatches")


def test_sealed_sets_guards_and_power_have_the_house_defaults() -> None:
    margins = {g.id: g.margin for g in BOOK.guards.guards}
    assert margins == {
        "accuracy": 0.01,
        "critical_slice_accuracy": 0.03,
        "harmful_compliance": 0.01,
        "over_refusal": 0.02,
        "latency_p95_ms": 0.10,
        "throughput": 0.05,
    }
    assert (BOOK.guards.statistics.slice_min_n, BOOK.guards.statistics.slice_min_power) == (30, 0.5)


def test_the_default_mask_policy_is_one_that_the_guard_can_apply() -> None:
    masker = Masker(BOOK.mask_policy(), key=bytes(32))
    text = "手机 13800138000，密钥 api_key=ghp_cg2lMLzgeonyLGcTJFiz4soCmZ9cpvnpKnA1"
    for direction in ("input", "output"):
        masked = masker.mask(text, direction).text
        assert "13800138000" not in masked
        assert "ghp_cg2l" not in masked


def test_the_success_rule_gives_every_outcome_one_place() -> None:
    rule = BOOK.success_rule
    assert "ok" not in {*rule.failures, *rule.excluded}
    assert "upstream_error" in rule.failures


@pytest.mark.parametrize("look_up", ["clause", "control", "controls_of", "threshold", "quorum", "evidence_kind"])
def test_an_unknown_name_is_refused_by_name(look_up: str) -> None:
    with pytest.raises(NotInRulebook, match="no-such-thing"):
        getattr(BOOK, look_up)("no-such-thing")


def test_the_version_is_the_same_for_the_same_content_whatever_the_order_of_keys() -> None:
    from gnomon.control.rulebook.rules import parse

    turned = {name: dict(reversed(list(doc.items()))) for name, doc in documents().items()}
    assert parse(turned).digest == BOOK.digest
    changed = documents()
    changed["thresholds.yaml"]["thresholds"][0]["limit"] = 400
    other: Rulebook = parse(changed)
    assert other.version != BOOK.version
    assert other.threshold("latency_p95_ms").rulebook == other.version
