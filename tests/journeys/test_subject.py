"""A person whose number went through the gateway is found, gets a copy, and is erased to the last byte."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gnomon.engine.byte_search import search_apart
from tests.fakes.upstream import Script
from tests.journeys.installation import Installation, environment, question

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

MINE, OTHERS = "13612340987", "13987654321"
ROWS = [{"text": f"回访 {MINE}，很满意", "label": "正"}, {"text": f"回访 {OTHERS}，一般", "label": "负"}]


def cli(house: Installation, who: str, *arguments: str, stdin: str = "") -> str:
    """One command as this person."""
    done = subprocess.run(
        [sys.executable, "-m", "gnomon.cli.main", "subject", *arguments],
        env=os.environ | environment(house.settings) | {"GNOMON_TOKEN": house.tokens[who]},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_person_is_found_told_and_erased_to_the_last_byte(house: Installation, tmp_path: Path) -> None:
    house.upstream.script = Script(reply=f"请改拨{MINE}。")
    with house.client() as desk:
        mine = desk.post("/v1/chat/completions", json=question(f"我的号码是{MINE}")).headers["x-request-id"]
        house.upstream.script = Script(reply="好的。")
        others = desk.post("/v1/chat/completions", json=question(f"号码{OTHERS}，谢谢")).headers["x-request-id"]
        said = {"request_id": mine, "rating": 1, "comment": f"没人回电{MINE}"}
        assert desk.post("/v1/feedback", json=said).status_code == 200
    before = house.stored([mine, others])
    with house.as_("wei") as wei:
        new = {"name": "journey", "label": "v1", "source": "门店", "licence": "自有", "purpose": "train", "rows": ROWS}
        wei.post("/api/v1/datasets", new)

    opened = cli(house, "bai", "open", "--wants", "erase", stdin=f"CN_MOBILE +86 {MINE}\n")
    number = re.match(r"GR-\d{4}-\d{4}", opened)
    assert number
    cli(house, "ren", "verify", number[0], "document")
    found = cli(house, "ren", "find", number[0])
    assert f"traffic  {mine}  CN_MOBILE" in found
    assert others not in found
    assert MINE not in found
    assert "datasets: 1" in found

    cli(house, "ren", "export", number[0], "--out", str(tmp_path / "copy.zip"))
    told = cli(house, "ren", "check", str(tmp_path / "copy.zip"))
    assert number[0] in told

    with house.as_("ren") as ren:
        approval = ren.post(f"/api/v1/privacy/subjects/{number[0]}/erasure")["approval_id"]
    with house.as_("rong") as rong:
        rong.post(f"/api/v1/approvals/{approval}/votes", {"approve": True, "comment": "同意"})
        row = wait(house, number[0])
        job = rong.get(f"/api/v1/jobs/{row['job_id']}")
    assert row["state"] == "done", json.dumps(job) + json.dumps(row["outcome"], ensure_ascii=False)
    assert row["outcome"]["by_holder"]["datasets"] == 1
    assert row["outcome"]["found_again"] == 0
    assert row["outcome"]["left"] == []

    after = house.stored([mine, others])
    assert after[mine]["request"] in (None, "")
    assert after[others]["request"] == before[others]["request"]
    look = search_apart(house.home, [MINE, OTHERS])
    assert look.hits.keys() == {1}, look.hits  # the other one stands in the data set, as before
    with house.as_("shen") as shen:
        assert shen.get("/api/v1/audit/verify")["ok"]


def wait(house: Installation, number: str) -> dict[str, Any]:
    until = time.monotonic() + 90
    with house.as_("ren") as ren:
        while True:
            row: dict[str, Any] = ren.get(f"/api/v1/privacy/subjects/{number}")
            if row["state"] in ("done", "incomplete") or time.monotonic() > until:
                return row
            time.sleep(0.3)
