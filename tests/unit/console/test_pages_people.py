"""People and rights: a link is shown once, duties stay separate, the matrix on the page is the one in force."""

import csv
import io
import re
from pathlib import Path

import pytest

from gnomon.control.people import queries
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.console import PASSWORD, cookie, make_console

HTML = {"accept": "text/html", "accept-language": "zh"}
NEW = {"login": "zhang.wei", "name": "张伟", "team": "technical"}


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


def test_an_invited_person_gets_in_by_the_link(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "admin")
    made = client.post("/admin/users", data=NEW)
    token = re.findall(r"invitation\?token=([\w-]+)", made.text)[0]
    assert token not in client.get("/admin/users").text
    client.cookies.clear()
    client.post("/invitation", data={"token": token, "password": PASSWORD, "again": PASSWORD})
    assert "张伟" in client.get("/me").text
    assert client.get("/").status_code == 200  # nothing to do yet, and no error either
    with site[1].read() as session:
        invited = queries.by_login(session, NEW["login"])
    assert invited
    assert invited.posts == []


def test_what_is_wrong_with_an_invitation_stands_beside_its_field(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "admin")
    wrong = client.post("/admin/users", data={"login": "张", "name": "", "team": "x"})
    assert wrong.status_code == 400
    for text in ("小写字母、数字", "填写姓名", "选择团队"):
        assert text in wrong.text
    assert "这个账号已经有人用了" in client.post("/admin/users", data=NEW | {"login": "wei"}).text


def test_who_creates_accounts_gives_no_posts_and_the_other_way_round(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "admin")
    assert "需要「分配人员」权限，可联系安全管理员" in client.get("/admin/users").text
    change = {"posts": ["engineer", "risk_officer"], "reason": "轮岗"}
    assert client.post("/admin/users/wei/posts", data=change).status_code == 403
    client = as_person(site, "an")
    assert client.post("/admin/users", data=NEW | {"login": "other"}).status_code == 403
    assert client.post("/admin/users/wei/posts", data=change).status_code == 303
    with site[1].read() as session:
        assert queries.person(session, "wei").posts == ["engineer", "risk_officer"]
    assert client.post("/admin/users/wei/posts", data={"reason": "清空"}).status_code == 400
    both = client.post("/admin/users/wei/posts", data={"posts": ["auditor", "engineer"], "reason": "兼任"})
    assert both.status_code == 409
    assert "不能由同一人兼任" in both.text


def test_a_disabled_person_is_out_at_once(site: tuple[TestClient, Platform]) -> None:
    gone = cookie(site[1], "ren")
    client = as_person(site, "an")
    assert client.post("/admin/users/ren/disable", data={"reason": "离职"}).status_code == 303
    client.cookies.clear()
    client.cookies.update(gone)
    assert client.get("/me").status_code == 303


def test_a_new_link_ends_the_old_password(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "admin")
    cookie(site[1], "bai")
    assert "白经理的邀请链接" in client.post("/admin/users/bai/invitation").text
    client.cookies.clear()
    assert client.post("/sign-in", data={"account": "bai", "password": PASSWORD}).status_code == 401
    with site[1].read() as session:
        assert queries.person(session, "bai").posts == []


def test_the_matrix_on_the_page_is_the_one_in_force(site: tuple[TestClient, Platform]) -> None:
    client = as_person(site, "shen")
    with site[1].read() as session:
        matrix = queries.matrix(session).permissions
    rows = list(csv.DictReader(io.StringIO(client.get("/permissions?export=csv").content.decode("utf-8-sig"))))
    assert len(rows) == len(matrix)
    assert sum(value == "✓" for row in rows for value in row.values()) == sum(len(held) for held in matrix.values())
    text = client.get("/permissions?resource=audit").text
    assert text.count('scope="row"') == sum(name.startswith("audit.") for name in matrix)
    assert "审计员不得兼任工程师" in text
    assert as_person(site, "lin").get("/permissions?export=csv").status_code == 403
