"""One search over the registers: by number and name, only what the person may see, and nothing for a single letter."""

from pathlib import Path

import pytest

from gnomon.contract.verdicts import State
from gnomon.control.evidence import actions as evidence
from gnomon.control.findings import actions as findings
from gnomon.control.findings.schemas import NewFinding
from gnomon.control.privacy import actions as privacy
from gnomon.control.rulebook.rules import load
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.console import cookie, make_console
from tests.fakes.platform import do

HTML = {"accept": "text/html", "accept-language": "zh"}
SITE = tuple[TestClient, Platform, str, str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SITE:
    folder: Path = tmp_path_factory.mktemp("console")
    app, platform = make_console(folder)
    proof = do(
        platform, "system", evidence.record, source="test", kind="measurement", subject=("model", "qa"),
        state=State.NOT_MET, facts=dict.fromkeys(load().evidence_kind("measurement").facts),
    )  # fmt: skip
    raised = NewFinding(
        title="多语言准确率偏低",
        severity="high",
        subject_kind="model",
        subject_id="qa",
        evidence_ids=[proof.id],
        clauses=["REM-1.4"],
    )
    number = do(platform, "rong", findings.raise_finding, raised).number
    do(platform, "system", privacy.put_policy, load().mask_policy())
    return (
        TestClient(app, base_url="http://gnomon.test", headers=HTML, follow_redirects=False),
        platform,
        number,
        proof.id,
    )


def search(site: SITE, login: str, text: str) -> str:
    client, platform, *_ = site
    client.cookies.clear()
    client.cookies.update(cookie(platform, login))
    answer = client.get("/search", params={"q": text})
    assert answer.status_code == 200
    return answer.text


def test_a_record_is_found_by_number_and_by_words_of_its_name(site: SITE) -> None:
    for text in (site[2], site[2].lower(), "准确率 多语言"):
        assert 'data-hit="问题台账"' in search(site, "rong", text)
    assert 'href="/clauses/REM-1.4"' in search(site, "rong", "rem-1.4")
    assert 'href="/privacy/policies/default"' in search(site, "wei", "default")
    assert f'href="/evidence/{site[3]}"' in search(site, "rong", site[3])
    assert "没有找到「无此物」" in search(site, "rong", "无此物")


def test_nobody_finds_what_they_may_not_see(site: SITE) -> None:
    assert 'data-hit="人员"' in search(site, "admin", "荣主任")
    assert 'data-hit="人员"' not in search(site, "wei", "荣主任")


def test_one_letter_finds_nothing_and_markup_stays_text(site: SITE) -> None:
    assert "data-hit" not in search(site, "rong", "准")
    assert "<b>x" not in search(site, "rong", "<b>x")


def test_a_stranger_is_led_to_sign_in(site: SITE) -> None:
    site[0].cookies.clear()
    answer = site[0].get("/search?q=rem")
    assert (answer.status_code, answer.headers["location"].startswith("/sign-in")) == (303, True)
