"""The pages of the loop in a real browser: for everybody, at every width, in both languages, and quiet."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from tests.browser.looks import Theme, readable
from tests.fakes.console import cookie
from tests.fakes.loop import make_world
from tests.fakes.loop_plans import MODEL
from tests.fakes.loop_world import World

pytestmark = pytest.mark.browser
LOOKS: list[tuple[str, Theme]] = [("zh-CN", "light"), ("en", "dark")]
PATHS = [
    "/slo",
    f"/slo/services/{MODEL}",
    "/alerts",
    "/deployments",
    "/deployments/{deployment}",
    f"/deployments/routes/{MODEL}",
    "/releases/{release}",
    "/upstreams",
    "/upstreams/{server}",
    f"/models/{MODEL}",
    f"/models/{MODEL}/{{lora}}",
    "/datasets/{dataset}",
    "/evaluations",
    "/evaluations/{baseline}",
    "/evaluations/{baseline}/slices",
    "/evaluations/masking/{trial}",
    "/suites/{suite_phones}",
    "/findings",
    "/cases?as=board",
    "/cases/{case}",
    "/cases/{case_2}",
    "/training/{training}",
    "/reports",
    "/traffic",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    folder = Path(tmp_path_factory.mktemp("loop"))
    with ThreadPoolExecutor(1) as thread:  # Playwright has an event loop running in this one
        made = thread.submit(make_world, folder, patch.setattr, papers=False).result()
    yield made
    made.close()
    patch.undo()


@pytest.fixture(scope="module")
def site(serve: Callable[[FastAPI], str], world: World) -> str:
    return serve(world.app)


@pytest.fixture(scope="module")
def signed_in(world: World) -> dict[str, str]:
    return cookie(world.platform, "lin")


@pytest.fixture
def visit(browser: Browser, site: str, world: World, signed_in: dict[str, str]) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_page(path: str, *, locale: str = "zh-CN", complaints: list[str] | None = None, **options: Any) -> Page:
        heard = [] if complaints is None else complaints
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale=locale, **options)
        contexts.append(context)
        kept = signed_in | {"gnomon_locale": locale}
        context.add_cookies([{"name": name, "value": value, "url": site} for name, value in kept.items()])
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.goto(site + path.format(**world.ids))
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("locale", "theme"), LOOKS)
@pytest.mark.parametrize("path", PATHS)
def test_every_page_can_be_read_by_everyone(visit: Callable[..., Page], path: str, locale: str, theme: Theme) -> None:
    complaints: list[str] = []
    page = visit(path, locale=locale, complaints=complaints)
    readable(page, complaints, themes=[theme])


def test_a_roll_back_waits_for_the_typed_version(visit: Callable[..., Page]) -> None:
    page = visit(f"/deployments/routes/{MODEL}")
    page.click("a[data-dialog=rollback]")
    button = page.locator("dialog#rollback button.danger")
    expect(button).to_be_disabled()
    page.fill("#rollback-confirm", "base-1")
    expect(button).to_be_enabled()
    page.fill("#rollback-reason", "演练")
    button.click()
    expect(page.locator(".sentence").first).to_contain_text("base-1 100%")


def test_without_script_a_case_is_opened_from_the_register(visit: Callable[..., Page]) -> None:
    page = visit("/findings?state=open", java_script_enabled=False)
    page.check("tbody input[name=pick] >> nth=0")
    page.click(".batch button")
    page.select_option("#owner_id", "wei")
    page.click("main form .button.primary")
    expect(page.locator("h1")).to_contain_text("高峰时段应答偏慢")


def test_the_board_measures_itself_anew(visit: Callable[..., Page]) -> None:
    page = visit("/slo")
    expect(page.locator("[data-live-state]")).to_contain_text("实时")
    first = page.locator("#slo time").first.get_attribute("datetime")
    page.wait_for_timeout(1100)  # the shown time has whole seconds
    page.evaluate("document.querySelector('[data-live]').live.tick()")
    expect(page.locator("#slo time").first).not_to_have_attribute("datetime", first or "")
