"""Signing in, the first password, and errors told as pages to people and as JSON to programs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gnomon.kit.web import COOKIE
from gnomon.kit.work import Platform
from tests.fakes.client import TestClient
from tests.fakes.console import PASSWORD, cookie, invite, make_console

HTML = {"accept": "text/html", "accept-language": "zh"}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> tuple[TestClient, Platform]:
    folder: Path = tmp_path_factory.mktemp("console")
    app, platform = make_console(folder)
    return TestClient(app, base_url="http://gnomon.test", headers=HTML, follow_redirects=False), platform


@pytest.fixture
def client(console: tuple[TestClient, Platform]) -> Iterator[TestClient]:
    console[0].cookies.clear()
    yield console[0]
    console[0].cookies.clear()


@pytest.fixture
def platform(console: tuple[TestClient, Platform]) -> Platform:
    return console[1]


def test_a_stranger_is_led_to_the_sign_in_page_and_back(client: TestClient, platform: Platform) -> None:
    sent = client.get("/me?x=1")
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=/me%3Fx%3D1")
    cookie(platform, "lin")
    form = client.get(sent.headers["location"])
    assert 'name="next" value="/me?x=1"' in form.text
    done = client.post("/sign-in", data={"account": "lin", "password": PASSWORD, "next": "/me?x=1"})
    assert (done.status_code, done.headers["location"]) == (303, "/me?x=1")
    assert COOKIE in done.cookies
    assert "林工" in client.get("/me").text
    assert client.get("/sign-in").status_code == 303


def test_a_wrong_password_says_so_beside_the_field_and_keeps_the_account(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"account": "ren", "password": "wrong", "next": "//evil.test"})
    assert answer.status_code == 401
    assert "账号或密码不对" in answer.text
    assert 'value="ren"' in answer.text
    assert "evil" not in answer.text
    assert COOKIE not in answer.cookies
    assert client.post("/sign-in", data={"account": ""}).status_code == 400


def test_five_wrong_passwords_lock_the_name(client: TestClient) -> None:
    for _ in range(5):
        client.post("/sign-in", data={"account": "guo", "password": "wrong"})
    locked = client.post("/sign-in", data={"account": "guo", "password": "wrong"})
    assert locked.status_code == 429
    assert "15 分钟内密码错了 5 次" in locked.text


def test_an_invitation_sets_the_first_password_once(client: TestClient, platform: Platform) -> None:
    token = invite(platform, "wei")
    assert "魏工，你的账号是 wei" in client.get(f"/invitation?token={token}").text
    short = client.post("/invitation", data={"token": token, "password": "short", "again": "short"})
    assert short.status_code == 400
    assert "至少 10 个字符" in short.text
    differ = client.post("/invitation", data={"token": token, "password": PASSWORD, "again": PASSWORD + "x"})
    assert "两次输入的密码不一致" in differ.text
    done = client.post("/invitation", data={"token": token, "password": PASSWORD, "again": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    spent = client.get(f"/invitation?token={token}")
    assert spent.status_code == 404
    assert "已用过" in spent.text


def test_signing_out_ends_the_session_on_the_server(client: TestClient, platform: Platform) -> None:
    kept = cookie(platform, "bai")
    client.cookies.update(kept)
    assert client.post("/sign-out").headers["location"] == "/sign-in"
    client.cookies.update(kept)
    assert client.get("/me").status_code == 303


def test_the_language_of_a_person_is_kept_for_all_devices(client: TestClient, platform: Platform) -> None:
    client.cookies.update(cookie(platform, "shen"))
    assert client.post("/me/language", data={"locale": "en"}).status_code == 303
    assert '<html lang="en"' in client.get("/me").text
    client.cookies.clear()
    client.post("/sign-in", data={"account": "shen", "password": PASSWORD})
    assert '<html lang="en"' in client.get("/me").text
    assert client.post("/me/language", data={"locale": "fr"}).status_code == 400


def test_errors_are_pages_for_people_and_json_for_programs(client: TestClient) -> None:
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert "没有这个页面或记录" in page.text
    assert client.get("/nowhere", headers={"accept": "*/*"}).json()["error"]["code"] == "not_found"
    assert client.get("/api/v1/nowhere").json()["error"]["code"] == "not_found"
    assert client.put("/me").status_code == 405
    assert client.post("/me/language", data={"locale": "en"}).status_code == 401
