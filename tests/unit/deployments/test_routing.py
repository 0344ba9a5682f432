"""How a route asks its targets, set by the control plane and obeyed by what the bundle says."""

from typing import Any

import pytest

from gnomon.contract.bundle import Breaker, Cache, Shadow
from gnomon.control.deployments import actions, queries, rules
from gnomon.control.deployments.schemas import RouteChange, RouteOptions
from gnomon.control.publishing import queries as publishing
from gnomon.control.rulebook.rules import load
from tests.fakes.catalog import add_adapter
from tests.unit.deployments.conftest import Company

TARGETS = ("base", "lora", "new")


def problems(options: dict[str, Any]) -> list[str]:
    plain = RouteOptions.model_validate(options).model_dump(mode="json", exclude_defaults=True)
    return rules.options_problems(plain, targets=TARGETS, tested={"base", "lora"}, released={"base"})


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"fallback": ["lora"]}, "fallback: lora was never released"),
        ({"cascade": {"small": "lora"}}, "cascade: lora was never released"),
        (
            {"experiment": {"id": "e", "arms": [{"target": "lora", "share": 0.5}]}},
            "experiment: lora was never released",
        ),
        ({"shadow": {"target": "new", "share": 0.1}}, "shadow: new has not passed its functional test"),
        ({"prices": {"gone": {"price_in": 1}}}, "there is no target gone"),
        (
            {"experiment": {"id": "e", "arms": [{"target": "base", "share": 0.7}, {"target": "base", "share": 0.7}]}},
            "experiment: the shares come to 1.4, more than 1",
        ),
    ],
)
def test_callers_are_answered_only_by_what_was_released(options: dict[str, Any], problem: str) -> None:
    assert problems(options) == [problem]


def test_a_tested_candidate_may_have_a_shadow() -> None:
    assert problems({"shadow": {"target": "lora", "share": 0.1}, "fallback": ["base"]}) == []


def test_options_that_name_a_target_that_has_gone_are_left_out_of_the_bundle() -> None:
    options = {"fallback": ["base", "gone"], "shadow": {"target": "gone", "share": 1}, "retries": 1}
    assert rules.fitting(options, {"base"}) == {"fallback": ["base"], "retries": 1}


@pytest.fixture
def candidate(company: Company) -> str:
    """A tested candidate beside a live base; the candidate's target."""
    id = company.deploy()
    with company.platform.read() as session:
        base = queries.deployment(session, id).version_id
    found: str = company.do("wei", actions.add_candidate, "reviews", add_adapter(company.platform, base)).target_id
    company.run()
    return found


def configure(company: Company, login: str, **options: Any) -> None:
    company.do(login, actions.configure_route, "reviews", RouteOptions.model_validate(options), reason="试行")


def test_the_technical_lead_sets_rules_and_the_bundle_carries_them(company: Company, candidate: str) -> None:
    company.told.clear()
    given: dict[str, Any] = {"shadow": {"target": candidate, "share": 0.1}, "cache": {"ttl_s": 60}, "retries": 1}
    configure(company, "lin", **given, breaker={"min_requests": 50}, prices={candidate: {"price_in": 2}}, timeout_s=5)
    with company.platform.read() as session:
        (route,) = queries.routes(session)
    assert (route.shadow, route.cache) == (Shadow(target=candidate, share=0.1), Cache(ttl_s=60))
    assert (route.retries, route.timeout_s, route.breaker) == (1, 5.0, Breaker(min_requests=50))
    assert {t.id: t.price_in for t in route.targets}[candidate] == 2.0
    assert company.told == ["reviews"]
    configure(company, "lin")
    with company.platform.read() as session:
        (route,) = queries.routes(session)
    assert (route.shadow, route.cache, route.retries, route.timeout_s) == (None, None, 0, 60.0)


def test_no_option_gets_around_a_release(company: Company, candidate: str) -> None:
    with pytest.raises(rules.UnfitOptions, match="never released"):
        configure(company, "lin", fallback=[candidate])


def test_what_a_caller_may_send_is_bounded() -> None:
    for wrong in ({"retries": 99}, {"cache": {"ttl_s": 0}}, {"unknown": 1}, {"unscanned": ["thoughts"]}):
        with pytest.raises(ValueError, match="1 validation error"):
            RouteChange.model_validate({"options": wrong, "reason": "x"})


def test_a_route_is_judged_by_the_content_policy_that_was_chosen_for_it(company: Company, candidate: str) -> None:
    book = load()
    for chosen, carried in (("strict", "strict"), ("", book.default_content_policy), ("none", "")):
        configure(company, "lin", content_policy=chosen)
        with company.platform.read() as session:
            (route,) = publishing.policy(session, book, company.platform.clock.now()).routes
        assert route.content_policy == carried
    with pytest.raises(rules.UnfitOptions, match="lenient is none of the rulebook's"):
        configure(company, "lin", content_policy="lenient")


def test_a_content_policy_that_the_rulebook_has_dropped_gives_way_to_its_default() -> None:
    assert rules.content_policy("gone", known=["default", "strict"], default="default") == "default"
