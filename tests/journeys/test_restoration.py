"""What a caller wrote is masked on its way and in the record, and comes back after a yes of risk control only."""

import pytest

from gnomon.cli.client import ApiError
from tests.fakes.upstream import Script
from tests.journeys.installation import Installation, question

pytestmark = pytest.mark.journey

MOBILE = "13612340987"


def test_a_stored_request_is_read_as_it_was_after_an_approval(house: Installation) -> None:
    house.upstream.script = Script(reply="好的，已登记。")
    with house.client() as desk:
        answer = desk.post("/v1/chat/completions", json=question(f"请回拨{MOBILE}"))
    id = answer.headers["x-request-id"]
    assert MOBILE not in str(house.stored([id])[id])
    asked = {"record_id": id, "ticket": "T-2041", "reason": "客户投诉，核对原始号码"}
    with house.as_("wei") as wei:
        row = wei.post("/api/v1/privacy/restorations", asked)
    with house.as_("bai") as bai, pytest.raises(ApiError, match="asked"):
        bai.post(f"/api/v1/privacy/restorations/{row['id']}/read")
    with house.as_("ren") as ren:
        ren.post(f"/api/v1/approvals/{row['approval_id']}/votes", {"approve": True, "comment": "已核对工单"})
    with house.as_("bai") as bai:
        seen = bai.post(f"/api/v1/privacy/restorations/{row['id']}/read")
    assert f"请回拨{MOBILE}" in seen["request"]
