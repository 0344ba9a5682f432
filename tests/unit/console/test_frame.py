"""The frame of every page: the URL is the view, nothing inline, nothing from elsewhere, files kept for ever."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from starlette.requests import Request

import gnomon.console
from gnomon.console import navigation, security
from gnomon.console.assets import ASSETS, UnknownAsset
from gnomon.console.pages import gallery, preferences
from gnomon.console.render import Context, context_of, error_page, jinja, page, render, see_other
from gnomon.console.urls import Column, View, is_local, page_numbers, pages
from gnomon.kit.errors import BadInput, NotFound
from tests.fakes.client import TestClient

words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(gallery.router)
    app.include_router(preferences.router)

    @app.get("/left")
    def left() -> object:
        return see_other("/_told", notice=("ok", "已批准 <b>"))

    @app.get("/_told")
    def told(request: Request) -> object:
        return error_page(request, context_of(request), NotFound("no case <1>", next_step="look & see", id="<x>"))

    security.install(app)
    with TestClient(app, base_url="http://gnomon.test") as made:
        yield made


# ---------------------------------------------------------------- the URL is the view


@settings(max_examples=60)
@given(st.lists(st.tuples(words, words), max_size=5), words, words)
def test_a_changed_view_keeps_all_other_parameters(query: list[tuple[str, str]], name: str, value: str) -> None:
    from urllib.parse import parse_qsl, urlsplit

    view = View("/list", tuple(query))
    after = parse_qsl(urlsplit(view.to(**{name: value})).query)
    kept = [(k, v) for k, v in query if k not in (name, "page")]
    assert after == [*kept, (name, value)]
    assert (
        view.without(name, value) == View("/list", tuple(p for p in query if p != (name, value) and p[0] != "page")).url
    )


def test_a_filter_starts_on_the_first_page_and_a_page_keeps_the_filter() -> None:
    view = View("/slo", (("q", "贷款"), ("page", "3")))
    assert view.to(state="bad") == "/slo?q=%E8%B4%B7%E6%AC%BE&state=bad"
    assert view.to(page=4).endswith("page=4")
    assert view.to(q=None) == "/slo"


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "²", "9" * 30])
def test_a_nonsense_page_is_the_first(text: str) -> None:
    assert View("/", (("page", text),)).page == 1


def test_sorting_by_what_is_not_a_column_falls_back() -> None:
    assert View("/", (("sort", "-password"),)).sort(["at", "id"], "-at") == ("at", True)
    assert View("/", (("sort", "id"),)).sort(["at", "id"], "-at") == ("id", False)
    assert View("/").toggle("at", "-at") == "/?sort=at"
    assert View("/", (("sort", "at"),)).toggle("at") == "/?sort=-at"


def test_columns_come_from_the_url_in_the_tables_order() -> None:
    columns = [Column("a", "A"), Column("b", "B", hidden=True), Column("c", "C")]
    assert [c.key for c in View("/").shown(columns)] == ["a", "c"]
    assert [c.key for c in View("/", (("col", "c"), ("col", "b"), ("col", "x"))).shown(columns)] == ["b", "c"]


@settings(max_examples=60)
@given(st.integers(1, 500), st.integers(1, 500))
def test_a_pager_shows_both_ends_and_where_one_is(now: int, last: int) -> None:
    now = min(now, last)
    numbers = page_numbers(now, last)
    assert {1, now, last} <= set(numbers)
    assert len(numbers) <= 9
    assert [n for n in numbers if n] == sorted({n for n in numbers if n})


def test_pages_round_up() -> None:
    assert [pages(n, 25) for n in (0, 1, 25, 26)] == [1, 1, 1, 2]


@pytest.mark.parametrize("target", ["//evil.test", "/\\evil.test", "https://evil.test", "", "x", "/a\nb"])
def test_a_redirect_never_leaves_the_site(target: str) -> None:
    assert not is_local(target)
    with pytest.raises(BadInput):
        see_other(target)


# ---------------------------------------------------------------- pages


def test_a_value_that_nobody_gave_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render(Context(view=View("/")), "sign_in.html")


def test_what_comes_from_outside_is_escaped_and_a_notice_shows_once(client: TestClient) -> None:
    told = client.get("/left", headers={"accept-language": "zh"})
    assert told.status_code == 404
    assert "no case &lt;1&gt;" in told.text
    assert "look &amp; see" in told.text
    assert "已批准 &lt;b&gt;" in told.text
    assert "not_found" in told.text
    assert "已批准" not in client.get("/_told").text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("path", ["/_gallery", "/_gallery?q=none", "/_gallery?notice=1", "/_gallery/sign-in?wrong=1"])
def test_no_page_holds_inline_style_or_script(client: TestClient, language: str, path: str) -> None:
    answer = client.get(path, headers={"accept-language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    assert not re.search(r"<[^>]*\s(style|on[a-z]+)=", answer.text)
    assert not re.search(r"<script(?![^>]*src=)", answer.text)
    assert not re.search(r"(src|href|action)=\"(https?:)?//", answer.text)


def test_the_english_page_shows_no_chinese(client: TestClient) -> None:
    text = client.get("/_gallery", headers={"accept-language": "en"}).text.replace("中文", "")
    assert not re.findall(r"[\u4e00-\u9fff]+", text)


def test_the_list_obeys_its_address(client: TestClient) -> None:
    text = client.get("/_gallery?sort=-id&page=2&col=id&col=note&state=ok").text
    shown = re.findall(r'href="#(sample-\d+)"', text)
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == 10
    assert "11–20" in text
    assert "错误预算（%）</a>" not in text


def test_only_pages_that_exist_are_offered(client: TestClient) -> None:
    assert navigation.paths_of(client.app) == {"/_gallery"}
    assert [group.label for group in navigation.visible({"/slo", "/audit"})] == ["运行", "治理"]
    assert navigation.current("/slo/services/1") == "/slo"
    assert navigation.current("/evaluations") == "/evaluations"


def test_each_language_has_its_own_environment() -> None:
    zone = Context(view=View("/")).zone
    assert jinja("en", zone) is jinja("en", zone)
    assert jinja("en", zone) is not jinja("zh-CN", zone)
    assert page is not None


# ---------------------------------------------------------------- preferences


def test_a_choice_is_kept_and_the_address_stays(client: TestClient) -> None:
    answer = client.post(
        "/preferences", data={"locale": "en", "theme": "dark", "back": "/_gallery?q=1"}, follow_redirects=False
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/_gallery?q=1"
    assert client.cookies["gnomon_locale"] == "en"
    text = client.get("/_gallery", headers={"accept-language": "zh"}).text
    assert '<html lang="en" data-theme="dark"' in text
    client.cookies.clear()


def test_a_choice_leads_nowhere_else(client: TestClient) -> None:
    answer = client.post("/preferences", data={"back": "//evil.test"}, follow_redirects=False)
    assert answer.headers["location"] == "/"


# ---------------------------------------------------------------- security


def test_every_response_carries_the_policy(client: TestClient) -> None:
    for path in ("/_gallery", "/nowhere", ASSETS.url("page.js")):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == security.CSP
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert client.get("/_gallery").headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"origin": "http://gnomon.test"}, 303),
        ({"origin": "http://evil.test"}, 403),
        ({"origin": "http://gnomon.test.evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({}, 303),
    ],
)
def test_changes_that_another_site_starts_are_refused(client: TestClient, headers: dict[str, str], status: int) -> None:
    answer = client.post("/preferences", headers=headers, follow_redirects=False)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "cross_site"
        page = client.post("/preferences", headers={**headers, "accept": "text/html"}).text
        assert "cross_site" in page


def test_static_files_are_kept_for_ever_and_packed(client: TestClient) -> None:
    answer = client.get(ASSETS.url("console.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    plain = client.get(ASSETS.url("console.css"), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text
    assert client.get("/static/000000000000/console.css").headers["cache-control"] == "no-cache"
    with pytest.raises(UnknownAsset):
        ASSETS.url("../secret")


def test_a_cold_gallery_is_small(client: TestClient) -> None:
    page = client.get("/_gallery")
    files = set(re.findall(r"/static/[0-9a-f]{12}/[\w.]+", page.text))
    files |= {ASSETS.url(name) for name in ("dialogs.js", "keys.js", "palette.js", "figure.js", "list.js", "live.js")}
    total = int(page.headers["content-length"]) + sum(int(client.get(f).headers["content-length"]) for f in files)
    assert total < 60_000


def test_a_theme_changes_colours_and_nothing_else() -> None:
    """The browser's tests rest on it: they look at a page's second theme for its colours alone."""
    folder = Path(gnomon.console.__file__).parent / "static"
    css = {path.name: path.read_text("utf-8") for path in folder.glob("*.css")}
    themed = {name: re.findall(r':root\[data-theme="(?:dark|auto)"\] \{([^}]*)\}', text) for name, text in css.items()}
    (rules,) = [found for found in themed.values() if found]
    declared = [part.strip() for rule in rules for part in rule.split(";") if part.strip()]
    assert len(declared) > 20
    assert [one for one in declared if not re.fullmatch(r"--[\w-]+: #[0-9a-f]{6}|color-scheme: dark", one)] == []
    about_themes = r"data-theme|prefers-color-scheme"
    assert [name for name, text in css.items() if re.search(about_themes, text) and not themed[name]] == []
