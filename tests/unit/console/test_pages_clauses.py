"""The board of clauses and what proves them: what is on the screen is what is exported, and nothing hides its state."""

import csv
import io
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.evidence.tables import Artefact
from gnomon.control.rulebook import jobs as _checks  # noqa: F401 - the checks that answer controls
from gnomon.control.rulebook.rules import load
from gnomon.kit import services
from gnomon.kit.outbox import JobRow
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.console import cookie, make_console
from tests.fakes.platform import do

HTML = {"accept": "text/html", "accept-language": "zh"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestClient, Platform, str]:
    folder: Path = tmp_path_factory.mktemp("console")
    app, platform = make_console(folder)
    file = services.blobs().put("安装日志".encode())
    required = dict.fromkeys(load().evidence_kind("probe").facts)
    facts = required | {"found": {"cpu_cores": 8}, "declared": {"cpu_cores": 4}, "mismatches": []}
    made = do(
        platform,
        "system",
        evidence.record,
        source="deployments.environment_probed",
        kind="probe",
        subject=("deployment", "d-1"),
        state=State.MET,
        facts=facts,
        file=("日志.txt", file),
    )
    client = TestClient(app, base_url="http://gnomon.test", headers=HTML, follow_redirects=False)
    return client, platform, made.id


def as_person(site: tuple[TestClient, Platform, str], login: str) -> TestClient:
    client, platform, _ = site
    client.cookies.clear()
    client.cookies.update(cookie(platform, login))
    return client


def test_the_totals_add_up_and_nothing_unmeasured_is_green(site: tuple[TestClient, Platform, str]) -> None:
    text = as_person(site, "rong").get("/clauses").text
    tiles = [int(n) for n in re.findall(r'class="value">(\d+)', text)]
    assert sum(tiles) == len(load().clauses)
    assert "58 条条款中 0 条达标" in text
    assert "证据过期或缺失" in text


def test_an_export_equals_the_filtered_and_searched_table(site: tuple[TestClient, Platform, str]) -> None:
    client = as_person(site, "rong")
    address = "/clauses?q=审批&policy=OPS&sort=-clause&col=clause&col=title"
    shown = re.findall(r'class="code" href="/clauses/([A-Z]+-[\d.]+)" data-open', client.get(address).text)
    rows = list(csv.reader(io.StringIO(client.get(address + "&export=csv").content.decode("utf-8-sig"))))
    assert rows[0] == ["条款", "名称"]
    assert [row[0] for row in rows[1:]] == shown
    assert shown == sorted(shown, reverse=True)
    assert 0 < len(shown) < 24
    sheet = load_workbook(io.BytesIO(client.get(address + "&export=xlsx").content)).active
    assert sheet is not None
    assert [[cell.value for cell in row] for row in sheet.rows] == rows
    assert client.get(address + "&export=pdf").status_code == 400


def test_who_may_not_export_sees_why_and_is_refused(site: tuple[TestClient, Platform, str]) -> None:
    client = as_person(site, "wei")
    text = client.get("/clauses").text
    assert "需要「导出条款」权限，可联系" in text
    refused = client.get("/clauses?export=csv")
    assert refused.status_code == 403
    assert "审计员" in refused.text


def test_a_clause_shows_its_evidence_with_time_and_hash(site: tuple[TestClient, Platform, str]) -> None:
    client = as_person(site, "shen")
    text = client.get("/clauses/OPS-1.2").text
    assert f"/evidence/{site[2]}" in text
    assert "证据有效且达标" in text
    assert "尚无证据" in text
    assert "CPU 核数" in text
    control = next(one for one in load().controls if one.source == "people.conflicting_grants")
    assert "需要「运行管控措施」权限" in client.get(f"/clauses/{control.clauses[0]}").text
    assert client.get("/clauses/OPS-9.9").status_code == 404


def test_a_control_is_run_by_its_button(site: tuple[TestClient, Platform, str]) -> None:
    client, platform, _ = site
    as_person(site, "lin")
    control = next(one for one in load().controls if one.source == "people.conflicting_grants")
    assert f"/controls/{control.id}/run" in client.get(f"/clauses/{control.clauses[0]}").text
    sent = client.post(f"/controls/{control.id}/run", data={"back": "//evil.test"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/clauses")
    with platform.read() as session:
        assert [row.subject for row in session.query(JobRow)] == ["people.conflicting_grants"]
    manual = next(one for one in load().controls if one.kind == "manual")
    assert client.post(f"/controls/{manual.id}/run").status_code == 409


def test_evidence_tells_whether_it_is_still_what_it_was(site: tuple[TestClient, Platform, str]) -> None:
    client, platform, id = site
    as_person(site, "shen")
    text = client.get(f"/evidence/{id}").text
    assert "内容完整" in text
    assert "OPS-1.2" in text
    file = client.get(f"/evidence/{id}/file")
    assert file.content.decode() == "安装日志"
    assert "filename*=UTF-8''%E6%97%A5%E5%BF%97.txt" in file.headers["content-disposition"]
    with platform.database.session() as session:
        kept = session.get_one(Artefact, id)
        kept.facts = {**kept.facts, "found": {"cpu_cores": 80}}
        session.commit()
    assert "内容与哈希不符" in client.get(f"/evidence/{id}").text
    assert "不予采信" in client.get("/clauses/OPS-1.2").text


def test_evidence_is_not_for_administrators(site: tuple[TestClient, Platform, str]) -> None:
    client = as_person(site, "admin")
    assert client.get(f"/evidence/{site[2]}").status_code == 403
    page = client.get("/clauses/OPS-1.2")
    assert page.status_code == 200
    assert "看不到证据" in page.text
    assert site[2] not in page.text
