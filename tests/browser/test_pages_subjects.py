"""The pages of rights of persons, walked from the first word of a person to the proof, readable by everyone."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect

from gnomon.app import setup
from gnomon.app.control import create_app
from gnomon.app.wiring import build
from gnomon.contract.verdicts import State
from gnomon.control.catalog import actions as catalog
from gnomon.control.catalog.schemas import NewDataset
from gnomon.control.evidence import actions as evidence
from gnomon.control.people import actions as people
from gnomon.control.people.schemas import NewPerson
from gnomon.control.privacy.subjects import actions, queries
from gnomon.control.privacy.subjects.schemas import Identifier, IdentityCheck, NewRightsRequest
from gnomon.kit import services
from gnomon.kit.settings import Settings
from gnomon.kit.web import COOKIE
from gnomon.kit.work import Platform
from tests.browser.looks import LOCALES, accessible, painted_ms, readable
from tests.browser.test_pages_governance import _as, _enter
from tests.fakes.platform import do, run_jobs
from tests.fakes.records import StoredRecords

pytestmark = pytest.mark.browser
CAST = (
    ("bai", "白经理", "business", "business_lead"),
    ("wei", "魏工", "technical", "engineer"),
    ("ren", "任专员", "risk", "risk_officer"),
    ("rong", "荣主任", "risk", "risk_lead"),
)
MINE = "13812345678"
JOBS = ("privacy.rights_search", "privacy.rights_package", "privacy.rights_erase")
PICTURES = os.environ.get("GNOMON_PICTURES", "")  # a folder, for who wants to look


@dataclass(frozen=True)
class Site:
    url: str
    tokens: dict[str, str]
    platform: Platform
    done: str  # id of a request that has run its whole course


@pytest.fixture(scope="module")
def site(serve: Callable[[FastAPI], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, environment="demo")
    setup.upgrade(settings.database_url)
    platform = build(settings)
    records = StoredRecords(home / "records")
    services.fill(records=records)
    setup.install(platform, settings)
    tokens = {login: _enter(platform, token) for login, token in setup.first_administrators(platform).items()}
    for login, name, team, post in CAST:
        invited = _as(platform, tokens["admin"], people.invite, NewPerson(login=login, name=name, team=team))
        tokens[login] = _enter(platform, invited.token)
        _as(platform, tokens["security"], people.set_posts, invited.person_id, posts=[post], reason="到岗")
    rows = [{"text": f"我的号码是{MINE}", "label": "正"}, {"text": "很满意", "label": "正"}]
    new = NewDataset(name="reviews", label="v1", source="门店", licence="自有", purpose="train", rows=rows)
    _as(platform, tokens["wei"], catalog.add_dataset, new)
    late = NewRightsRequest(wants="find", identifiers=[Identifier(entity="EMAIL", value="li.lei@example.com")])
    _as(platform, tokens["bai"], actions.open_request, late)
    yield Site(serve(create_app(platform, settings)), tokens, platform, "")
    records.close()


Visit = Callable[..., tuple[Page, list[str]]]


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    contexts: list[BrowserContext] = []

    def open_page(path: str, *, who: str, locale: str = "zh-CN") -> Any:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale=locale)
        contexts.append(context)
        context.add_cookies([{"name": COOKIE, "value": site.tokens[who], "url": site.url}])
        page, complaints = context.new_page(), []
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site.url + path)
        return page, complaints

    yield open_page
    for context in contexts:
        context.close()


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def test_a_person_is_erased_from_the_first_word_to_the_proof(visit: Visit, site: Site) -> None:
    page, complaints = visit("/privacy/subjects", who="bai")
    page.get_by_role("button", name="登记请求").click()
    accessible(page)
    picture(page, "subjects-open")
    page.get_by_label("删除其信息").check()
    page.get_by_label("手机").fill(f"+86 {MINE}")
    page.get_by_role("button", name="登记并封存").click()
    expect(page.get_by_text("待核实身份").first).to_be_visible()
    assert MINE not in page.content()
    address = page.url.removeprefix(site.url)

    page, complaints = visit(address, who="ren")
    page.get_by_role("button", name="核实身份").click()
    page.locator("dialog[open]").get_by_role("button", name="已核实").click()
    page.get_by_role("button", name="查找", exact=True).click()
    expect(page.get_by_text("作业正在运行")).to_be_visible()
    run_jobs(site.platform, JOBS)
    page.reload()
    expect(page.get_by_role("row", name="数据集 1 0")).to_be_visible()
    page.get_by_role("button", name="制作副本").click()
    run_jobs(site.platform, JOBS)
    page.reload()
    with page.expect_download() as started:
        page.get_by_role("button", name="领取副本").click()
    assert started.value.suggested_filename.startswith("GR-")
    picture(page, "subject-found")
    page.get_by_role("button", name="提交删除审批").click()
    page.locator("#erase-confirm").fill(page.locator("h1").inner_text())
    page.locator("dialog[open]").get_by_role("button", name="提交审批").click()
    expect(page.get_by_text("待审批删除").first).to_be_visible()

    leader, _ = visit(address, who="rong")
    leader.get_by_role("link", name="审批", exact=True).first.click()
    leader.goto(f"{site.url}/approvals/{_approval(site, address)}")
    leader.get_by_role("button", name="批准").first.click()
    leader.locator("dialog[open] textarea").fill("核对无误")
    leader.locator("dialog[open]").get_by_role("button", name="批准").click()
    run_jobs(site.platform, JOBS)
    page.reload()
    expect(page.get_by_text("均未再查到应删内容")).to_be_visible()
    expect(page.get_by_text("已办结，封存标识的密钥已销毁。")).to_be_visible()
    assert complaints == []


def _approval(site: Site, address: str) -> str:
    with site.platform.read() as session:
        return queries.request(session, address.rpartition("/")[2]).approval_id


@pytest.fixture(scope="module")
def unread(site: Site) -> str:
    """The address of a request whose search met a file that nobody can look into."""
    platform, sealed = site.platform, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    file = ("附件.doc", services.blobs().put(sealed))
    do(
        platform,
        "system",
        evidence.record,
        source="x",
        kind="report",
        subject=("model", "m"),
        state=State.MET,
        file=file,
    )
    new = NewRightsRequest(wants="find", identifiers=[Identifier(entity="CN_MOBILE", value="13998765432")])
    id = _as(platform, site.tokens["bai"], actions.open_request, new).id
    _as(platform, site.tokens["ren"], actions.verify_identity, id, IdentityCheck(how="document"))
    _as(platform, site.tokens["ren"], actions.start_search, id)
    run_jobs(platform, JOBS)
    return f"/privacy/subjects/{id}"


@pytest.mark.parametrize("locale", LOCALES)
def test_what_could_not_be_read_is_told_at_any_width(visit: Visit, unread: str, locale: str) -> None:
    page, complaints = visit(unread, who="ren", locale=locale)
    page.locator("summary", has_text="未能读取的文件" if locale == "zh-CN" else "Files that could not be read").click()
    expect(page.get_by_text("evidence_artefact:")).to_be_visible()
    picture(page, f"subject-unread-{locale}")
    readable(page, complaints)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_pages_of_persons_can_be_read_by_everyone(visit: Visit, site: Site, locale: str) -> None:
    with site.platform.read() as session:
        ids = [row.id for row in queries.requests(session)]
    for name, path in [
        ("subjects", "/privacy/subjects"),
        *((f"subject-{n}", f"/privacy/subjects/{id}") for n, id in enumerate(ids)),
    ]:
        page, complaints = visit(path, who="ren", locale=locale)
        picture(page, f"{name}-{locale}")
        readable(page, complaints)
        page.close()


@pytest.mark.parametrize("path", ["/privacy/subjects", "a request"])
def test_the_pages_of_persons_are_quick_to_see(visit: Visit, site: Site, path: str) -> None:
    with site.platform.read() as session:
        path = path if path[0] == "/" else f"/privacy/subjects/{queries.requests(session)[0].id}"
    # What else the machine does only adds: one quick look is proof.
    assert any(painted_ms(visit(path, who="ren")[0]) < 1000 for _ in range(10))
