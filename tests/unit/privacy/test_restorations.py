"""What was masked is seen again only for a reason, after a yes of risk control, for a while, and each look is known."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gnomon.app.wiring import subscribe
from gnomon.control.approvals import actions as approvals
from gnomon.control.audit.tables import AuditEntry
from gnomon.control.privacy import actions, queries
from gnomon.control.privacy.restoring import NothingSealed, NotRestorable
from gnomon.control.privacy.schemas import NewRestoration
from gnomon.control.rulebook.rules import load
from gnomon.guard.placeholders import Vault
from gnomon.guard.policy import Masker
from gnomon.guard.sealed import CopySealer, SealedMapExpired
from gnomon.kit import services
from gnomon.kit.clock import FakeClock
from gnomon.kit.errors import Denied
from gnomon.kit.settings import Settings
from gnomon.kit.work import Platform
from tests.fakes.platform import MONDAY, do, make_platform

ASKED = NewRestoration(record_id="req_1", ticket="T-7", reason="客户投诉，需核对原始号码")
MOBILE = "13812345678"


class Records:
    """One record as a gateway leaves it."""

    def __init__(self) -> None:
        vault = Vault()
        self.request = Masker(load().mask_policy(), key=bytes(32)).mask(f"打{MOBILE}", "input", vault).text
        sealer = CopySealer(base64.b64decode(queries.restore_key()))
        expires_at = MONDAY.timestamp() + load().restorable_days * 86_400
        self.sealed = base64.b64encode(sealer.seal(vault, expires_at=expires_at)).decode()

    def query(self, name: str, **params: Any) -> list[dict[str, Any]]:
        assert name == "sealed"
        row = {"request": self.request, "reply": f"好的，已拨{self.request[1:]}", "sealed": self.sealed}
        return [row] if params["id"] == "req_1" else []


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    services.fill(settings=Settings(home=tmp_path))
    services.fill(records=Records())
    made = make_platform(tmp_path)
    subscribe(made)
    return made


def approve(platform: Platform, approval_id: str, *, by: str = "ren", yes: bool = True) -> None:
    do(platform, by, approvals.vote, approval_id, approve=yes, comment="已核对工单")


def wait(platform: Platform, **span: float) -> None:
    assert isinstance(platform.clock, FakeClock)
    platform.clock.advance(timedelta(**span))


def trail(platform: Platform) -> list[tuple[str, str, dict[str, Any]]]:
    with platform.read() as session:
        rows = session.query(AuditEntry).order_by(AuditEntry.id).all()
        return [(row.permission, row.outcome, row.facts) for row in rows if row.permission.startswith("restoration.")]


def test_after_a_yes_the_record_reads_as_it_was_and_every_look_is_in_the_trail(platform: Platform) -> None:
    row = do(platform, "wei", actions.request_restoration, ASKED)
    approve(platform, row.approval_id)
    seen = do(platform, "bai", actions.read_restored, row.id)
    assert seen == {"record": "req_1", "request": f"打{MOBILE}", "reply": f"好的，已拨{MOBILE}"}
    do(platform, "bai", actions.read_restored, row.id)
    entries = trail(platform)
    assert [name for name, _, _ in entries] == [
        "restoration.request", "restoration.note_decision", "restoration.perform", "restoration.perform",
    ]  # fmt: skip
    assert entries[-1][2]["reads"] == 2
    assert MOBILE not in str(entries)


def test_without_a_yes_nobody_reads_and_the_attempt_is_in_the_trail(platform: Platform) -> None:
    row = do(platform, "wei", actions.request_restoration, ASKED)
    with pytest.raises(NotRestorable, match="asked"):
        do(platform, "bai", actions.read_restored, row.id)
    approve(platform, row.approval_id, yes=False)
    with pytest.raises(NotRestorable, match="rejected"):
        do(platform, "bai", actions.read_restored, row.id)
    assert [outcome for name, outcome, _ in trail(platform) if name == "restoration.perform"] == ["failed", "failed"]


def test_who_asks_does_not_approve(platform: Platform) -> None:
    row = do(platform, "ren", actions.request_restoration, ASKED)
    with pytest.raises(Denied):
        approve(platform, row.approval_id, by="ren")
    approve(platform, row.approval_id, by="rong")


def test_an_approval_holds_for_its_hours(platform: Platform) -> None:
    row = do(platform, "wei", actions.request_restoration, ASKED)
    approve(platform, row.approval_id)
    wait(platform, hours=load().restoration_hours)
    with pytest.raises(NotRestorable, match="over"):
        do(platform, "bai", actions.read_restored, row.id)


def test_a_copy_ends_by_itself(platform: Platform) -> None:
    wait(platform, days=load().restorable_days)
    row = do(platform, "wei", actions.request_restoration, ASKED)
    approve(platform, row.approval_id)
    with pytest.raises(SealedMapExpired):
        do(platform, "bai", actions.read_restored, row.id)


def test_a_record_without_a_copy_cannot_be_asked_for(platform: Platform) -> None:
    with pytest.raises(NothingSealed):
        do(platform, "wei", actions.request_restoration, ASKED.model_copy(update={"record_id": "req_2"}))


def test_the_matrix_says_who_asks_and_who_reads() -> None:
    permissions = load().matrix.permissions
    assert set(permissions["restoration.perform"]) == {"business_lead"}
    assert "auditor" not in permissions["restoration.request"]


def test_what_was_masked_under_an_older_key_of_pseudonyms_is_restored_until_it_expires(platform: Platform) -> None:
    services.fill(records=(old := Records()))
    do(platform, "rong", actions.rotate_pseudonym_key)
    row = do(platform, "wei", actions.request_restoration, ASKED)
    approve(platform, row.approval_id)
    assert do(platform, "bai", actions.read_restored, row.id)["request"] == f"打{MOBILE}" != old.request
    wait(platform, days=load().restorable_days + 1)
    late = do(platform, "wei", actions.request_restoration, ASKED)
    approve(platform, late.approval_id)
    with pytest.raises(SealedMapExpired):
        do(platform, "bai", actions.read_restored, late.id)
