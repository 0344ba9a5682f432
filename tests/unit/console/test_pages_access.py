"""Keys and bans: a secret is shown once, every change has a reason, every button says why it is off."""

import re
from pathlib import Path

import pytest

from gnomon.contract.traffic import DefenceNotice
from gnomon.control.access import actions, queries
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.console import cookie, make_console
from tests.fakes.platform import do

HTML = {"accept": "text/html", "accept-language": "zh"}
KEY = {"caller": "信贷客服", "team": "business", "models": "*", "scopes": "chat"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestClient, Platform]:
    folder: Path = tmp_path_factory.mktemp("console")
    app, platform = make_console(folder)
    return TestClient(app, base_url="http://gnomon.test", headers=HTML, follow_redirects=False), platform


def as_person(site: tuple[TestClient, Platform], login: str) -> TestClient:
    client, platform = site
    client.cookies.clear()
    client.cookies.update(cookie(platform, login))
    return client


def test_the_text_of_a_key_is_in_one_answer_and_nowhere_else(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "an")
    issued = client.post("/access/keys", data=KEY | {"until": "2099-12-31", "requests_per_minute": "60"})
    assert issued.status_code == 200
    secret = re.findall(r'value="(gn-[a-z]+_[^"]+)"', issued.text)[0]
    listed = client.get("/access").text
    assert secret not in listed
    assert secret.split("_")[1] in listed
    with site[1].read() as session:
        assert secret not in str([vars(key) for key in queries.keys(session)])


def test_what_is_wrong_with_a_new_key_stands_beside_its_field(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "an")
    wrong = {"caller": "", "team": "nobody", "until": "2020-01-01", "concurrency": "-1"}
    answer = client.post("/access/keys", data=wrong)
    assert answer.status_code == 400
    for text in ("填写调用方", "选择团队", "至少选一个模型", "至少选一种用途", "今天或以后", "不小于 0"):
        assert text in answer.text
    assert "data-open-now" in answer.text


def test_only_who_may_issues_and_the_others_see_why(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "lin")
    assert "需要「签发密钥」权限，可联系安全管理员" in client.get("/access").text
    assert client.post("/access/keys", data=KEY).status_code == 403
    assert as_person(site, "wei").get("/access").status_code == 403


def test_a_key_is_revoked_with_a_reason(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "an")
    id = re.findall(r'id="revoke-(\w+)"', client.get("/access").text)[0]
    assert client.post(f"/access/keys/{id}/revoke", data={"reason": " "}).status_code == 400
    assert client.post(f"/access/keys/{id}/revoke", data={"reason": "泄露"}).status_code == 303
    assert "已吊销" in client.get("/access?state=revoked").text
    assert client.post(f"/access/keys/{id}/revoke", data={"reason": "再来"}).status_code == 409


def test_a_gateways_ban_waits_for_risk_control(site: tuple[TestClient, Platform]) -> None:
    client, platform = site
    now = platform.clock.now().timestamp()
    notice = DefenceNotice(
        id="ban_gw1", kind="ban", subject="ab" * 16, reason="guessing", at=now, until=now + 3600, facts={}
    )
    do(platform, "system", actions.take_over_ban, notice)
    as_person(site, "lin")
    assert "需要「解除封禁」权限" in client.get("/bans").text
    assert client.post("/bans/ban_gw1/confirm").status_code == 403
    as_person(site, "ren")
    assert "1 项封禁待风控确认" in client.get("/bans").text
    assert client.post("/bans/ban_gw1/confirm").status_code == 303
    assert "均已确认" in client.get("/bans").text
    assert client.post("/bans/ban_gw1/lift", data={"reason": "误报"}).status_code == 303
    assert "没有生效中的封禁" in client.get("/bans").text


def test_a_person_imposes_a_ban_for_some_hours(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "ren")
    ban = {"kind": "address", "value": "cd" * 16, "hours": "1.5", "reason": "撞库"}
    assert client.post("/bans", data=ban | {"hours": "0"}).status_code == 400
    assert client.post("/bans", data=ban | {"kind": "x"}).status_code == 400
    assert client.post("/bans", data=ban).status_code == 303
    with site[1].read() as session:
        made = queries.bans(session, active_at=site[1].clock.now())[0]
    assert round((made.until - made.at).total_seconds()) == 5400


def test_a_quota_is_set_told_and_taken_away(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "lin")
    subject = {"subject": "team:business", "reason": "公平使用"}
    wrong = client.post("/quotas", data={"subject": "team:nobody", "reason": "公平", "concurrency": "-1"})
    assert wrong.status_code == 400
    for text in ("选择对象", "填写不小于 0 的数"):
        assert text in wrong.text
    assert (
        client.post("/quotas", data=subject | {"requests_per_minute": "60", "cost_per_day": "2.5"}).status_code == 303
    )
    listed = client.get("/quotas").text
    assert "公平使用" in listed
    assert "2.5" in listed
    assert client.post("/quotas", data=subject).status_code == 303
    with site[1].read() as session:
        assert queries.roster_quotas(session) == ()


def test_only_the_technical_lead_sets_quotas(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "wei")
    assert "需要「编辑配额」权限" in client.get("/quotas").text
    assert client.post("/quotas", data={"subject": "team:business", "reason": "xx"}).status_code == 403


def test_the_owner_appeals_and_risk_control_decides_with_the_facts_before_it(site: tuple[TestClient, Platform]) -> None:
    client, platform = site
    key = re.findall(r'id="revoke-(\w+)"', as_person(site, "an").get("/access").text)
    if not key:
        as_person(site, "an").post("/access/keys", data=KEY | {"until": "2099-12-31"})
        key = re.findall(r'id="revoke-(\w+)"', client.get("/access").text)
    facts = {"level": 3.0, "distinct_hour": 2310.0, "limit": 540.0, "baseline_days": 21.0}
    now = platform.clock.now().timestamp()
    notice = DefenceNotice(
        id="ban_w1", at=now, kind="suspicion", subject=f"key:{key[0]}", reason="scraping", facts=facts
    )
    do(platform, "system", actions.answer_suspicion, notice)
    page = as_person(site, "bai").get("/bans/ban_w1").text
    for text in ("批量爬取", "2,310", "未经风控确认，只生效到", "需要「确认封禁」权限"):
        assert text in page
    assert client.post("/bans/ban_w1/appeals", data={"reason": "月末质检"}).status_code == 303
    assert client.post("/bans/ban_w1/appeals", data={"reason": "月末质检"}).status_code == 409
    with platform.read() as session:
        (appeal,) = queries.appeals(session, "ban_w1")
    address = f"/bans/ban_w1/appeals/{appeal.id}"
    assert client.post(f"{address}/grant", data={"reason": "属实"}).status_code == 403
    as_person(site, "rong")
    assert "申诉：月末质检" in client.get("/").text
    assert "待决定" in client.get("/bans/ban_w1").text
    assert client.post(f"{address}/grant", data={"reason": "属实"}).status_code == 303
    page = client.get("/bans/ban_w1").text
    assert "准予，已解除" in page
    assert "已不再生效" in page
