"""Reading the trail: by who, what, object, time and outcome; the chain's verdict is recomputed, not believed."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from gnomon.control.access import actions as access
from gnomon.control.access.schemas import NewBan
from gnomon.control.audit.sealer import Sealer
from gnomon.kit.errors import Denied
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.console import cookie, make_console
from tests.fakes.platform import do

HTML = {"accept": "text/html", "accept-language": "zh"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestClient, Platform]:
    folder: Path = tmp_path_factory.mktemp("console")
    app, platform = make_console(folder)
    ban = NewBan(kind="address", value="203.0.113.9", reason="撞库", minutes=60)
    made = do(platform, "rong", access.ban, ban)
    do(platform, "ren", access.lift_ban, made.id, reason="误报")
    with pytest.raises(Denied):
        do(platform, "shen", access.ban, ban)
    return TestClient(app, base_url="http://gnomon.test", headers=HTML, follow_redirects=False), platform


def as_person(site: tuple[TestClient, Platform], login: str) -> TestClient:
    client, platform = site
    client.cookies.clear()
    client.cookies.update(cookie(platform, login))
    return client


def test_entries_are_found_by_person_deed_object_and_outcome(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "shen")
    assert "哈希链尚未校验过" in client.get("/audit").text
    lifted = client.get("/audit?what=ban.&actor=ren").text
    assert "解除封禁" in lifted
    assert "误报" in lifted
    assert "实施封禁" not in lifted.split('id="list"')[1]
    assert "被拒绝" in client.get("/audit?outcome=denied").text.split('id="list"')[1]
    assert "没有符合条件的记录" in client.get("/audit?until=2020-01-01").text
    assert client.get("/audit?since=gestern").status_code == 400


def test_an_export_has_the_rows_and_columns_of_the_screen(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "shen")
    file = client.get("/audit?what=ban.&col=who&col=what&col=outcome&export=csv").content.decode("utf-8-sig")
    assert file.splitlines() == [
        "谁,做了什么,结果",
        "沈审计,实施封禁,被拒绝",
        "任专员,解除封禁,成功",
        "荣主任,实施封禁,成功",
    ]


def test_who_may_not_look_is_refused_and_who_may_not_export_too(site: tuple[TestClient, Platform]) -> None:
    assert as_person(site, "lin").get("/audit").status_code == 403
    client = as_person(site, "rong")
    assert "需要「导出审计记录」权限" in client.get("/audit").text
    assert client.get("/audit?export=csv").status_code == 403


def test_the_chain_is_recomputed_and_an_altered_entry_is_named(site: tuple[TestClient, Platform]) -> None:
    client, platform = site
    as_person(site, "shen")
    assert "刚写入，正在入链" in client.get("/audit/1").text
    Sealer(platform, Ed25519PrivateKey.generate()).run_once()
    assert "链完整" in client.get("/audit/verify").text
    assert "这条记录与链上的哈希相符" in client.get("/audit/2").text
    with platform.database.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_entry_no_update"))
        connection.execute(text("UPDATE audit_entry SET actor_name = 'X' WHERE id = 2"))
    assert "链已被破坏：从第 2 条起不可信" in client.get("/audit/verify").text
    assert "这条记录入链后被改动过" in client.get("/audit/2").text
    assert client.get("/audit/999999").status_code == 404
