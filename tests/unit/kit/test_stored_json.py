"""JSON is stored with its characters as they are: whoever searches the stored bytes finds them."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gnomon.kit.outbox import JobRow
from tests.fakes.platform import MONDAY, make_platform


@pytest.mark.parametrize(("value", "stored"), [("京A13801", "京A13801"), ("\ud83d", "\\ud83d")])
def test_a_json_column_holds_characters(tmp_path: Path, value: str, stored: str) -> None:
    platform = make_platform(tmp_path)
    row = JobRow(id="job_1", name="x", subject="y", args={"v": value}, state="queued", created_at=MONDAY)
    row.actor_id, row.progress = "system:test", {}
    with platform.database.session() as session:
        session.add(row)
        session.commit()
    with platform.read() as session:
        raw = str(session.scalar(text("SELECT CAST(args AS TEXT) FROM kit_job")))
        assert stored in raw
        assert session.get_one(JobRow, "job_1").args == {"v": value}
