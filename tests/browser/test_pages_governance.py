"""The governance pages on the real control plane in a real browser: readable by all, quiet, usable without script."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect

from gnomon.app import setup
from gnomon.app.control import create_app
from gnomon.app.wiring import build
from gnomon.contract.traffic import DefenceNotice
from gnomon.contract.verdicts import State
from gnomon.control.access import actions as access
from gnomon.control.access.schemas import NewBan, NewKey
from gnomon.control.approvals import actions as approvals
from gnomon.control.evidence import actions as evidence
from gnomon.control.findings import actions as findings
from gnomon.control.findings.schemas import NewFinding
from gnomon.control.people import actions as people
from gnomon.control.people import queries
from gnomon.control.people.schemas import NewPerson
from gnomon.control.rulebook.rules import load
from gnomon.kit.settings import Settings
from gnomon.kit.web import COOKIE
from gnomon.kit.work import NOBODY, Platform, Work, action, system
from tests.browser.looks import LOCALES, accessible, readable

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
CAST = (
    ("lin", "林工", "technical", "technical_lead"),
    ("wei", "魏工", "technical", "engineer"),
    ("bai", "白经理", "business", "business_lead"),
    ("rong", "荣主任", "risk", "risk_lead"),
    ("shen", "沈审计", "audit", "auditor"),
    ("guo", "郭总", "management", "management"),
    ("an", "安管", "admin", "security_admin"),
)
PLAN = {
    "deployment": "BS-2026-001",
    "model": "finance-qa",
    "version": {"id": "version_1", "label": "base-1", "sha256": "0123456789abcdef" * 4},
    "plan": {
        "start": "2026-03-02T09:00:00+08:00",
        "end": "2026-03-02T11:00:00+08:00",
        "steps": [
            {"title": "安装依赖", "owner": "wei", "verification": "版本与锁定清单一致"},
            {"title": "初始化", "owner": "wei", "verification": "能应答"},
        ],
        "resources": [{"name": "CPU", "amount": "8 核"}],
        "rollback": {
            "trigger": "功能测试不通过",
            "decider": "lin",
            "steps": ["切回旧路由", "通知业务"],
            "limit_minutes": 15.0,
        },
    },
}


@dataclass(frozen=True)
class Site:
    """The address, the platform behind it, and an open session of each of the cast."""

    url: str
    tokens: dict[str, str]
    pages: dict[str, str]  # paths of records, by what they show


@pytest.fixture(scope="module")
def site(serve: Callable[[FastAPI], str], tmp_path_factory: pytest.TempPathFactory) -> Site:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, environment="demo")
    setup.upgrade(settings.database_url)
    platform = build(settings)
    setup.install(platform, settings)
    tokens = {login: _enter(platform, token) for login, token in setup.first_administrators(platform).items()}
    for login, name, team, post in CAST:
        invited = _as(platform, tokens["admin"], people.invite, NewPerson(login=login, name=name, team=team))
        tokens[login] = _enter(platform, invited.token)
        _as(platform, tokens["security"], people.set_posts, invited.person_id, posts=[post], reason="到岗")
    return Site(serve(create_app(platform, settings)), tokens, _seed(platform, tokens))


def _enter(platform: Platform, token: str) -> str:
    with platform.work(NOBODY) as work:
        return people.accept_invitation(work, token=token, password=PASSWORD).token


def _as(platform: Platform, token: str, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with platform.read() as session:
        actor = queries.identify(session, token)
    assert actor
    with platform.work(actor) as work:
        return act(work, *args, **kwargs)


def _seed(platform: Platform, tokens: dict[str, str]) -> dict[str, str]:
    """Evidence for some controls, a request, a finding, bans and keys, all through actions."""
    with platform.work(system("test")) as work:
        proofs = [_prove(work, i) for i in range(12)]
        notice = DefenceNotice(
            id="ban_gw",
            kind="ban",
            subject="ab" * 16,
            reason="猜测密钥",
            at=platform.clock.now().timestamp(),
            until=platform.clock.now().timestamp() + 3600,
            facts={},
        )
        access.take_over_ban(work, notice)

    @action("deployment.submit")
    def submit(work: Work) -> str:
        asked = {"kind": "deployment_plan", "subject_id": "deploy_1", "title": "BS-2026-001 金融问答首次上线"}
        seats, later = [["technical_lead"], ["business_lead"]], timedelta(days=30)
        barred = [work.actor.id]
        return approvals.ask(work, **asked, content=PLAN, seats=seats, barred=barred, lapses_after=later).id

    asked = _as(platform, tokens["wei"], submit)
    _as(platform, tokens["an"], access.issue_key, NewKey(caller="信贷客服", team="business"), environment="demo")
    _as(platform, tokens["rong"], access.ban, NewBan(kind="address", value="cd" * 16, reason="撞库", minutes=90))
    raised = NewFinding(
        title="多语言准确率偏低",
        severity="high",
        subject_kind="model",
        subject_id="finance-qa",
        evidence_ids=[proofs[0][0]],
        clauses=[proofs[0][1]],
    )
    _as(platform, tokens["rong"], findings.raise_finding, raised)
    return {
        "clause": f"/clauses/{proofs[0][1]}",
        "evidence": f"/evidence/{proofs[0][0]}",
        "approval": f"/approvals/{asked}",
    }


def _prove(work: Work, i: int) -> tuple[str, str]:
    """Evidence of the i-th fifth control; its id and the first clause that it stands for."""
    control = load().controls[i * 5]
    facts = dict.fromkeys(load().evidence_kind(control.evidence).facts)
    facts |= {
        "n": 400,
        "value": 0.9725,
        "sha256": "ab" * 32,
        "steps": [{"title": "一", "n": 1}, {"title": "二", "n": 2}],
    }
    state = State.NOT_MET if i % 5 == 4 else State.MET
    made = evidence.record(
        work, source=control.source, kind=control.evidence, subject=("model", "finance-qa"), state=state, facts=facts
    )
    return made.id, control.clauses[0]


Visit = Callable[..., tuple[Page, list[str]]]


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    contexts: list[BrowserContext] = []

    def open_page(path: str, *, who: str = "", locale: str = "zh-CN", **options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale=locale, **options)
        contexts.append(context)
        if who:
            context.add_cookies([{"name": COOKIE, "value": site.tokens[who], "url": site.url}])
        page, complaints = context.new_page(), []
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda sent: sent.url.startswith((site.url, "data:")) or complaints.append(sent.url))
        page.goto(site.url + site.pages.get(path, path))
        return page, complaints

    yield open_page
    for context in contexts:
        context.close()


PAGES = [
    ("/sign-in", ""),
    ("/", "lin"),
    ("/", "rong"),
    ("/", "shen"),
    ("/", "admin"),
    ("/me", "wei"),
    ("/help", "wei"),
    ("/clauses", "rong"),
    ("clause", "rong"),
    ("evidence", "rong"),
    ("/approvals?view=all", "wei"),
    ("approval", "lin"),
    ("/audit", "shen"),
    ("/audit/1", "shen"),
    ("/audit/verify", "shen"),
    ("/permissions", "rong"),
    ("/access", "an"),
    ("/bans", "rong"),
    ("/admin/users", "admin"),
]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("path", "who"), PAGES)
def test_every_governance_page_can_be_read_by_everyone(visit: Visit, path: str, who: str, locale: str) -> None:
    page, complaints = visit(path, who=who, locale=locale)
    expect(page.locator("html")).to_have_attribute("lang", locale)
    readable(page, complaints)


def test_a_lead_approves_a_plan_by_keyboard(visit: Visit) -> None:
    page, complaints = visit("/", who="lin")
    page.get_by_role("link", name="BS-2026-001 金融问答首次上线").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("还差：技术负责人；业务负责人。")).to_be_visible()
    page.get_by_role("button", name="批准部署方案").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    accessible(page)
    page.keyboard.type("方案完整，可以执行")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("已记录你的同意，等待其他席位")).to_be_visible()
    expect(page.get_by_text("方案完整，可以执行")).to_be_visible()
    assert complaints == []


def test_without_script_a_person_signs_in_lifts_a_ban_and_signs_out(visit: Visit, site: Site) -> None:
    page, _ = visit("/sign-in?next=/bans", java_script_enabled=False)
    page.get_by_label("账号").fill("rong")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.get_by_role("button", name="解除", exact=True).first.click()
    page.get_by_label("解除理由").first.fill("误报")
    page.locator("dialog:target button").click()
    expect(page.get_by_text("已解除封禁")).to_be_visible()
    page.locator("summary", has_text="荣主任").click()
    page.get_by_role("button", name="退出登录").click()
    assert page.url == f"{site.url}/sign-in"


def test_a_filter_changes_the_list_and_the_address_and_back_restores_both(visit: Visit, site: Site) -> None:
    page, _ = visit("/clauses", who="rong")
    page.locator("select[name=policy]").select_option("REM")
    expect(page.locator("#list [role=status]")).to_contain_text("34")
    assert page.url == f"{site.url}/clauses?policy=REM"
    page.go_back()
    expect(page.locator("#list [role=status]")).to_contain_text("58")


def test_a_key_is_shown_once(visit: Visit) -> None:
    page, complaints = visit("/access", who="an")
    page.get_by_role("button", name="签发密钥").first.click()
    accessible(page)
    page.locator("#caller").fill("风险报表")
    page.locator("#team").select_option("risk")
    page.locator("dialog[open]").get_by_role("button", name="签发密钥").click()
    secret = page.locator("#secret").input_value()
    assert re.fullmatch(r"gn-demo_\w{8}_[\w-]{43}", secret)
    accessible(page)
    page.get_by_role("link", name="已保存，返回列表").click()
    assert secret not in page.content()
    assert complaints == []
