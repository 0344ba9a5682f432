"""A mask policy is tried on text, proposed with a reason, approved by others, and then in force as it was approved."""

from pathlib import Path
from typing import Any

import pytest

from gnomon.app.wiring import subscribe
from gnomon.control.approvals import actions as approvals
from gnomon.control.privacy import actions, queries, trying
from gnomon.control.privacy.schemas import Attempt, MaskPolicyChanged, NewMaskPolicy
from gnomon.guard.policy import BadMaskPolicy
from gnomon.kit import services
from gnomon.kit.errors import Conflict, Denied
from gnomon.kit.settings import Settings
from gnomon.kit.work import Bus, Platform
from tests.fakes.platform import do, make_platform

POLICY: dict[str, Any] = {
    "id": "export",
    "version": "1",
    "rules": [{"entity": "CN_MOBILE", "operator": "mask", "format": "3*4"}, {"entity": "*", "operator": "redact"}],
    "patterns": [{"entity": "CONTRACT_NO", "label": "合同号", "pattern": r"HT-\d{8}"}],
}


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    services.fill(settings=Settings(home=tmp_path))
    made = make_platform(tmp_path, bus=Bus())
    subscribe(made)
    made.bus._handlers[MaskPolicyChanged].clear()  # publishing has its own tests
    return made


def propose(platform: Platform, login: str = "wei", **changes: Any) -> str:
    new = NewMaskPolicy(content=POLICY | changes, reason="合同号要脱敏")
    return str(do(platform, login, actions.propose_policy, new).id)


def in_force(platform: Platform) -> list[str]:
    with platform.read() as session:
        return [f"{policy.id} {policy.version}" for policy in queries.mask_policies(session)]


def test_a_policy_is_in_force_after_both_seats_said_yes(platform: Platform) -> None:
    request = propose(platform)
    do(platform, "rong", approvals.vote, request, approve=True, comment="同意")
    assert in_force(platform) == []
    do(platform, "lin", approvals.vote, request, approve=True, comment="同意")
    assert in_force(platform) == ["export 1"]
    with pytest.raises(Conflict, match="version"):
        propose(platform)


def test_a_rejected_policy_changes_nothing_and_authors_do_not_vote(platform: Platform) -> None:
    request = propose(platform, "lin")
    with pytest.raises(Denied):
        do(platform, "lin", approvals.vote, request, approve=True, comment="自己同意")
    do(platform, "rong", approvals.vote, request, approve=False, comment="不同意")
    assert in_force(platform) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"rules": [{"entity": "NOBODY", "operator": "mask"}]},
        {"rules": [{"entity": "EMAIL", "operator": "shout"}]},
        {"patterns": [{"entity": "X", "label": "x", "pattern": "(a+)+"}]},
        {"version": 3},
    ],
)
def test_what_could_not_mask_is_not_proposed(platform: Platform, changes: dict[str, Any]) -> None:
    with pytest.raises(BadMaskPolicy):
        propose(platform, **changes)


def test_a_policy_is_tried_before_it_is_in_force() -> None:
    attempt = Attempt(text="合同HT-20240001，电话13812345678", content=POLICY)
    seen = trying.tried(trying.read(POLICY), attempt)
    assert seen["masked"] == "合同⟦合同号⟧，电话138****5678"
    assert [(span["entity"], span["operator"]) for span in seen["spans"]] == [
        ("CONTRACT_NO", "redact"), ("CN_MOBILE", "mask"),
    ]  # fmt: skip
