"""The calendar day is the company's, not the one in London."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.findings import actions as findings
from gnomon.control.findings.schemas import NewFinding
from gnomon.kit import clock, services
from gnomon.kit.settings import Settings
from tests.fakes.platform import do, make_platform

LATE = datetime(2026, 12, 31, 17, 0, tzinfo=UTC)  # one o'clock on New Year's morning in Shanghai


@pytest.mark.parametrize(("zone", "day"), [("Asia/Shanghai", date(2027, 1, 1)), ("UTC", date(2026, 12, 31))])
def test_today_is_where_the_company_is(zone: str, day: date) -> None:
    assert clock.today(LATE, zone) == day


def test_numbers_carry_the_year_of_the_company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_shared", {"settings": Settings(home=tmp_path)})
    platform = make_platform(tmp_path)
    platform.clock = clock.FakeClock(LATE)
    proof = do(
        platform, "system", evidence.record, source="test.seen", kind="measurement", subject=("a", "b"), state=State.MET
    )
    fields = {"title": "t", "severity": "low", "subject_kind": "a", "subject_id": "b", "evidence_ids": [proof.id]}
    new = NewFinding.model_validate(fields)
    assert do(platform, "lin", findings.raise_finding, new).number.startswith("F-2027-")
    platform.database.close()
