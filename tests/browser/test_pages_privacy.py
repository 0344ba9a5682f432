"""De-identification in a real browser: tried in place, by keyboard, without script; readable by all."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect

from gnomon.app import setup
from gnomon.app.control import create_app
from gnomon.app.wiring import build
from gnomon.control.people import actions as people
from gnomon.control.people.schemas import NewPerson
from gnomon.control.privacy import actions
from gnomon.control.privacy.schemas import NewMaskPolicy
from gnomon.control.rulebook import actions as rulebook
from gnomon.control.rulebook.rules import load
from gnomon.kit.settings import Settings
from gnomon.kit.web import COOKIE
from gnomon.kit.work import Platform
from tests.browser.looks import Theme, painted_ms, readable
from tests.browser.test_pages_governance import Site, _as, _enter
from tests.fakes.platform import do
from tests.unit.rulebook_board.asking import ask

pytestmark = pytest.mark.browser
LOOKS: list[tuple[str, Theme]] = [("zh-CN", "light"), ("en", "dark")]
PHONE = "13812345678"
PAGES = ("/privacy", "/privacy/measure", "/privacy/policies/default", "/privacy/edit?policy=default", "proposal")


@pytest.fixture(scope="module")
def site(serve: Callable[[FastAPI], str], tmp_path_factory: pytest.TempPathFactory) -> Site:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, environment="demo")
    setup.upgrade(settings.database_url)
    platform = build(settings)
    setup.install(platform, settings)
    tokens = {login: _enter(platform, token) for login, token in setup.first_administrators(platform).items()}
    invited = _as(platform, tokens["admin"], people.invite, NewPerson(login="wei", name="魏工", team="technical"))
    tokens["wei"] = _enter(platform, invited.token)
    _as(platform, tokens["security"], people.set_posts, invited.person_id, posts=["engineer"], reason="到岗")
    return Site(serve(create_app(platform, settings)), tokens, {"proposal": _seed(platform, tokens["wei"])})


def _seed(platform: Platform, token: str) -> str:
    """Two measurements, and a proposal that waits."""
    for _ in range(2):
        answer = ask(platform, "privacy.leak_measured")
        assert answer is not None
        do(platform, "system", rulebook.keep, load().control("CTL-leak-ratio"), answer)
    policy = msgspec.to_builtins(load().mask_policy())
    rule = {"entity": "CN_MOBILE", "operator": "mask", "format": "3*4"}
    new = NewMaskPolicy(content=policy | {"version": "9", "rules": [rule, *policy["rules"]]}, reason="客服要看尾号")
    return f"/privacy/proposals/{_as(platform, token, actions.propose_policy, new).id}"


Visit = Callable[..., tuple[Page, list[str]]]


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    contexts: list[BrowserContext] = []

    def open_page(path: str, *, locale: str = "zh-CN", **options: Any) -> tuple[Page, list[str]]:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale=locale, **options)
        contexts.append(context)
        context.add_cookies([{"name": COOKIE, "value": site.tokens["wei"], "url": site.url}])
        page, complaints = context.new_page(), []
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site.url + site.pages.get(path, path))
        return page, complaints

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("locale", "theme"), LOOKS)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_de_identification_can_be_read_by_everyone(
    visit: Visit, path: str, locale: str, theme: Theme
) -> None:
    page, complaints = visit(path, locale=locale)
    readable(page, complaints, themes=[theme])


@pytest.mark.parametrize("path", [*PAGES, "/privacy/try"])
def test_every_page_of_de_identification_is_quick_to_see(visit: Visit, path: str) -> None:
    # What else the machine does only adds: one quick look is proof.
    assert any(painted_ms(visit(path)[0]) < 1000 for _ in range(10))


def test_where_something_only_looks_real_the_page_says_so(visit: Visit) -> None:
    page, complaints = visit("/privacy/try")
    note = page.get_by_text("处是仿真替换：看似真实，并非本人信息")
    page.locator("#text").fill(f"请回电{PHONE}")
    page.locator("#text").press("Control+Enter")
    expect(page.locator("#masked")).to_contain_text("⟦手机_")
    expect(note).to_have_count(0)
    page.locator("#purpose").select_option("evaluation")
    page.locator("#text").press("Control+Enter")
    expect(note).to_be_visible()
    expect(page.locator("#masked")).not_to_contain_text(PHONE)
    readable(page, complaints)


@pytest.mark.parametrize(("locale", "theme"), LOOKS)
def test_what_trying_shows_can_be_read_by_everyone(visit: Visit, locale: str, theme: Theme) -> None:
    page, complaints = visit("/privacy/try", locale=locale)
    page.locator("#text").press("Control+Enter")
    expect(page.locator("#masked")).to_be_visible()
    readable(page, complaints, themes=[theme])


def test_a_text_is_tried_in_place_by_keyboard_and_copied(visit: Visit, site: Site) -> None:
    page, complaints = visit("/privacy/try")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    page.locator("#text").fill(f"请回电{PHONE}")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#masked")).to_contain_text("请回电⟦手机_")
    assert page.evaluate("document.activeElement.id") == "result"
    assert page.locator("#text").input_value() == f"请回电{PHONE}", "the form stays as it was"
    page.get_by_role("button", name="复制脱敏后的文字").click()
    expect(page.get_by_role("button", name="已复制")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#masked").text_content()
    page.locator("#direction").select_option("output")
    page.locator("main").get_by_role("button", name="试脱敏").click()
    expect(page.locator("#masked")).to_contain_text("⟦手机⟧")
    assert complaints == []


def test_a_file_is_dropped_shown_and_downloaded(visit: Visit) -> None:
    page, complaints = visit("/privacy/try")
    dropped = page.evaluate_handle(
        """text => { const data = new DataTransfer();
        data.items.add(new File([text], "a.csv", {type: "text/csv"})); return data; }""",
        f"姓名,电话\n李四,{PHONE}\n",
    )
    page.dispatch_event("[data-tryout]", "drop", {"dataTransfer": dropped})
    expect(page.locator("#result del")).to_have_text(PHONE)
    with page.expect_download() as taken:
        page.get_by_role("button", name="下载结果").click()
    assert PHONE not in Path(taken.value.path()).read_text()
    with page.expect_download():
        page.get_by_role("button", name="下载结果").click()
    assert complaints == []


def test_without_script_a_text_is_tried_and_a_policy_compared(visit: Visit) -> None:
    page, _ = visit("/privacy/try", java_script_enabled=False)
    page.locator("#text").fill(PHONE)
    page.locator("main").get_by_role("button", name="试脱敏").click()
    expect(page.locator("#masked")).to_contain_text("⟦手机_")
    page, _ = visit("/privacy/edit?policy=default", java_script_enabled=False)
    page.locator("[name=entity-0]").select_option("CN_MOBILE")
    page.get_by_role("button", name="试算差异").click()
    expect(page.get_by_role("heading", name="对谁有变化")).to_be_visible()
    expect(page.locator("[name=entity-0]")).to_have_value("CN_MOBILE")
