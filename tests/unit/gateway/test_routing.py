"""Which target answers."""

import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.backends.limits_local import LimitsLocal
from gnomon.contract.bundle import Canary, Policy, RetreatRule, Target
from gnomon.gateway import routing
from gnomon.gateway.refusal import Refusal
from gnomon.gateway.snapshot import PreparedRoute, prepare
from tests.fakes.bundle import make_home
from tests.unit.gateway.fake_guard import FakeMasker


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return make_home(tmp_path_factory.mktemp("home"), upstream_url="http://127.0.0.1:9/v1").policy


@pytest.fixture
def limits(tmp_path: Path) -> LimitsLocal:
    return LimitsLocal(tmp_path / "l.shm")


def route(
    policy: Policy, weights: dict[str, float], *, canary: Canary | None = None, sticky: bool = True
) -> PreparedRoute:
    targets = tuple(Target(id=i, upstream="up", model="m", weight=w) for i, w in weights.items())
    changed = msgspec.structs.replace(policy.routes[0], targets=targets, canary=canary, sticky=sticky)
    home = msgspec.structs.replace(policy, routes=(changed,))
    from gnomon.contract.bundle import Roster

    roster = Roster(epoch=1, serial=1, issued_at=0.0, keys=(), bans=())
    return prepare(home, roster, masker=lambda p: FakeMasker(p, b"")).routes["gnomon-chat"]


def first(found: PreparedRoute, caller: str, limits: LimitsLocal) -> str:
    return routing.choose(found, named="", caller=caller, limits=limits).targets[0].target.id


def test_shares_follow_weights_and_a_caller_stays(policy: Policy, limits: LimitsLocal) -> None:
    found = route(policy, {"a": 3.0, "b": 1.0, "c": 0.0})
    chosen = [first(found, f"caller {n}", limits) for n in range(2000)]
    assert 0.70 < chosen.count("a") / 2000 < 0.80
    assert "c" not in chosen
    assert chosen == [first(found, f"caller {n}", limits) for n in range(2000)]


@given(weight=st.floats(0.1, 10))
@settings(max_examples=10, deadline=None)
def test_a_new_target_moves_only_callers_to_itself(
    policy: Policy, tmp_path_factory: pytest.TempPathFactory, weight: float
) -> None:
    limits = LimitsLocal(tmp_path_factory.mktemp("limits") / "l.shm")
    before, after = route(policy, {"a": 1, "b": 1}), route(policy, {"a": 1, "b": 1, "c": weight})
    for n in range(100):
        was, now = first(before, f"c{n}", limits), first(after, f"c{n}", limits)
        assert now in (was, "c")
    limits.close()


@pytest.mark.parametrize("sticky", [True, False])
def test_a_canary_gets_its_share_and_nothing_after_its_retreat(
    policy: Policy, limits: LimitsLocal, sticky: bool
) -> None:
    rule = RetreatRule(indicator="latency_ratio_over", limit=0.1, latency_ms=100, min_requests=1)
    canary = Canary(id="c1", target="new", share=0.2, watch_until=time.time() + 60, rules=(rule,))
    found = route(policy, {"main": 1.0, "new": 1.0}, canary=canary, sticky=sticky)
    chosen = [routing.choose(found, named="", caller=f"c{n}", limits=limits) for n in range(2000)]
    on_canary = [c for c in chosen if c.canary]
    assert 0.16 < len(on_canary) / 2000 < 0.24
    assert {c.targets[0].target.id for c in on_canary} == {"new"}
    assert {c.targets[0].target.id for c in chosen if not c.canary} == {"main"}
    assert [t.target.id for t in on_canary[0].targets] == ["new", "main"]  # someone answers when the canary cannot
    limits.canary_result(canary, failed=False, slow=True)
    assert {first(found, f"c{n}", limits) for n in range(500)} == {"main"}


def test_a_route_without_weights_answers_only_by_name(policy: Policy, limits: LimitsLocal) -> None:
    found = route(policy, {"a": 0.0})
    assert routing.choose(found, named="a", caller="x", limits=limits).targets[0].target.id == "a"
    with pytest.raises(Refusal) as refused:
        first(found, "x", limits)
    assert (refused.value.status, dict(refused.value.headers)) == (503, {"retry-after": "5"})
